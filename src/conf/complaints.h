/* The complaints about one configuration, collected while its files are read and
 * reported at the end in the order of the files, so that an operator mends all of
 * them in one go. Bounded: after ERRORS_MAX errors reading should stop; warnings
 * above WARNINGS_MAX are only counted, since a file with warnings is a good one.
 *
 * Settings that were given at run time stand in no file: there a complaint begins
 * with the name of its setting. */
#pragma once

#include "base/arena.h"
#include "conf/conf.h"

#include <stdarg.h>

enum { ERRORS_MAX = 200, WARNINGS_MAX = 50, COMPLAINTS_MAX = ERRORS_MAX + WARNINGS_MAX };

/* A place in a file; line and column count from 1, columns in characters. File 0
 * is the one being read, and the main file when none is. */
struct place {
	uint32_t line, column, file;
};

enum severity { COMPLAINT_ERROR, COMPLAINT_WARNING };

struct complaint {
	struct place at;
	uint32_t order;
	enum severity severity;
	const char *subject, *text;
};

/* Owned by whoever called complaints_init(). */
struct complaints {
	struct arena *arena;
	const char *const *files; /* their names, by struct place's number */
	uint32_t file;            /* the one being read */
	bool given;               /* no file: complaints begin with `subject` */
	const char *subject;      /* the setting being read; NULL: all of them */
	struct complaint rows[COMPLAINTS_MAX];
	uint32_t count, errors, warnings; /* the latter two count all that came */
	bool full;                        /* more errors would have come */
	bool no_memory;                   /* one was lost; the caller answers E_NOMEM */
};

int complaints_init(struct complaints *c);
void complaints_release(struct complaints *c);
/* One sentence, without place and without a full stop. */
void complain(struct complaints *c, struct place at, enum severity severity, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Sorts by place, leaves out repetitions (a list that is used twice by an alias
 * is read twice) and hands each on as "FILE:LINE:COLUMN: error: text", or as
 * "SETTING: error: text". */
int complaints_report(struct complaints *c, conf_complaint_fn *report, void *arg);

/* `text` in double quotes for a complaint, cut at about 60 bytes, with control
 * characters replaced; never for what may be a secret. */
struct quoted {
	char text[80];
};
struct quoted quote(struct slice text);
