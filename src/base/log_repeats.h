/* Counts lines that say the same again instead of letting them through. A key
 * stands for where a line comes from; of each key the last text is remembered.
 * The same text again within the window is counted, and said once with its
 * count: when the window is over, when another text comes for the key, or when
 * its place is needed. Nothing that was counted is ever left unsaid, if
 * log_repeats_flush() is called at the end. No allocation; the caller locks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_REPEATS_KEYS = 64, LOG_REPEATS_TEXT_MAX = 1000, LOG_REPEATS_WINDOW_MS = 10000 };

/* `level` is what the caller gave with the text; `repeated` is 0 for a line that
 * is new, else how often it came since it was last said. */
typedef void log_repeats_say(void *arg, int level, const char *text, size_t n, uint64_t repeated);

struct log_repeat {
	uint64_t key, count;
	int64_t since_ms;
	int level;
	bool used;
	uint16_t n;
	char text[LOG_REPEATS_TEXT_MAX];
};

struct log_repeats {
	struct log_repeat rows[LOG_REPEATS_KEYS];
	log_repeats_say *say;
	void *arg;
};

/* Says the line, now or counted later. A longer one than LOG_REPEATS_TEXT_MAX is
 * said at once and not remembered. */
void log_repeats_take(struct log_repeats *r, uint64_t key, int level, const char *text, size_t n,
		      int64_t now_ms);
/* Says what was counted and whose window is over. */
void log_repeats_settle(struct log_repeats *r, int64_t now_ms);
/* Says all that was counted and forgets every text. */
void log_repeats_flush(struct log_repeats *r);
