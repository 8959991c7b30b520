/* One line per event on standard error: time, level, group, what happened, then
 * key=value pairs, or the same as one JSON object. Values are quoted and
 * escaped here, so call sites never format identity or care about newlines.
 *
 *   log_event(LOG_NOTICE, "sync", "page proven", "tenant", LOG_S("acme"), "hosts", LOG_I(500));
 *
 * Never pass a secret: nothing is redacted afterwards. Thread-safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

struct log_value {
	char kind; /* 's' text, 'i' integer */
	const char *s;
	int64_t i;
};

#define LOG_S(x) (&(struct log_value){ 's', (x), 0 })
#define LOG_I(x) (&(struct log_value){ 'i', 0, (int64_t)(x) })

void log_configure(enum log_level level, int json);
int log_enabled(enum log_level level);
/* Pairs of (const char *key, struct log_value *); log_event() puts the end. */
void log_event_(const char *group, enum log_level level, const char *what, ...) __attribute__((sentinel));
#define log_event(level, group, ...)                                                                         \
	(log_enabled(level) ? log_event_(group, level, __VA_ARGS__, (char *)NULL) : (void)0)
int log_level_parse(const char *name, enum log_level *out);
