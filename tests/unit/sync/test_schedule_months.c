/* Schedules over simulated months: no sleeping, every step checked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "sync/due_heap.h"
#include "sync/schedule.h"

#include <stdbool.h>
#include <string.h>

#define SECOND     ((int64_t)1000)
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define PICK(r, a) (a)[random_below((r), sizeof(a) / sizeof((a)[0]))]

/* ---- a year of one tenant ---- */

struct life {
	struct schedule s;
	struct schedule_facts f;
	struct random world, r;
	int64_t now_ms, wall_s; /* the wall clock is set now and then */
	int64_t sync_ends_ms;   /* of the one that runs */
	int64_t ended_ms;       /* the last end that this process saw */
	int64_t weather_ms;     /* when the server fails or comes back */
	int64_t back_ms;        /* since then it works and was not tried */
	int64_t token_ms;       /* when a refused token is replaced */
	int64_t stored_at;      /* what the store remembers ... */
	int stored_rc;          /* ... of the last sync */
	bool running, down, refused, paused, by_hand;
	unsigned starts, failures_down, outages, restarts, refusals;
	int64_t slowest_ms;
};

static bool one_in(struct life *l, unsigned n)
{
	return random_below(&l->world, n) == 0;
}

static int64_t up_to(struct life *l, int64_t ms)
{
	return 1 + (int64_t)random_below(&l->world, (uint64_t)ms);
}

static void check(const struct life *l)
{
	const struct schedule *s = &l->s;
	enum schedule_state st = (enum schedule_state)s->state;
	bool timed = st == SCHEDULE_WAITING || st == SCHEDULE_BACKING_OFF || st == SCHEDULE_BROKEN;
	assert_int_equal(st == SCHEDULE_RUNNING || st == SCHEDULE_PROBING, l->running);
	assert_int_equal(s->next_ms != SCHEDULE_NEVER, timed);
	if (timed) {
		assert_true(s->next_ms > l->now_ms && s->next_ms <= l->now_ms + 7 * HOUR);
		assert_false(l->refused || l->paused);
	}
	if (!l->running)
		assert_int_equal(st == SCHEDULE_PAUSED, l->paused);
}

static void begin(struct life *l)
{
	assert_false(l->running);
	if (!l->by_hand) {
		assert_false(l->refused || l->paused);
		assert_true(l->now_ms - l->ended_ms >= SCHEDULE_GAP_MS);
	}
	if (!l->down && l->back_ms) {
		int64_t took = l->now_ms - l->back_ms;
		l->slowest_ms = took > l->slowest_ms ? took : l->slowest_ms;
		l->back_ms = 0;
	}
	l->running = true;
	l->starts++;
	l->sync_ends_ms = l->now_ms + up_to(l, 40 * SECOND);
	assert_int_equal(schedule_step(&l->s, SCHEDULE_STARTED, &l->f, l->now_ms, &l->r), SCHEDULE_NOTHING);
}

static void happen(struct life *l, enum schedule_event event, bool by_hand)
{
	enum schedule_action a = schedule_step(&l->s, event, &l->f, l->now_ms, &l->r);
	l->by_hand = by_hand;
	if (a == SCHEDULE_START)
		begin(l);
	else
		assert_int_equal(a, SCHEDULE_NOTHING);
	check(l);
}

static void end_sync(struct life *l)
{
	static const int down[] = { E_CONNECT, E_TIMEOUT, E_SERVER, E_DNS, E_NOT_FLEET };
	static const int odd[] = { E_SYNTAX, E_TLS, E_HELD, E_DISK_FULL, E_THROTTLED, E_TRUNCATED, E_LIMIT };
	int rc = OK;
	if (l->down)
		rc = PICK(&l->world, down);
	else if (l->refused || one_in(l, 2000))
		rc = E_TOKEN;
	else if (one_in(l, 30))
		rc = PICK(&l->world, odd);
	if (rc == E_TOKEN && !l->refused) {
		l->refused = true;
		l->refusals++;
		l->token_ms = l->now_ms + up_to(l, 3 * DAY);
	}
	l->failures_down += l->down;
	l->running = false;
	l->ended_ms = l->now_ms;
	l->stored_at = l->wall_s;
	l->stored_rc = l->f.rc = rc;
	l->f.retry_after_s = one_in(l, 2) ? -1 : (int64_t)random_below(&l->world, 5000);
	happen(l, rc == OK ? SCHEDULE_SUCCEEDED : SCHEDULE_FAILED, false);
}

/* The process ends, at once, and starts again: the schedule knows what the store
 * remembers, and the wall clock may stand days off on either side. */
static void restart(struct life *l)
{
	l->restarts++;
	if (one_in(l, 3))
		l->wall_s += (int64_t)random_below(&l->world, 8 * 86400) - 4 * 86400;
	l->s = (struct schedule){ 0 };
	l->f.ended_at = l->stored_at;
	l->f.ended_rc = l->stored_rc;
	l->f.unix_s = l->wall_s;
	l->f.paused = l->paused;
	l->running = false;
	l->ended_ms = l->now_ms - DAY;
	/* a refused token is tried once, because it may have been replaced meanwhile */
	bool tried = l->refused;
	l->refused = false;
	if (tried)
		l->token_ms = l->now_ms + DAY;
	happen(l, SCHEDULE_ADDED, false);
}

static void change_weather(struct life *l)
{
	if (l->now_ms < l->weather_ms)
		return;
	l->down = !l->down;
	l->outages += l->down;
	l->back_ms = l->down ? 0 : l->now_ms;
	int64_t outage = one_in(l, 3) ? 4 * DAY : HOUR;
	l->weather_ms = l->now_ms + (l->down ? up_to(l, outage) : DAY + up_to(l, 9 * DAY));
}

/* Whoever cannot sync for a reason of his own is not late. */
static void people(struct life *l)
{
	if (l->refused || l->paused)
		l->back_ms = 0;
	if (l->running)
		return;
	if (l->refused && l->now_ms >= l->token_ms) {
		l->refused = false;
		happen(l, SCHEDULE_TOKEN_CHANGED, true);
	} else if (one_in(l, 20000)) {
		happen(l, SCHEDULE_ASKED, true);
	} else if (one_in(l, l->paused ? 3000 : 30000)) {
		l->paused = !l->paused;
		happen(l, l->paused ? SCHEDULE_PAUSE : SCHEDULE_RESUME, false);
	} else if (one_in(l, 50000)) {
		restart(l);
	}
}

static int64_t next_moment(const struct life *l)
{
	int64_t at = l->now_ms + 20 * SECOND;
	if (l->running && l->sync_ends_ms < at)
		at = l->sync_ends_ms;
	if (l->s.next_ms < at)
		at = l->s.next_ms;
	return at > l->now_ms ? at : l->now_ms + 1;
}

static void live(struct life *l, int64_t ms)
{
	for (int64_t until_ms = l->now_ms + ms; l->now_ms < until_ms;) {
		int64_t at = next_moment(l);
		l->wall_s += at / SECOND - l->now_ms / SECOND;
		l->now_ms = at;
		change_weather(l);
		if (l->running && at >= l->sync_ends_ms)
			end_sync(l);
		else if (at >= l->s.next_ms)
			happen(l, SCHEDULE_DUE, false);
		else
			people(l);
	}
}

static void a_year(void **state)
{
	static const int64_t intervals[] = { MINUTE, 10 * MINUTE, HOUR, 6 * HOUR };
	unsigned outages = 0, restarts = 0, refusals = 0;
	(void)state;
	for (unsigned k = 0; k < 4 * sizeof(intervals) / sizeof(intervals[0]); k++) {
		int64_t interval_ms = intervals[k % 4], probe = 2 * interval_ms;
		struct life l = { .f = { .interval_ms = interval_ms, .retry_after_s = -1 },
				  .world = { 1000 + k },
				  .r = { k },
				  .now_ms = 77,
				  .wall_s = 1700000000,
				  .weather_ms = DAY };
		l.ended_ms = -DAY;
		happen(&l, SCHEDULE_ADDED, false);
		live(&l, 365 * DAY);
		probe = probe < HOUR ? HOUR : probe > 6 * HOUR ? 6 * HOUR : probe;
		/* every attempt but the probes is part of the first minutes of an outage */
		assert_true(l.starts <= 365 * DAY / (interval_ms * 9 / 10 + SCHEDULE_GAP_MS) + 5000);
		assert_true(l.starts >= 365 * DAY / interval_ms / 4);
		/* an hour and a tenth is what a server may ask for */
		int64_t most = probe > interval_ms * 11 / 10 ? probe : interval_ms * 11 / 10;
		most = most > HOUR * 11 / 10 ? most : HOUR * 11 / 10;
		assert_in_range(l.slowest_ms, 1, most + 41 * SECOND);
		outages += l.outages;
		restarts += l.restarts;
		refusals += l.refusals;
	}
	/* the year was as bad as it was meant to be */
	assert_true(outages > 300 && restarts > 200 && refusals > 20);
}

/* A server that stays down for 30 days is tried a bounded number of times. */
static void a_month_down(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct life l = { .f = { .interval_ms = HOUR, .retry_after_s = -1 },
				  .world = { seed },
				  .r = { seed },
				  .down = true,
				  .weather_ms = INT64_MAX,
				  .ended_ms = -DAY };
		happen(&l, SCHEDULE_ADDED, false);
		while (l.now_ms < 30 * DAY) {
			l.now_ms = l.running ? l.sync_ends_ms : l.s.next_ms;
			if (l.running)
				end_sync(&l);
			else
				happen(&l, SCHEDULE_DUE, false);
		}
		/* 5 attempts, then probes 1.5 to 2 hours apart */
		assert_in_range(l.starts, 360, 5 + 3 + 480);
	}
}

/* ---- many tenants for a month ---- */

enum { TENANTS = 5000, MINUTES = 30 * 24 * 60, SECONDS = 3600 };

struct many {
	struct due_heap heap;
	struct due due[TENANTS];
	struct schedule s[TENANTS];
	struct schedule_facts f;
	struct random r;
	int64_t now_ms;
	bool down; /* all servers, or our own network */
	unsigned running, starts_in_minute[MINUTES], starts_in_second[SECONDS];
	uint64_t starts;
};

static void tell(struct many *m, size_t i, enum schedule_event event)
{
	struct schedule *s = &m->s[i];
	int64_t at_ms;
	if (schedule_step(s, event, &m->f, m->now_ms, &m->r) == SCHEDULE_START) {
		schedule_step(s, SCHEDULE_STARTED, &m->f, m->now_ms, &m->r);
		m->starts++;
		m->running++;
		if (m->now_ms / MINUTE < MINUTES)
			m->starts_in_minute[m->now_ms / MINUTE]++;
		if (m->now_ms / SECOND < SECONDS)
			m->starts_in_second[m->now_ms / SECOND]++;
		at_ms = m->now_ms + 1 + (int64_t)random_below(&m->r, 20000);
	} else {
		at_ms = s->next_ms;
	}
	due_heap_set(&m->heap, &m->due[i], at_ms);
}

static void run(struct many *m, int64_t until_ms)
{
	struct due *d;
	while ((d = due_heap_first(&m->heap)) && d->at_ms < until_ms) {
		size_t i = (size_t)(d - m->due);
		m->now_ms = d->at_ms;
		if (m->s[i].state != SCHEDULE_RUNNING && m->s[i].state != SCHEDULE_PROBING) {
			tell(m, i, SCHEDULE_DUE);
			continue;
		}
		m->running--;
		m->f.rc = m->down ? E_CONNECT : OK;
		tell(m, i, m->down ? SCHEDULE_FAILED : SCHEDULE_SUCCEEDED);
	}
	m->now_ms = until_ms;
}

/* All of them at the start of the process; the last syncs ended `ago_s` ago, 0: there was none. */
static struct many *many_new(int64_t ago_s)
{
	struct many *m = mem_zalloc(sizeof(*m));
	assert_non_null(m);
	m->r.state = 4711;
	m->f = (struct schedule_facts){ .interval_ms = HOUR, .retry_after_s = -1, .unix_s = 1700000000 };
	m->f.ended_at = ago_s ? m->f.unix_s - ago_s : 0;
	due_heap_init(&m->heap);
	assert_int_equal(due_heap_reserve(&m->heap, TENANTS), OK);
	for (uint32_t i = 0; i < TENANTS; i++) {
		m->f.slot_ms = schedule_slot_ms(i, TENANTS, HOUR);
		tell(m, i, SCHEDULE_ADDED);
	}
	m->f.slot_ms = 0;
	return m;
}

static void many_free(struct many *m)
{
	due_heap_release(&m->heap);
	mem_free(m);
}

static unsigned busiest(const unsigned *starts, size_t from, size_t to)
{
	unsigned most = 0;
	for (size_t i = from; i < to; i++)
		most = starts[i] > most ? starts[i] : most;
	return most;
}

/* 5,000 starts an hour are 83 a minute. After a restart with all overdue: 1,000
 * a second, all started within 5 s; in the hours after it at most 150 a minute,
 * then 125, which is what chance does to an even 83. */
static void five_thousand(void **state)
{
	struct many *m = many_new(3 * 3600);
	(void)state;
	run(m, 30 * DAY);
	assert_int_equal(busiest(m->starts_in_second, 0, SECONDS), 1000);
	assert_int_equal(busiest(m->starts_in_second, 5, 60), 0);
	assert_int_equal(m->starts_in_minute[0], TENANTS);
	print_message("starts in a minute: at most %u in the first day, %u after it\n",
		      busiest(m->starts_in_minute, 1, 24 * 60),
		      busiest(m->starts_in_minute, 24 * 60, MINUTES));
	assert_in_range(busiest(m->starts_in_minute, 1, 24 * 60), 83, 150);
	assert_in_range(busiest(m->starts_in_minute, 24 * 60, MINUTES), 83, 150);
	for (size_t i = 24 * 60; i + 10 <= MINUTES; i += 10) {
		unsigned sum = 0;
		for (size_t k = 0; k < 10; k++)
			sum += m->starts_in_minute[i + k];
		assert_in_range(sum, 833 * 70 / 100, 833 * 130 / 100);
	}
	assert_in_range(m->starts, (uint64_t)TENANTS * 24 * 30 * 97 / 100,
			(uint64_t)TENANTS * 24 * 30 * 101 / 100 + TENANTS);
	many_free(m);
}

/* Ended one after the other before a short restart, they go on as they were. */
static void a_short_restart(void **state)
{
	struct many *m = many_new(60);
	(void)state;
	run(m, 20 * MINUTE);
	assert_int_equal(m->starts, 0);
	run(m, 66 * MINUTE);
	assert_true(m->starts >= TENANTS);
	many_free(m);
}

/* The network of this machine goes for eight hours, and comes back. Each tenant
 * makes its five attempts and first probe within the hour in which it was due,
 * so 83 a minute become less than 600; all are back within the probe distance of 2 h. */
static void all_down_together(void **state)
{
	struct many *m = many_new(0);
	(void)state;
	run(m, 2 * DAY);
	m->down = true;
	run(m, 2 * DAY + 8 * HOUR);
	unsigned open = 0;
	for (size_t i = 0; i < TENANTS; i++)
		open += schedule_breaker_open(&m->s[i]);
	assert_int_equal(open, TENANTS);
	m->down = false;
	run(m, 2 * DAY + 10 * HOUR + MINUTE);
	for (size_t i = 0; i < TENANTS; i++)
		assert_false(schedule_breaker_open(&m->s[i]));
	print_message("starts in a minute: at most %u while all are down, %u as they come back\n",
		      busiest(m->starts_in_minute, 2 * 24 * 60, 2 * 24 * 60 + 8 * 60),
		      busiest(m->starts_in_minute, 2 * 24 * 60 + 8 * 60, 2 * 24 * 60 + 10 * 60));
	assert_true(busiest(m->starts_in_minute, 2 * 24 * 60, 2 * 24 * 60 + 8 * 60) < 600);
	assert_true(busiest(m->starts_in_minute, 2 * 24 * 60 + 8 * 60, MINUTES) < 200);
	many_free(m);
}

static void slots(void **state)
{
	(void)state;
	assert_int_equal(schedule_slot_ms(0, 1, HOUR), 0);
	assert_int_equal(schedule_slot_ms(999, 1000, HOUR), 999);
	assert_int_equal(schedule_slot_ms(4999, 5000, HOUR), 4999);
	assert_int_equal(schedule_slot_ms(4999, 5000, 10 * SECOND), 999);
	assert_int_equal(schedule_slot_ms(7, 3, HOUR), 3);
	assert_int_equal(schedule_slot_ms(0, 0, HOUR), 0);
	assert_int_equal(schedule_slot_ms(3, 10, 0), 0);
	assert_int_equal(schedule_slot_ms(3, 10, -HOUR), 0);
	assert_int_equal(schedule_slot_ms(UINT32_MAX - 1, UINT32_MAX, INT64_MAX), UINT32_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year),
		cmocka_unit_test(a_month_down),
		cmocka_unit_test(five_thousand),
		cmocka_unit_test(a_short_restart),
		cmocka_unit_test(all_down_together),
		cmocka_unit_test(slots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
