/* Walks the JSON that record_write_stable() wrote, without building a tree.
 * Safe on any bytes: what does not look like it ends the walk with E_CORRUPT.
 * Only record*.c include this. */
#pragma once

#include "base/slice.h"

/* Past the closing quote of the string that begins at p; NULL when it has none. */
const char *scan_string(const char *p, const char *end);
/* Past the value of any kind that begins at p; NULL when there is none. */
const char *scan_value(const char *p, const char *end);

/* Where a walk over the members of one object stands. */
struct member_walk {
	const char *p, *end;
	bool begun;
	bool open_end; /* the closing brace may be missing: the stable part itself */
};

/* `object` begins at its opening brace. */
struct member_walk member_walk(struct slice object, bool open_end);
/* 1: `key` (raw, without quotes) and `value` (raw, as written) of the next
 * member; 0: there are no more; E_CORRUPT. */
int member_next(struct member_walk *w, struct slice *key, struct slice *value);
