/* The command line, taken apart: words and options in any order, "--" ends the
 * options. Which options belong to which command is the command table's business. */
#pragma once

#include "base/err.h"
#include "ctl/output.h"

/* One bit an option. */
#define OPTION_STORE         (UINT64_C(1) << 0)
#define OPTION_SOCKET        (UINT64_C(1) << 1)
#define OPTION_JSON          (UINT64_C(1) << 2)
#define OPTION_CSV           (UINT64_C(1) << 3)
#define OPTION_HELP          (UINT64_C(1) << 4)
#define OPTION_VERSION       (UINT64_C(1) << 5)
#define OPTION_STALE_AFTER   (UINT64_C(1) << 6)
#define OPTION_STATE         (UINT64_C(1) << 7)
#define OPTION_PLATFORM      (UINT64_C(1) << 8)
#define OPTION_OWNER         (UINT64_C(1) << 9)
#define OPTION_GROUP         (UINT64_C(1) << 10)
#define OPTION_SINCE         (UINT64_C(1) << 11)
#define OPTION_FOLLOW        (UINT64_C(1) << 12)
#define OPTION_ALL           (UINT64_C(1) << 13)
#define OPTION_WAIT          (UINT64_C(1) << 14)
#define OPTION_COUNT         (UINT64_C(1) << 15)
#define OPTION_YES           (UINT64_C(1) << 16)
#define OPTION_KEEP_DEVICES  (UINT64_C(1) << 17)
#define OPTION_URL           (UINT64_C(1) << 18)
#define OPTION_TOKEN_FILE    (UINT64_C(1) << 19)
#define OPTION_TOKEN_STDIN   (UINT64_C(1) << 20)
#define OPTION_CA_FILE       (UINT64_C(1) << 21)
#define OPTION_CERT_FILE     (UINT64_C(1) << 22)
#define OPTION_KEY_FILE      (UINT64_C(1) << 23)
#define OPTION_HEADER        (UINT64_C(1) << 24)
#define OPTION_INTERVAL      (UINT64_C(1) << 25)
#define OPTION_MAP_USERS     (UINT64_C(1) << 26)
#define OPTION_MAP_TEAMS     (UINT64_C(1) << 27)
#define OPTION_ALLOW_HTTP    (UINT64_C(1) << 28)
#define OPTION_ALLOW_PRIVATE (UINT64_C(1) << 29)
#define OPTION_SET           (UINT64_C(1) << 30)
#define OPTION_NO_CHECK      (UINT64_C(1) << 31)
/* those that every command takes */
#define OPTIONS_COMMON                                                                                       \
	(OPTION_STORE | OPTION_SOCKET | OPTION_JSON | OPTION_CSV | OPTION_HELP | OPTION_VERSION)

struct option {
	const char *name;  /* without the dashes */
	const char *value; /* what the value is called in the help; NULL: takes none */
	uint64_t bit;
	const char *help;
};

extern const struct option option_table[];
extern const size_t option_count;

enum { OPTIONS_WORDS_MAX = 4, OPTIONS_HEADERS_MAX = 32 };

struct ctl_options {
	uint64_t given; /* bits */
	const char *store, *socket;
	enum output_format format;
	int64_t stale_after_s; /* 0: not given */
	const char *state, *platform, *owner, *group;
	uint64_t since, count;
	const char *url, *token_file, *ca_file, *cert_file, *key_file;
	const char *interval, *set;
	const char *headers[OPTIONS_HEADERS_MAX];
	size_t header_count;
	const char *words[OPTIONS_WORDS_MAX]; /* the command first */
	size_t word_count;
};

/* Points into argv. E_CONFIG with a sentence when an option is unknown, misses
 * its value or has a wrong one. */
int options_parse(struct ctl_options *o, int argc, char *const *argv, struct err *e);
