/* Strict UTF-8. yajl's own check ends the whole document at the first bad byte
 * and lets lone surrogates and overlong forms pass, so each string is checked
 * here instead. */
#pragma once

#include "base/buf.h"

/* True when every sequence is well-formed (no surrogates, no overlong forms,
 * nothing above U+10FFFF). */
bool utf8_valid(const char *p, size_t n);
/* Appends the text with each ill-formed part replaced by U+FFFD; returns how
 * many were replaced. */
size_t utf8_repair(struct buf *out, const char *p, size_t n);
/* Same into memory of at least 3 * n bytes; the new length comes back. */
size_t utf8_repair_into(char *out, const char *p, size_t n, size_t *replaced);

/* Blanks what would end a line or steer a terminal: control characters, U+0080
 * to U+009F, U+2028 to U+202E, U+2066 to U+2069. */
void utf8_blank_controls(char *s);
