/* The command line, taken apart: words and options in any order, "--" ends the
 * options. Which options belong to which command is the command table's business. */
#pragma once

#include "base/err.h"
#include "ctl/output.h"

enum option_bit {
	OPTION_STORE = 1 << 0,
	OPTION_JSON = 1 << 1,
	OPTION_CSV = 1 << 2,
	OPTION_HELP = 1 << 3,
	OPTION_VERSION = 1 << 4,
	OPTION_STALE_AFTER = 1 << 5,
	OPTION_STATE = 1 << 6,
	OPTION_PLATFORM = 1 << 7,
	OPTION_OWNER = 1 << 8,
	OPTION_GROUP = 1 << 9,
	OPTION_SINCE = 1 << 10,
	/* those that every command takes */
	OPTIONS_COMMON = OPTION_STORE | OPTION_JSON | OPTION_CSV | OPTION_HELP | OPTION_VERSION,
};

struct option {
	const char *name;  /* without the dashes */
	const char *value; /* what the value is called in the help; NULL: takes none */
	unsigned bit;
	const char *help;
};

extern const struct option option_table[];
extern const size_t option_count;

enum { OPTIONS_WORDS_MAX = 4 };

struct ctl_options {
	unsigned given; /* bits */
	const char *store;
	enum output_format format;
	int64_t stale_after_s; /* 0: not given */
	const char *state, *platform, *owner, *group;
	uint64_t since;
	const char *words[OPTIONS_WORDS_MAX]; /* the command first */
	size_t word_count;
};

/* Points into argv. E_CONFIG with a sentence when an option is unknown, misses
 * its value or has a wrong one. */
int options_parse(struct ctl_options *o, int argc, char *const *argv, struct err *e);
