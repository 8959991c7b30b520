/* The commands, as rows of one table. */
#pragma once

#include "ctl/options.h"
#include "ctl/source.h"

struct command;
struct link;

/* What a command works with; belongs to ctl_run(). */
struct ctl {
	struct ctl_options options;
	const struct command *command;
	const char *words[OPTIONS_WORDS_MAX]; /* behind the command's name */
	size_t word_count;
	struct output output;
	/* one of them is open when the command needs it */
	struct store *store;
	struct link *link;
	int in; /* where a token may come from */
	FILE *complaints;
	struct buf end; /* what source_ask() was told about the whole */
	int64_t now;
	struct err err; /* filled when a command answers anything but OK */
	int exit;       /* the exit code when that of the error does not tell; 0: none */
	bool bad;       /* the work was done, its answer is not good: MUSTER_EXIT_FAILED */
};

enum command_source {
	FROM_NOTHING,
	FROM_EITHER, /* a store or a daemon */
	FROM_DAEMON,
};

struct command {
	const char *name;      /* one word or two */
	const char *arguments; /* as the help shows them */
	size_t least, most;    /* words behind the name */
	uint64_t options;      /* beside those that all take */
	enum command_source source;
	const char *summary; /* a few words */
	const char *detail;  /* sentences */
	/* OK, or an error code with c->err filled. */
	int (*run)(struct ctl *c);
	/* for command_rows(): how rows are shown, and what is said without any */
	struct view view;
	const char *none;
};

extern const struct command command_table[];
extern const size_t command_count;

/* The command whose name the words begin with, the longest; `used` counts the
 * words of its name. E_CONFIG, the nearest name suggested, when there is none. */
int command_find(const struct command **out, const char *const *words, size_t count, size_t *used,
		 struct err *e);
/* Checks the number of words and that the options belong to the command. */
int command_check(const struct ctl *c, struct err *e);
/* The help for all (`cmd` == NULL) or one of them. */
void command_help(const struct command *cmd, FILE *out);

/* The i-th word behind the command's name, or NULL. */
static inline const char *ctl_word(const struct ctl *c, size_t i)
{
	return i < c->word_count ? c->words[i] : NULL;
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
/* Asks the daemon and prints the rows as the command's view shows them. */
int command_rows(struct ctl *c);
int command_status(struct ctl *c);
int command_tenant_list(struct ctl *c);
int command_tenant_show(struct ctl *c);
int command_tenant_remove(struct ctl *c);
int command_tenant_settings(struct ctl *c); /* add, set, rotate-token */
int command_sync(struct ctl *c);
int command_wait(struct ctl *c);
int command_accept(struct ctl *c);
int command_doctor(struct ctl *c);
int command_reload(struct ctl *c);
int command_copy(struct ctl *c); /* backup, compact */
