#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "sync/team_hosts.h"

static uint64_t hosts_of(const struct team_hosts *t, uint64_t team)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->rows[i].team == team)
			return t->rows[i].hosts;
	return 0;
}

static void assert_ascending(const struct team_hosts *t)
{
	for (uint32_t i = 1; i < t->count; i++)
		assert_true(t->rows[i - 1].team < t->rows[i].team);
}

static void counts_in_any_order(void **state)
{
	struct team_hosts t = { 0 };
	struct random r = { 11 };
	uint64_t want[200] = { 0 };
	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t team = random_below(&r, 200);
		want[team]++;
		team_hosts_add(&t, team);
	}
	assert_int_equal(t.count, 200);
	assert_ascending(&t);
	for (uint64_t team = 0; team < 200; team++)
		assert_int_equal(hosts_of(&t, team), want[team]);
	team_hosts_reset(&t);
	assert_int_equal(t.count, 0);
	team_hosts_add(&t, UINT64_MAX);
	assert_int_equal(hosts_of(&t, UINT64_MAX), 1);
	team_hosts_release(&t);
	assert_null(t.rows);
}

static void only_so_many_teams(void **state)
{
	struct team_hosts t = { 0 };
	(void)state;
	for (uint64_t team = 2 * TEAM_HOSTS_MAX; team > 0; team--)
		team_hosts_add(&t, team);
	assert_int_equal(t.count, TEAM_HOSTS_MAX);
	assert_ascending(&t);
	assert_int_equal(t.rows[0].team, TEAM_HOSTS_MAX + 1);
	team_hosts_add(&t, 5);
	team_hosts_add(&t, 2 * TEAM_HOSTS_MAX);
	assert_int_equal(hosts_of(&t, 5), 0);
	assert_int_equal(hosts_of(&t, 2 * TEAM_HOSTS_MAX), 2);
	team_hosts_release(&t);
}

static void no_memory(void **state)
{
	struct team_hosts t = { 0 };
	(void)state;
	mem_fail_at(1, 1);
	for (uint64_t team = 0; team < 40; team++)
		team_hosts_add(&t, team);
	mem_fail_at(0, 0);
	assert_int_equal(t.count, 0);
	for (uint64_t team = 0; team < 40; team++)
		team_hosts_add(&t, team);
	assert_int_equal(t.count, 40);
	team_hosts_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_in_any_order),
		cmocka_unit_test(only_so_many_teams),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
