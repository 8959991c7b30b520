#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/backoff.h"

#include <stdio.h>

enum { DRAWS = 20000 };

struct row {
	const char *name;
	uint32_t base_ms;
	unsigned attempt;
	int64_t retry_after_s;
	uint64_t least, most;
};

static const struct row rows[] = {
	{ "first", 1000, 1, -1, 250, 1000 },
	{ "second", 1000, 2, -1, 250, 2000 },
	{ "fifth", 1000, 5, -1, 250, 16000 },
	{ "sixth", 1000, 6, -1, 250, 32000 },
	{ "seventh is capped", 1000, 7, -1, 250, 60000 },
	{ "hundredth", 1000, 100, -1, 250, 60000 },
	{ "most attempts", 1000, UINT32_MAX, -1, 250, 60000 },
	{ "no attempt counts as the first", 1000, 0, -1, 250, 1000 },
	{ "of nothing", 0, 6, -1, 0, 0 },
	{ "of a millisecond", 1, 3, -1, 0, 4 },
	{ "of more than the cap", 4 * BACKOFF_CAP_MS, 1, -1, BACKOFF_CAP_MS, BACKOFF_CAP_MS },
	{ "of much more than the cap", UINT32_MAX, 9, -1, BACKOFF_CAP_MS, BACKOFF_CAP_MS },
	{ "asked for at once", 1000, 6, 0, 0, 99 },
	{ "asked for a second", 1000, 1, 1, 1000, 1199 },
	{ "asked for two minutes, over the cap", 1000, 1, 120, 120000, 132099 },
	{ "asked for an hour", 1000, 3, 3600, 3600000, 3960099 },
	{ "asked for a second more", 1000, 3, 3601, 3600000, 3960099 },
	{ "asked for ever", 1000, 1, INT64_MAX, 3600000, 3960099 },
	{ "asked for less than nothing", 1000, 1, INT64_MIN, 250, 1000 },
};

/* Within the bounds, near both of them now and then, and even between. */
static void table(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct random r = { i + 1 };
		uint64_t least = UINT64_MAX, most = 0, span = row->most - row->least, low = 0;
		for (int n = 0; n < DRAWS; n++) {
			uint64_t ms = backoff_ms(&r, row->base_ms, row->attempt, row->retry_after_s);
			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
			low += ms < row->least + (span + 1) / 2;
		}
		if (least < row->least || most > row->most || least > row->least + span / 100 ||
		    most + span / 100 < row->most ||
		    (span > 10 && (low < DRAWS * 47 / 100 || low > DRAWS * 53 / 100))) {
			wrong++;
			print_error("%s: %llu to %llu, %llu in the lower half\n", row->name,
				    (unsigned long long)least, (unsigned long long)most,
				    (unsigned long long)low);
		}
	}
	assert_int_equal(wrong, 0);
}

/* A server that is down for months is asked about every half minute, never
 * twice within a quarter of a second, and a thousand clients do not meet. */
static void months_of_failures(void **state)
{
	const uint64_t month_ms = 30ull * 24 * 3600 * 1000;
	uint64_t asked = 0, in_second[60] = { 0 };
	(void)state;
	for (uint64_t client = 1; client <= 20; client++) {
		struct random r = { client * 7919 };
		uint64_t now = 0;
		for (unsigned attempt = 1; now < month_ms; attempt++) {
			uint64_t wait = backoff_ms(&r, 1000, attempt, -1);
			assert_in_range(wait, 250, BACKOFF_CAP_MS);
			now += wait;
			asked++;
			in_second[now / 1000 % 60]++;
		}
	}
	uint64_t usual = 20 * (month_ms / 30125);
	assert_in_range(asked, usual * 98 / 100, usual * 102 / 100);
	for (int s = 0; s < 60; s++)
		assert_in_range(in_second[s], asked / 60 * 95 / 100, asked / 60 * 105 / 100);
}

static void same_seed_same_waits(void **state)
{
	struct random a = { 5 }, b = { 5 }, c = { 6 };
	int differ = 0;
	(void)state;
	for (unsigned attempt = 1; attempt < 50; attempt++) {
		uint64_t ms = backoff_ms(&a, 1000, attempt, -1);
		assert_int_equal(ms, backoff_ms(&b, 1000, attempt, -1));
		differ += ms != backoff_ms(&c, 1000, attempt, -1);
	}
	assert_true(differ > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(months_of_failures),
		cmocka_unit_test(same_seed_same_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
