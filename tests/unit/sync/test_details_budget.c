#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/details_budget.h"

static const struct {
	const char *name;
	uint32_t setting;
	bool spread;
	uint64_t devices;
	uint32_t interval_s;
	uint64_t want;
} rows[] = {
	{ "a number", 7, false, 100000, 3600, 7 },
	{ "a number where syncs follow one another", 7, true, 100000, 3600, 7 },
	{ "more than there are", 1000000, true, 10, 3600, 1000000 },
	{ "auto, once", 0, false, 100000, 3600, UINT64_MAX },
	{ "auto, once, nothing", 0, false, 0, 0, UINT64_MAX },
	{ "hourly: a sixteenth", 0, true, 100000, 3600, 6250 },
	{ "hourly, rounded up", 0, true, 100001, 3600, 6251 },
	{ "every ten minutes", 0, true, 100000, 600, 1042 },
	{ "every minute", 0, true, 1000000, 60, 1042 },
	{ "daily: all and half as much", 0, true, 100000, 86400, 150000 },
	{ "weekly", 0, true, 1000, 7 * 86400, 10500 },
	{ "small", 0, true, 300, 3600, 500 },
	{ "none yet", 0, true, 0, 3600, 500 },
	{ "just below the least", 0, true, 7984, 3600, 500 },
	{ "the least", 0, true, 8000, 3600, 500 },
	{ "just above the least", 0, true, 8001, 3600, 501 },
	{ "no interval", 0, true, 100000, 0, 500 },
	{ "absurdly many", 0, true, UINT64_MAX, 3600, UINT64_MAX },
	{ "absurdly many, absurdly seldom", 0, true, UINT64_MAX / 4, UINT32_MAX, UINT64_MAX },
};

static void table(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t got =
			details_budget(rows[i].setting, rows[i].spread, rows[i].devices, rows[i].interval_s);
		if (got == rows[i].want)
			continue;
		wrong++;
		print_error("%s: %llu\n", rows[i].name, (unsigned long long)got);
	}
	assert_int_equal(wrong, 0);
}

/* However often it syncs, a day's syncs ask for each device, and for no more
 * than half as many again where the fleet is not small. */
static void a_day_is_enough(void **state)
{
	(void)state;
	for (uint32_t interval = 60; interval <= 86400; interval++) {
		if (86400 % interval)
			continue;
		for (uint64_t devices = 1; devices < 3000000; devices = devices * 3 + 1) {
			uint64_t one = details_budget(0, true, devices, interval);
			uint64_t day = one * (86400 / interval);
			assert_true(day >= devices);
			if (one > 500)
				assert_true(day <= devices + devices / 2 + 86400 / interval);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(a_day_is_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
