/* Walks the JSON that record_write_stable() wrote, without building a tree.
 * Safe on any bytes: what does not look like it ends the walk with E_CORRUPT.
 * Only record*.c include this. */
#pragma once

#include "base/slice.h"

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

/* The next element of an array: 1, 0 or E_CORRUPT. Start with begun = false and
 * p at the opening bracket. */
struct element_walk {
	const char *p, *end;
	bool begun;
};
struct element_walk element_walk(struct slice array);
int element_next(struct element_walk *w, struct slice *value);
