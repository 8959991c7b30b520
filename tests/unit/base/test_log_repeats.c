#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log_repeats.h"

#include <stdio.h>
#include <string.h>

enum { WINDOW = LOG_REPEATS_WINDOW_MS };

static char said[4096];
static uint64_t lines, events;

static void say(void *arg, int level, const char *text, size_t n, uint64_t repeated)
{
	size_t at = strlen(said);
	assert_ptr_equal(arg, said);
	lines++;
	events += repeated ? repeated : 1;
	if (at < sizeof(said) - 200)
		snprintf(said + at, sizeof(said) - at, repeated ? "%.*s@%d x%llu|" : "%.*s@%d|",
			 (int)(n < 99 ? n : 99), text, level, (unsigned long long)repeated);
}

static struct log_repeats *fresh(void)
{
	static struct log_repeats r;
	r = (struct log_repeats){ .say = say, .arg = said };
	said[0] = '\0';
	lines = events = 0;
	return &r;
}

struct step {
	char kind; /* 't' take, 's' settle, 'f' flush */
	uint64_t key;
	const char *text;
	int64_t at;
};

static void run(struct log_repeats *r, const struct step *s)
{
	if (s->kind == 't')
		log_repeats_take(r, s->key, 4, s->text, strlen(s->text), s->at);
	else if (s->kind == 's')
		log_repeats_settle(r, s->at);
	else
		log_repeats_flush(r);
}

static void stories(void **state)
{
	static const struct {
		struct step steps[8];
		const char *want;
	} rows[] = {
		{ { { 't', 1, "a", 0 }, { 't', 2, "a", 0 } }, "a@4|a@4|" },
		{ { { 't', 1, "a", 0 }, { 't', 1, "a", 5 }, { 't', 1, "a", 9 }, { .kind = 'f' } },
		  "a@4|a@4 x2|" },
		{ { { 't', 1, "a", 0 }, { 't', 1, "a", 5 }, { 't', 1, "b", 9 }, { .kind = 'f' } },
		  "a@4|a@4 x1|b@4|" },
		{ { { 't', 1, "a", 0 }, { 't', 1, "a", WINDOW - 1 }, { 's', 0, NULL, WINDOW - 1 } }, "a@4|" },
		{ { { 't', 1, "a", 0 },
		    { 't', 1, "a", WINDOW - 1 },
		    { 's', 0, NULL, WINDOW },
		    { 's', 0, NULL, 3 * WINDOW } },
		  "a@4|a@4 x1|" },
		/* nothing was counted, so after the window it is an event as any */
		{ { { 't', 1, "a", 0 }, { 't', 1, "a", WINDOW }, { .kind = 'f' } }, "a@4|a@4|" },
		/* a steady stream is one line a window, the one that ends it counted in */
		{ { { 't', 1, "a", 0 },
		    { 't', 1, "a", 1 },
		    { 't', 1, "a", WINDOW },
		    { 't', 1, "a", WINDOW + 1 },
		    { 't', 1, "a", 2 * WINDOW } },
		  "a@4|a@4 x2|a@4 x2|" },
		{ { { 't', 1, "a", 0 }, { .kind = 'f' }, { 't', 1, "a", 1 } }, "a@4|a@4|" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct log_repeats *r = fresh();
		for (size_t s = 0; s < 8 && rows[i].steps[s].kind; s++)
			run(r, &rows[i].steps[s]);
		if (strcmp(said, rows[i].want) != 0)
			fail_msg("row %zu: %s, not %s", i, said, rows[i].want);
	}
}

static void a_full_table_gives_up_the_oldest_and_says_it(void **state)
{
	struct log_repeats *r = fresh();
	(void)state;
	for (uint64_t k = 0; k < LOG_REPEATS_KEYS; k++)
		log_repeats_take(r, k, 4, "a", 1, (int64_t)k);
	log_repeats_take(r, 0, 4, "a", 1, 100);
	assert_int_equal(lines, LOG_REPEATS_KEYS);
	log_repeats_take(r, 1000, 4, "new", 3, 200);
	assert_int_equal(lines, LOG_REPEATS_KEYS + 2);
	assert_non_null(strstr(said, "a@4 x1|new@4|"));
	log_repeats_take(r, 0, 4, "a", 1, 201);
	assert_int_equal(lines, LOG_REPEATS_KEYS + 3);
}

static void a_long_text_is_said_each_time(void **state)
{
	char text[LOG_REPEATS_TEXT_MAX + 1];
	struct log_repeats *r = fresh();
	(void)state;
	memset(text, 'x', sizeof(text));
	log_repeats_take(r, 1, 4, text, LOG_REPEATS_TEXT_MAX, 0);
	log_repeats_take(r, 1, 4, text, LOG_REPEATS_TEXT_MAX, 0);
	assert_int_equal(lines, 1);
	log_repeats_take(r, 1, 4, text, sizeof(text), 0);
	assert_int_equal(lines, 3);
	log_repeats_take(r, 1, 4, text, sizeof(text), 0);
	assert_int_equal(lines, 4);
	log_repeats_flush(r);
	assert_int_equal(events, 4);
}

static void nothing_is_lost(void **state)
{
	struct log_repeats *r = fresh();
	uint64_t seed = 12345, taken = 0;
	int64_t now = 0;
	static const char *const texts[] = { "a", "b", "cc" };
	(void)state;
	for (int i = 0; i < 50000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		unsigned dice = (unsigned)(seed >> 33);
		now += dice % 300;
		if (dice % 17 == 0)
			log_repeats_settle(r, now);
		const char *text = texts[(dice >> 8) % 20 / 9];
		log_repeats_take(r, (dice >> 16) % 90, 4, text, strlen(text), now);
		taken++;
	}
	log_repeats_flush(r);
	assert_int_equal(events, taken);
	assert_true(lines < taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories),
		cmocka_unit_test(a_full_table_gives_up_the_oldest_and_says_it),
		cmocka_unit_test(a_long_text_is_said_each_time),
		cmocka_unit_test(nothing_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
