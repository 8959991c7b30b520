/* A line of the admin protocol as words: bare ones between blanks, or JSON
 * strings in double quotes. Pure. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_MAX = 256 };

struct word {
	const char *text; /* ends with a NUL and contains none; UTF-8 */
	uint32_t n;
	bool quoted;
};

/* Owned by the caller. A word may be a secret, so the memory is wiped. */
struct words {
	struct word *at;
	size_t count;
	void *memory;
	size_t memory_bytes;
};

/* E_SYNTAX with the column (characters, from 1) of what cannot be read, E_LIMIT
 * when there are more than WORDS_MAX words, E_NOMEM; then `w` holds nothing. The
 * text of an error says nothing of what the line contains. */
int words_parse(struct words *w, struct slice line, struct err *e);
/* Also of one that holds nothing. */
void words_release(struct words *w);
