#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/guard.h"

#include <stdio.h>

struct row {
	const char *name;
	struct guard_facts facts;
	enum guard_action action;
	enum guard_reason reason;
};

#define FACTS(devices_, missing_, ...)                                                                       \
	{                                                                                                    \
		.devices = (devices_), .missing = (missing_), .scope_known = true, __VA_ARGS__               \
	}

static const struct row rows[] = {
	/* nothing is missing */
	{ "a quiet fleet", FACTS(100, 0), GUARD_NOTHING, GUARD_OK },
	{ "an empty tenant", FACTS(0, 0), GUARD_NOTHING, GUARD_OK },
	{ "all came back", FACTS(100, 0, .held = GUARD_ALL_GONE), GUARD_RELEASE, GUARD_OK },
	{ "too many came back", FACTS(100, 0, .held = GUARD_TOO_MANY), GUARD_RELEASE, GUARD_OK },
	{ "the scope came back", FACTS(100, 0, .held = GUARD_SCOPE_CHANGED), GUARD_RELEASE, GUARD_OK },
	{ "back, though much was deleted", FACTS(100, 0, .deleted_24h = 90, .held = GUARD_TOO_MANY),
	  GUARD_RELEASE, GUARD_OK },
	{ "another scope that shows the same", FACTS(100, 0, .scope_changed = true), GUARD_NOTHING,
	  GUARD_OK },

	/* the scope is not known: no deletions, and a hold stays */
	{ "unknown scope", { .devices = 100, .missing = 1 }, GUARD_NOTHING, GUARD_OK },
	{ "unknown scope, held",
	  { .devices = 100, .missing = 1, .held = GUARD_TOO_MANY },
	  GUARD_NOTHING,
	  GUARD_TOO_MANY },
	{ "unknown scope, accepted",
	  { .devices = 100, .missing = 30, .held = GUARD_TOO_MANY, .accept = true, .accept_count = 30 },
	  GUARD_NOTHING,
	  GUARD_TOO_MANY },

	/* max(10, 20 %) */
	{ "one of a hundred", FACTS(100, 1), GUARD_SWEEP, GUARD_OK },
	{ "20 of 100", FACTS(100, 20), GUARD_SWEEP, GUARD_OK },
	{ "21 of 100", FACTS(100, 21), GUARD_HOLD, GUARD_TOO_MANY },
	{ "10 of 11", FACTS(11, 10), GUARD_SWEEP, GUARD_OK },
	{ "10 of 50", FACTS(50, 10), GUARD_SWEEP, GUARD_OK },
	{ "11 of 50", FACTS(50, 11), GUARD_HOLD, GUARD_TOO_MANY },
	{ "11 of 55: a fifth", FACTS(55, 11), GUARD_SWEEP, GUARD_OK },
	{ "11 of 54", FACTS(54, 11), GUARD_HOLD, GUARD_TOO_MANY },
	{ "40,000 of 200,000", FACTS(200000, 40000), GUARD_SWEEP, GUARD_OK },
	{ "40,001 of 200,000", FACTS(200000, 40001), GUARD_HOLD, GUARD_TOO_MANY },

	/* within 24 h: the fleet is what it was before those were deleted */
	{ "10 now, 10 before", FACTS(90, 10, .deleted_24h = 10), GUARD_SWEEP, GUARD_OK },
	{ "11 now, 10 before", FACTS(90, 11, .deleted_24h = 10), GUARD_HOLD, GUARD_TOO_MANY },
	{ "1 now, 20 before", FACTS(80, 1, .deleted_24h = 20), GUARD_HOLD, GUARD_TOO_MANY },
	{ "5 now, 5 before, of 15", FACTS(10, 5, .deleted_24h = 5), GUARD_SWEEP, GUARD_OK },
	{ "6 now, 5 before, of 15", FACTS(10, 6, .deleted_24h = 5), GUARD_HOLD, GUARD_TOO_MANY },

	/* all of them, however few */
	{ "the only one", FACTS(1, 1), GUARD_HOLD, GUARD_ALL_GONE },
	{ "all of three", FACTS(3, 3), GUARD_HOLD, GUARD_ALL_GONE },
	{ "all of a large fleet", FACTS(5000, 5000), GUARD_HOLD, GUARD_ALL_GONE },
	{ "more marks than devices", FACTS(3, 4), GUARD_HOLD, GUARD_ALL_GONE },

	/* another scope */
	{ "one, by another scope", FACTS(100, 1, .scope_changed = true), GUARD_HOLD, GUARD_SCOPE_CHANGED },
	{ "all, by another scope", FACTS(100, 100, .scope_changed = true), GUARD_HOLD, GUARD_SCOPE_CHANGED },

	/* a hold is sticky */
	{ "fewer than were held", FACTS(100, 1, .held = GUARD_TOO_MANY), GUARD_HOLD, GUARD_TOO_MANY },
	{ "most came back", FACTS(100, 2, .held = GUARD_ALL_GONE), GUARD_HOLD, GUARD_ALL_GONE },
	{ "the scope stays as it is now", FACTS(100, 5, .held = GUARD_SCOPE_CHANGED), GUARD_HOLD,
	  GUARD_SCOPE_CHANGED },
	{ "held keeps its first reason", FACTS(100, 100, .held = GUARD_TOO_MANY, .scope_changed = true),
	  GUARD_HOLD, GUARD_TOO_MANY },

	/* an operator accepts exactly that number */
	{ "accepted", FACTS(100, 30, .held = GUARD_TOO_MANY, .accept = true, .accept_count = 30), GUARD_SWEEP,
	  GUARD_TOO_MANY },
	{ "one less", FACTS(100, 30, .held = GUARD_TOO_MANY, .accept = true, .accept_count = 29), GUARD_HOLD,
	  GUARD_TOO_MANY },
	{ "one more", FACTS(100, 30, .held = GUARD_TOO_MANY, .accept = true, .accept_count = 31), GUARD_HOLD,
	  GUARD_TOO_MANY },
	{ "a number without acceptance", FACTS(100, 30, .held = GUARD_TOO_MANY, .accept_count = 30),
	  GUARD_HOLD, GUARD_TOO_MANY },
	{ "all accepted", FACTS(100, 100, .held = GUARD_ALL_GONE, .accept = true, .accept_count = 100),
	  GUARD_SWEEP, GUARD_ALL_GONE },
	{ "accepted another scope",
	  FACTS(100, 7, .held = GUARD_SCOPE_CHANGED, .accept = true, .accept_count = 7), GUARD_SWEEP,
	  GUARD_SCOPE_CHANGED },
	{ "accepted before it was held", FACTS(100, 30, .accept = true, .accept_count = 30), GUARD_SWEEP,
	  GUARD_TOO_MANY },
	{ "acceptance changes nothing else", FACTS(100, 5, .accept = true, .accept_count = 99), GUARD_SWEEP,
	  GUARD_OK },
};

static void table(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum guard_reason reason = (enum guard_reason)99;
		enum guard_action action = guard_decide(&rows[i].facts, &reason);
		if (action == rows[i].action && reason == rows[i].reason)
			continue;
		wrong++;
		print_error("%s: action %d, reason %d; wanted %d, %d\n", rows[i].name, (int)action,
			    (int)reason, (int)rows[i].action, (int)rows[i].reason);
	}
	assert_int_equal(wrong, 0);
}

/* A fleet of `devices` loses some every hour for 90 days, of which the guard
 * lets some through; counts what is deleted within any 24 hours. */
struct months {
	uint64_t devices, deleted, in_hour[90 * 24];
	bool held;
	int held_at;
};

static void run_months(struct months *m, uint64_t lost_each_hour)
{
	uint64_t missing = 0;
	for (int hour = 0; hour < 90 * 24; hour++) {
		struct guard_facts f = { .devices = m->devices,
					 .scope_known = true,
					 .held = m->held ? GUARD_TOO_MANY : GUARD_OK };
		enum guard_reason reason;
		for (int h = hour < 23 ? 0 : hour - 23; h < hour; h++)
			f.deleted_24h += m->in_hour[h];
		missing += lost_each_hour;
		if (missing > m->devices)
			missing = m->devices;
		f.missing = missing;
		if (guard_decide(&f, &reason) == GUARD_SWEEP) {
			m->in_hour[hour] = missing;
			m->devices -= missing;
			m->deleted += missing;
			missing = 0;
		} else if (missing && !m->held) {
			m->held = true;
			m->held_at = hour;
		}
	}
}

static void slow_loss_goes_through(void **state)
{
	struct months m = { .devices = 100000 };
	(void)state;
	run_months(&m, 10);
	assert_false(m.held);
	assert_int_equal(m.deleted, 90 * 24 * 10);
}

/* 1 % an hour is a fifth within a day: it does not get past the guard in small steps. */
static void steady_loss_is_held_within_a_day(void **state)
{
	struct months m = { .devices = 100000 };
	(void)state;
	run_months(&m, 1000);
	assert_true(m.held);
	assert_in_range(m.held_at, 19, 21);
	assert_in_range(m.deleted, 19000, 20000);
}

static void small_fleet_never_vanishes_whole(void **state)
{
	(void)state;
	for (uint64_t devices = 1; devices <= 40; devices++)
		for (uint64_t lost = 1; lost <= devices; lost++) {
			struct months m = { .devices = devices };
			run_months(&m, lost);
			assert_true(m.devices > 0);
		}
}

static void replacements(void **state)
{
	static const struct {
		const char *name;
		struct guard_facts facts;
		uint64_t most;
	} table[] = {
		{ "a fifth of a fleet", FACTS(200, 0), 40 },
		{ "ten of a small one", FACTS(30, 0), 10 },
		{ "never all", FACTS(8, 0), 7 },
		{ "not the only one", FACTS(1, 0), 0 },
		{ "those of the day count", FACTS(160, 0, .deleted_24h = 40), 40 },
		{ "none in another scope", FACTS(200, 0, .scope_changed = true, .deleted_24h = 3), 3 },
		{ "none while held", FACTS(200, 0, .held = GUARD_REPLACED), 0 },
		{ "accepted", FACTS(200, 0, .held = GUARD_REPLACED, .accept = true, .accept_count = 200),
		  UINT64_MAX },
		{ "another number",
		  FACTS(200, 0, .held = GUARD_REPLACED, .accept = true, .accept_count = 199), 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (guard_replacements(&table[i].facts) != table[i].most)
			fail_msg("%s: %llu", table[i].name,
				 (unsigned long long)guard_replacements(&table[i].facts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replacements),
		cmocka_unit_test(table),
		cmocka_unit_test(slow_loss_goes_through),
		cmocka_unit_test(steady_loss_is_held_within_a_day),
		cmocka_unit_test(small_fleet_never_vanishes_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
