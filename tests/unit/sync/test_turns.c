#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "sync/turns.h"

#include <string.h>

enum { TENANTS = 7, EACH = 3, TURNS = TENANTS * EACH, OPERATIONS = 200000, GRANTS = 4096 };

/* ---- the gate beside a model that searches one line from its beginning ---- */

struct model {
	struct turns_limits limits;
	int line[TENANTS], in_line;
	int queue[TENANTS][EACH], queued[TENANTS];
	enum turn_state state[TURNS];
	uint64_t bytes[TURNS], held;
	int64_t asked_ms[TURNS];
	unsigned running;
};

static struct turns gate;
static struct turns_tenant tenants[TENANTS];
static struct turn turns[TURNS];
static int grants[GRANTS], granted_count;
static unsigned wakes;

static void on_wake(void *arg)
{
	(void)arg;
	assert_false(gate.in_run);
	wakes++;
}

static void on_granted(struct turn *t)
{
	assert_true(gate.in_run);
	assert_int_equal(t->state, TURN_RUNNING);
	assert_true(granted_count < GRANTS);
	grants[granted_count++] = (int)(t - turns);
}

static void set_up(uint32_t transfers, uint64_t bytes)
{
	memset(tenants, 0, sizeof(tenants));
	turns_init(&gate, &(struct turns_limits){ transfers, bytes }, on_wake, NULL);
	for (int i = 0; i < TURNS; i++)
		turn_init(&turns[i], &gate, &tenants[i / EACH], on_granted);
	granted_count = 0;
	wakes = 0;
}

static bool model_fits(const struct model *m, uint64_t bytes)
{
	return m->held == 0 || m->held + bytes <= m->limits.unproven_bytes;
}

/* The turn to be granted, -1: none. */
static int model_next(const struct model *m)
{
	bool blocked = false;
	if (m->running >= m->limits.transfers)
		return -1;
	for (int i = 0; i < m->in_line; i++) {
		int t = m->queue[m->line[i]][0];
		if (m->bytes[t] == 0 || (!blocked && model_fits(m, m->bytes[t])))
			return t;
		blocked = true;
	}
	return -1;
}

static void model_leave_line(struct model *m, int tenant)
{
	int to = 0;
	for (int i = 0; i < m->in_line; i++)
		if (m->line[i] != tenant)
			m->line[to++] = m->line[i];
	m->in_line = to;
}

static void model_unqueue(struct model *m, int t, bool turn_taken)
{
	int tenant = t / EACH, to = 0, first = m->queue[tenant][0];
	for (int i = 0; i < m->queued[tenant]; i++)
		if (m->queue[tenant][i] != t)
			m->queue[tenant][to++] = m->queue[tenant][i];
	m->queued[tenant] = to;
	if (first != t)
		return;
	bool same = to > 0 && (m->bytes[m->queue[tenant][0]] > 0) == (m->bytes[t] > 0);
	if (same && !turn_taken)
		return;
	model_leave_line(m, tenant);
	if (to > 0)
		m->line[m->in_line++] = tenant;
}

static void model_ask(struct model *m, int t, uint64_t bytes, int64_t now_ms)
{
	int tenant = t / EACH;
	m->state[t] = TURN_WAITING;
	m->bytes[t] = bytes;
	m->asked_ms[t] = now_ms;
	if (m->queued[tenant] == 0)
		m->line[m->in_line++] = tenant;
	m->queue[tenant][m->queued[tenant]++] = t;
}

static void model_grant(struct model *m, int t)
{
	model_unqueue(m, t, true);
	m->state[t] = TURN_RUNNING;
	m->held += m->bytes[t];
	m->running++;
}

static void model_cancel(struct model *m, int t)
{
	if (m->state[t] == TURN_WAITING)
		model_unqueue(m, t, false);
	else
		m->held -= m->bytes[t];
	m->running -= m->state[t] == TURN_RUNNING;
	m->state[t] = TURN_IDLE;
	m->bytes[t] = 0;
}

static void model_settle(struct model *m, int t)
{
	if (m->state[t] == TURN_HOLDING && m->bytes[t] == 0)
		m->state[t] = TURN_IDLE;
}

static void compare(const struct model *m, int64_t now_ms)
{
	struct turns_stat st;
	uint32_t waiting = 0;
	int64_t longest = 0;
	turns_stat(&gate, now_ms, &st);
	for (int t = 0; t < TURNS; t++) {
		assert_int_equal(turns[t].state, m->state[t]);
		assert_int_equal(turns[t].bytes, m->bytes[t]);
		if (m->state[t] != TURN_WAITING)
			continue;
		waiting++;
		longest = now_ms - m->asked_ms[t] > longest ? now_ms - m->asked_ms[t] : longest;
	}
	assert_int_equal(st.running, m->running);
	assert_int_equal(st.waiting, waiting);
	assert_int_equal(st.bytes, m->held);
	assert_int_equal(st.longest_wait_ms, longest);
	/* whoever can be granted a turn has been told of */
	if (model_next(m) >= 0)
		assert_true(gate.woken);
}

static void run_both(struct model *m, int64_t now_ms)
{
	int expected[TURNS], n = 0, t;
	while (n < TURNS && (t = model_next(m)) >= 0) {
		model_grant(m, t);
		expected[n++] = t;
	}
	granted_count = 0;
	turns_run(&gate, now_ms);
	assert_int_equal(granted_count, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(grants[i], expected[i]);
}

static void more_or_less(struct model *m, struct random *r, int t)
{
	uint64_t by = random_below(r, 60);
	if (random_below(r, 2)) {
		bool alone = m->held == m->bytes[t];
		bool may = alone || model_fits(m, by);
		assert_int_equal(turn_grow(&turns[t], by), may);
		m->bytes[t] += may ? by : 0;
		m->held += may ? by : 0;
		return;
	}
	by = by < m->bytes[t] ? by : m->bytes[t];
	turn_shrink(&turns[t], m->bytes[t] - by);
	m->bytes[t] -= by;
	m->held -= by;
	model_settle(m, t);
}

static void operate(struct model *m, struct random *r, int64_t now_ms)
{
	int t = (int)random_below(r, TURNS), to = (int)random_below(r, TURNS);
	bool holds = m->state[t] == TURN_RUNNING || m->state[t] == TURN_HOLDING;
	unsigned what = (unsigned)random_below(r, 12);
	if (what < 3) {
		run_both(m, now_ms);
	} else if (what == 3) {
		turn_cancel(&turns[t]);
		if (m->state[t] != TURN_IDLE)
			model_cancel(m, t);
	} else if (what == 4 && random_below(r, 50) == 0) {
		m->limits =
			(struct turns_limits){ 1 + (uint32_t)random_below(r, 6), 1 + random_below(r, 200) };
		turns_set_limits(&gate, &m->limits);
	} else if (m->state[t] == TURN_IDLE) {
		uint64_t bytes = random_below(r, 3) ? random_below(r, random_below(r, 9) ? 60 : 400) : 0;
		turn_ask(&turns[t], bytes, now_ms);
		model_ask(m, t, bytes, now_ms);
	} else if (what == 5 && holds && m->state[to] == TURN_IDLE) {
		turn_hand_bytes(&turns[t], &turns[to]);
		m->bytes[to] = m->bytes[t];
		m->state[to] = TURN_HOLDING;
		m->bytes[t] = 0;
		model_settle(m, t);
		model_settle(m, to);
	} else if (what < 8 && holds) {
		more_or_less(m, r, t);
	} else if (m->state[t] == TURN_RUNNING) {
		turn_transferred(&turns[t]);
		m->state[t] = TURN_HOLDING;
		m->running--;
		model_settle(m, t);
	} else if (m->state[t] == TURN_HOLDING) {
		turn_cancel(&turns[t]);
		model_cancel(m, t);
	}
}

static void as_the_model(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct model m = { .limits = { 3, 100 } };
		struct random r = { seed };
		set_up(m.limits.transfers, m.limits.unproven_bytes);
		for (int i = 0; i < OPERATIONS; i++) {
			operate(&m, &r, i);
			compare(&m, i + 5);
		}
		for (int t = 0; t < TURNS; t++)
			turn_cancel(&turns[t]);
		assert_int_equal(gate.bytes + gate.running + gate.waiting, 0);
		assert_null(gate.pages);
		assert_null(gate.plain);
		assert_null(gate.oldest);
	}
}

/* ---- single rules ---- */

static void run(int64_t now_ms)
{
	granted_count = 0;
	turns_run(&gate, now_ms);
}

/* Not from inside the asking call; woken once for many. */
static void told_once(void **state)
{
	struct turns_stat st;
	(void)state;
	set_up(2, 100);
	turn_ask(&turns[0], 10, 1000);
	assert_int_equal(granted_count, 0);
	assert_int_equal(wakes, 1);
	turn_ask(&turns[EACH], 10, 1000);
	turn_ask(&turns[2 * EACH], 0, 1010);
	assert_int_equal(wakes, 1);
	run(1100);
	assert_int_equal(granted_count, 2);
	assert_int_equal(wakes, 1);
	turns_stat(&gate, 1200, &st);
	assert_int_equal(st.waiting, 1);
	assert_int_equal(st.longest_wait_ms, 190);
	assert_int_equal(st.waited_ms, 200);
	assert_int_equal(st.granted, 2);
	/* the bytes are still held when the transfer is over */
	turn_transferred(&turns[0]);
	assert_int_equal(wakes, 2);
	assert_int_equal(gate.bytes, 20);
	turn_cancel(&turns[2 * EACH]);
	run(1200);
	assert_int_equal(granted_count, 0);
	turn_cancel(&turns[0]);
	assert_int_equal(gate.bytes, 10);
	turns_stat(&gate, 0, &st);
	assert_int_equal(st.longest_wait_ms, 0);
}

static void larger_than_the_budget(void **state)
{
	(void)state;
	set_up(10, 100);
	turn_ask(&turns[0 * EACH], 60, 0);
	turn_ask(&turns[1 * EACH], 500, 0);
	turn_ask(&turns[2 * EACH], 10, 0); /* would fit, and does not pass */
	turn_ask(&turns[3 * EACH], 0, 0);  /* needs none, and does */
	run(1);
	assert_int_equal(granted_count, 2);
	assert_int_equal(grants[0], 0 * EACH);
	assert_int_equal(grants[1], 3 * EACH);
	turn_cancel(&turns[0]);
	run(2);
	assert_int_equal(granted_count, 1);
	assert_int_equal(grants[0], 1 * EACH);
	assert_int_equal(gate.bytes, 500);
	/* alone it may even grow; nobody else gets a byte */
	assert_true(turn_grow(&turns[1 * EACH], 100));
	assert_false(turn_grow(&turns[3 * EACH], 1));
	assert_false(turn_grow(&turns[1 * EACH], UINT64_MAX));
	run(3);
	assert_int_equal(granted_count, 0);
	turn_shrink(&turns[1 * EACH], 90);
	run(4);
	assert_int_equal(granted_count, 1);
	assert_int_equal(grants[0], 2 * EACH);
	assert_false(turn_grow(&turns[2 * EACH], 1));
	turn_shrink(&turns[1 * EACH], 89);
	assert_true(turn_grow(&turns[2 * EACH], 1));
}

static void bytes_change_hands(void **state)
{
	(void)state;
	set_up(1, 100);
	turn_ask(&turns[0], 40, 0);
	run(0);
	turn_hand_bytes(&turns[0], &turns[1]);
	assert_int_equal(turns[0].state, TURN_RUNNING);
	assert_int_equal(turns[1].state, TURN_HOLDING);
	turn_transferred(&turns[0]);
	assert_int_equal(turns[0].state, TURN_IDLE);
	turn_ask(&turns[0], 60, 0); /* the next page while the last one is applied */
	run(0);
	assert_int_equal(granted_count, 1);
	assert_int_equal(gate.bytes, 100);
	turn_cancel(&turns[1]);
	assert_int_equal(gate.bytes, 60);
}

/* ---- granted() that asks, cancels and gives back ---- */

static void on_granted_again(struct turn *t)
{
	int i = (int)(t - turns);
	grants[granted_count++] = i;
	turn_cancel(t);
	turn_ask(t, i % 2 ? 10 : 0, 0);
	/* takes the turn away from one that it has waited beside */
	if (i == 0)
		turn_cancel(&turns[TURNS - 1]);
}

static void from_inside(void **state)
{
	(void)state;
	set_up(1, 10);
	for (int i = 0; i < TURNS; i++) {
		turns[i].granted = on_granted_again;
		turn_ask(&turns[i], i % 2 ? 10 : 0, 0);
	}
	wakes = 0;
	run(0);
	/* one run grants no more than waited, and says that there is more */
	assert_in_range(granted_count, TURNS - 1, TURNS);
	assert_int_equal(wakes, 1);
	assert_true(gate.woken);
	assert_int_equal(gate.waiting, TURNS - 1);
	for (int i = 0; i < TURNS; i++)
		turn_cancel(&turns[i]);
	run(0);
	assert_int_equal(granted_count, 0);
	assert_int_equal(wakes, 1);
}

/* ---- fairness ---- */

/* Tenant 0 has all its requests in line at any time, the others one each. Who
 * asks gets its turn before anybody else gets two. */
static void one_that_asks_all_the_time(void **state)
{
	unsigned got[TENANTS] = { 0 };
	struct random r = { 3 };
	(void)state;
	for (uint32_t transfers = 1; transfers <= 4; transfers++) {
		uint64_t passed[TENANTS] = { 0 };
		set_up(transfers, 1000);
		for (int round = 0; round < 20000; round++) {
			for (int i = 0; i < TURNS; i++) {
				bool asks = i < EACH || (i % EACH == 0 && random_below(&r, 3) == 0);
				if (!asks || turns[i].state != TURN_IDLE)
					continue;
				if (!tenants[i / EACH].first)
					passed[i / EACH] = 0;
				turn_ask(&turns[i], 1 + random_below(&r, 200), round);
			}
			run(round);
			for (int k = 0; k < granted_count; k++) {
				int tenant = grants[k] / EACH;
				got[tenant]++;
				for (int n = 0; n < TENANTS; n++)
					passed[n] += n != tenant;
				assert_true(passed[tenant] <= TENANTS - 1);
				passed[tenant] = 0;
			}
			for (int i = 0; i < TURNS; i++)
				if (turns[i].state == TURN_RUNNING && random_below(&r, 2))
					turn_cancel(&turns[i]);
		}
	}
	for (int i = 1; i < TENANTS; i++)
		assert_true(got[i] > 1000);
}

/* Two tenants, one with two requests at any time: it does not get two of three. */
static void halves(void **state)
{
	unsigned got[2] = { 0 };
	(void)state;
	set_up(1, 1000);
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i <= EACH; i++)
			if (i != 2 && turns[i].state == TURN_IDLE)
				turn_ask(&turns[i], 1, round);
		run(round);
		assert_int_equal(granted_count, 1);
		got[grants[0] / EACH]++;
		turn_cancel(&turns[grants[0]]);
	}
	assert_int_equal(got[0], 500);
	assert_int_equal(got[1], 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_model),
		cmocka_unit_test(told_once),
		cmocka_unit_test(larger_than_the_budget),
		cmocka_unit_test(bytes_change_hands),
		cmocka_unit_test(from_inside),
		cmocka_unit_test(one_that_asks_all_the_time),
		cmocka_unit_test(halves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
