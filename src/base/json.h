/* Writes JSON into a buffer. The text must be valid UTF-8 (see utf8.h); quotes,
 * backslashes and control characters are escaped, nothing else is. Commas are
 * put in by the writer: a value or a key that follows another gets one. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

void json_open(struct buf *b, char brace);  /* '{' or '[' */
void json_close(struct buf *b, char brace); /* '}' or ']' */
/* `key` is a literal that needs no escaping. */
void json_key(struct buf *b, const char *key, size_t n);
#define json_k(b, lit) json_key(b, "" lit, sizeof(lit) - 1)
void json_text(struct buf *b, struct slice s); /* p == NULL writes null */
void json_int(struct buf *b, int64_t v);
void json_bool(struct buf *b, bool v);
void json_null(struct buf *b);
