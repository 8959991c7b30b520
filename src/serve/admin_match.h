/* Which row of the command table a line is, and what it gives to it. Pure. */
#pragma once

#include "serve/admin.h"
#include "serve/words.h"

struct admin_table {
	const struct admin_command *commands;
	size_t count;
};

struct admin_given {
	const struct admin_option *option;
	const char *value; /* NULL: it takes none */
};

/* Points into the words. */
struct admin_match {
	const struct admin_command *command;
	const char **words;
	size_t word_count;
	struct admin_given *given;
	size_t given_count;
	void *memory;
};

/* The longest name that the words begin with, and how many words it has. */
const struct admin_command *admin_find(const struct admin_table *t, const struct words *w, size_t *used);
/* The name is known but goes on, or nobody knows it: E_NOT_FOUND with the nearest. */
int admin_unknown(const struct admin_table *t, const struct words *w, struct err *e);
/* An option is a bare word that begins with "--"; its value is the next word,
 * whatever that is. E_NOT_FOUND, E_CONFIG or E_NOMEM; errors contain no value. */
int admin_match(struct admin_match *m, const struct admin_table *t, const struct words *w, struct err *e);
void admin_match_release(struct admin_match *m);
