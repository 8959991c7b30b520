#include "base/log_repeats.h"

#include <string.h>

static void say_count(struct log_repeats *r, struct log_repeat *row)
{
	uint64_t count = row->count;
	row->count = 0;
	if (count)
		r->say(r->arg, row->level, row->text, row->n, count);
}

static bool over(const struct log_repeat *row, int64_t now_ms)
{
	return now_ms - row->since_ms >= LOG_REPEATS_WINDOW_MS;
}

static struct log_repeat *find(struct log_repeats *r, uint64_t key)
{
	for (size_t i = 0; i < LOG_REPEATS_KEYS; i++)
		if (r->rows[i].used && r->rows[i].key == key)
			return &r->rows[i];
	return NULL;
}

/* A free row, or else the one that was begun first. */
static struct log_repeat *place(struct log_repeats *r)
{
	struct log_repeat *oldest = &r->rows[0];
	for (size_t i = 0; i < LOG_REPEATS_KEYS; i++) {
		struct log_repeat *row = &r->rows[i];
		if (!row->used)
			return row;
		if (row->since_ms < oldest->since_ms)
			oldest = row;
	}
	say_count(r, oldest);
	return oldest;
}

/* True when the line was the same again and is dealt with. */
static bool again(struct log_repeats *r, struct log_repeat *row, const char *text, size_t n, int64_t now_ms)
{
	if (row->n != n || memcmp(row->text, text, n) != 0)
		return false;
	if (over(row, now_ms) && !row->count)
		return false;
	row->count++;
	if (over(row, now_ms)) {
		say_count(r, row);
		row->since_ms = now_ms;
	}
	return true;
}

void log_repeats_take(struct log_repeats *r, uint64_t key, int level, const char *text, size_t n,
		      int64_t now_ms)
{
	struct log_repeat *row = find(r, key);
	if (row && again(r, row, text, n, now_ms))
		return;
	if (row)
		say_count(r, row);
	if (n > LOG_REPEATS_TEXT_MAX) {
		if (row)
			row->used = false;
	} else {
		if (!row)
			row = place(r);
		row->used = true;
		row->key = key;
		row->level = level;
		row->since_ms = now_ms;
		row->n = (uint16_t)n;
		memcpy(row->text, text, n);
	}
	r->say(r->arg, level, text, n, 0);
}

void log_repeats_settle(struct log_repeats *r, int64_t now_ms)
{
	for (size_t i = 0; i < LOG_REPEATS_KEYS; i++) {
		struct log_repeat *row = &r->rows[i];
		if (!row->used || !row->count || !over(row, now_ms))
			continue;
		say_count(r, row);
		row->since_ms = now_ms;
	}
}

void log_repeats_flush(struct log_repeats *r)
{
	for (size_t i = 0; i < LOG_REPEATS_KEYS; i++) {
		if (r->rows[i].used)
			say_count(r, &r->rows[i]);
		r->rows[i].used = false;
	}
}
