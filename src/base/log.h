/* One line per event on standard error: time, level, group, what happened, then
 * key=value pairs, or the same as one JSON object. Values are quoted and
 * escaped here, so call sites never format identity or care about newlines.
 *
 *   log_event(LOG_NOTICE, "sync", "page proven", "tenant", LOG_S("acme"), "hosts", LOG_I(500));
 *
 * Under systemd's journal, which keeps time and level itself, a line begins with
 * the level as sd-daemon(3) has it, "<5>", and the text form leaves both out.
 *
 * The same event of one tenant, said again with the same values, is counted and
 * said once in ten seconds with `repeated=N`. A line is at most PIPE_BUF bytes,
 * so that it is written whole; what does not fit is left out and `cut=yes` says
 * so. Logging never waits: while standard error takes nothing, lines are lost
 * and counted, and the count is said when it takes lines again.
 *
 * Never pass a secret: nothing is redacted afterwards. Thread-safe, allocates
 * nothing. */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

struct log_value {
	char kind; /* 's' text, 'i' integer */
	const char *s;
	int64_t i;
};

#define LOG_S(x) (&(struct log_value){ 's', (x), 0 })
#define LOG_I(x) (&(struct log_value){ 'i', 0, (int64_t)(x) })

/* Sets the level of all groups and the form; may be called again. */
void log_configure(enum log_level level, int json);
/* `group` is NULL for all of them. E_NOT_FOUND, the nearest name suggested, when
 * there is no such group. */
int log_set_level(const char *group, enum log_level level, struct err *e);
/* The level of a group, or the one last set for all (NULL, or a group that is not there). */
enum log_level log_level_of(const char *group);
/* The i-th group; NULL behind the last. tests/lint/layers.py holds call sites to them. */
const char *log_group(size_t i);

/* Whether any group takes events of that level: one relaxed load. */
int log_enabled(enum log_level level);
/* Pairs of (const char *key, struct log_value *); log_event() puts the end. */
void log_event_(const char *group, enum log_level level, const char *what, ...) __attribute__((sentinel));
#define log_event(level, group, ...)                                                                         \
	(log_enabled(level) ? log_event_(group, level, __VA_ARGS__, (char *)NULL) : (void)0)

/* Says what was counted and whose ten seconds are over; for a timer of the program. */
void log_settle(void);
/* Says all that was counted, waiting a second for a blocked standard error; done at exit by itself. */
void log_flush(void);

/* Events of a level so far, those that were counted or lost included. */
uint64_t log_count(enum log_level level);
/* Lines that standard error did not take. */
uint64_t log_lost(void);

int log_level_parse(const char *name, enum log_level *out);
const char *log_level_name(enum log_level level);
