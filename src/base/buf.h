/* A growing byte buffer with a ceiling. A write that would pass the ceiling or
 * that finds no memory sets `failed` (E_LIMIT or E_NOMEM) and changes nothing;
 * later writes are ignored, so a caller may check once at the end. Not
 * NUL-terminated except by buf_cstr(). Owned by the caller, who releases it. */
#pragma once

#include "base/slice.h"

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap, ceiling;
	int failed;
};

void buf_init(struct buf *b, size_t ceiling_bytes);
/* Writes into `memory` of the caller and never grows; there is nothing to release. */
void buf_init_fixed(struct buf *b, void *memory, size_t n);
void buf_release(struct buf *b);
/* Empties it and clears `failed`; keeps the memory. */
void buf_reset(struct buf *b);
/* Makes room for n more bytes; false when that failed. */
int buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "" when it failed or is empty; valid until the next write. */
const char *buf_cstr(struct buf *b);
struct slice buf_slice(const struct buf *b);
