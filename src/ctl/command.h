/* The commands, as rows of one table. */
#pragma once

#include "ctl/options.h"
#include "ctl/source.h"

/* What a command works with; belongs to ctl_run(). */
struct ctl {
	struct ctl_options options;
	struct output output;
	struct store *store; /* NULL when the command needs none */
	struct buf end;      /* what source_ask() was told about the whole */
	int64_t now;
	struct err err; /* filled when a command answers anything but OK */
	bool bad;       /* the work was done, its answer is not good: MUSTER_EXIT_FAILED */
};

struct command {
	const char *name;
	const char *arguments; /* as the help shows them */
	size_t least, most;    /* words behind the name */
	unsigned options;      /* beside those that all take */
	bool needs_store;
	const char *summary; /* a few words */
	const char *detail;  /* sentences */
	/* OK, or an error code with c->err filled. */
	int (*run)(struct ctl *c);
};

extern const struct command command_table[];
extern const size_t command_count;

/* E_CONFIG, the nearest name suggested, when there is none. */
int command_find(const struct command **out, const char *name, struct err *e);
/* Checks the number of words and that the options belong to the command. */
int command_check(const struct command *cmd, const struct ctl_options *o, struct err *e);
/* The help for all (`cmd` == NULL) or one of them. */
void command_help(const struct command *cmd, FILE *out);

/* The word behind the command's name, or NULL. */
static inline const char *ctl_word(const struct ctl *c, size_t i)
{
	return i + 1 < c->options.word_count ? c->options.words[i + 1] : NULL;
}
/* Fills c->err for a code that came without a sentence; answers `rc`. */
int ctl_failed(struct ctl *c, int rc, const char *doing);

int command_tenants(struct ctl *c);
int command_devices(struct ctl *c);
int command_device(struct ctl *c);
int command_changes(struct ctl *c);
int command_deletions(struct ctl *c);
int command_rejects(struct ctl *c);
int command_tombstones(struct ctl *c);
int command_summary(struct ctl *c);
int command_verify(struct ctl *c);
int command_version(struct ctl *c);
int command_show_help(struct ctl *c);
