#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "sync/tenant_sync.h"
#include "sync/turns.h"
#include "unit/sync/small_fleet.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One sync of a small server beside another tenant that may hold all memory. */

enum { HANGS_AFTER_MS = 20000, LOOK_MS = 5, BUDGET = 1 << 20 };

struct run {
	struct sync_environment env;
	struct turns turns;
	struct turns_tenant neighbour;
	struct turn hog;
	struct timer *turns_timer, *looks;
	struct waker *waker;
	struct tenant_sync *sync;
	bool cancel, waited, ended;
	int64_t until_ms;
	int rc;
};

static struct small_fleet *fleet;
static char folder[64];

static void on_done(void *arg, const struct sync_report *r)
{
	struct run *run = arg;
	run->ended = true;
	run->rc = r->rc;
	loop_stop(run->env.loop);
}

static void wake_turns(void *arg)
{
	timer_arm(((struct run *)arg)->turns_timer, 0);
}

static void on_turns(void *arg)
{
	turns_run(&((struct run *)arg)->turns, clock_mono_ms());
}

static void on_hog_granted(struct turn *t)
{
	assert_int_equal(t->bytes, BUDGET);
}

/* Once the sync stands in line, it is cancelled or gets its turn. */
static void on_look(void *arg)
{
	struct run *run = arg;
	if (clock_mono_ms() >= run->until_ms) {
		loop_stop(run->env.loop);
		return;
	}
	if (!run->waited && run->turns.waiting == 1 && run->hog.state != TURN_WAITING) {
		run->waited = true;
		if (run->cancel)
			tenant_sync_cancel(run->sync);
		else
			turn_cancel(&run->hog);
	}
	timer_arm(run->looks, LOOK_MS);
}

static void wake(void *arg)
{
	waker_wake(arg);
}

static void answer_jobs(void *arg)
{
	writer_answer(((struct run *)arg)->env.writer);
}

static void begin(struct run *run, uint64_t budget)
{
	struct err e = { 0 };
	struct store_options so = { .path = folder, .map_bytes = 64 << 20 };
	*run = (struct run){ .env.random = { 1 }, .env.turns = &run->turns };
	snprintf(folder, sizeof(folder), "/tmp/muster-turns-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(&run->env.store, &so, &e), OK);
	assert_int_equal(loop_new(&run->env.loop, &e), OK);
	assert_int_equal(http_client_new(&run->env.http, run->env.loop, &e), OK);
	assert_int_equal(waker_new(&run->waker, run->env.loop, answer_jobs, run), OK);
	assert_int_equal(timer_new(&run->turns_timer, run->env.loop, on_turns, run), OK);
	assert_int_equal(timer_new(&run->looks, run->env.loop, on_look, run), OK);
	assert_int_equal(writer_start(&run->env.writer, run->env.store, wake, run->waker, &e), OK);
	turns_init(&run->turns, &(struct turns_limits){ UINT32_MAX, budget }, wake_turns, run);
	turn_init(&run->hog, &run->turns, &run->neighbour, on_hog_granted);
}

static void sync_once(struct run *run)
{
	static struct conf_tenant t = {
		.name = "acme",
		.token = "token",
		.token_bytes = 5,
		.allow_http = true,
		.allow_private = true,
		.limits = { .body_bytes = 1 << 20,
			    .host_bytes = 1 << 20,
			    .first_byte_ms = 10000,
			    .request_ms = 10000 },
	};
	struct sync_options o;
	struct err e = { 0 };
	t.url = small_fleet_url(fleet);
	sync_options_default(&o);
	o.details = DETAILS_NONE;
	assert_int_equal(tenant_sync_new(&run->sync, &run->env, &t, &o, &e), OK);
	tenant_sync_start(run->sync, on_done, run);
	run->until_ms = clock_mono_ms() + HANGS_AFTER_MS;
	timer_arm(run->looks, LOOK_MS);
	loop_run(run->env.loop);
	assert_true(run->ended);
	tenant_sync_free(run->sync);
}

static int remove_any(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static void end(struct run *run)
{
	struct turns_stat stat;
	turn_cancel(&run->hog);
	turns_stat(&run->turns, clock_mono_ms(), &stat);
	assert_int_equal(stat.bytes, 0);
	assert_int_equal(stat.running, 0);
	assert_int_equal(stat.waiting, 0);
	writer_stop(run->env.writer);
	timer_free(run->looks);
	timer_free(run->turns_timer);
	waker_free(run->waker);
	http_client_free(run->env.http);
	assert_int_equal(loop_free(run->env.loop), OK);
	store_close(run->env.store);
	assert_int_equal(nftw(folder, remove_any, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void each_page_gets_the_least_budget_alone(void **state)
{
	struct run run;
	(void)state;
	begin(&run, 1);
	sync_once(&run);
	assert_int_equal(run.rc, OK);
	/* three pages and the empty one */
	assert_int_equal(run.turns.granted, 4);
	end(&run);
}

static void waits_until_another_gives_back(void **state)
{
	struct run run;
	(void)state;
	begin(&run, BUDGET);
	turn_ask(&run.hog, BUDGET, clock_mono_ms());
	sync_once(&run);
	assert_true(run.waited);
	assert_int_equal(run.rc, OK);
	end(&run);
}

static void leaves_the_line_when_cancelled(void **state)
{
	struct run run;
	(void)state;
	begin(&run, BUDGET);
	run.cancel = true;
	turn_ask(&run.hog, BUDGET, clock_mono_ms());
	sync_once(&run);
	assert_true(run.waited);
	assert_int_equal(run.rc, E_CANCELLED);
	assert_int_equal(run.turns.granted, 1);
	end(&run);
}

static int set_up(void **state)
{
	(void)state;
	log_configure(LOG_ERROR, 0);
	fleet = small_fleet_start();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	small_fleet_stop(fleet);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_page_gets_the_least_budget_alone),
		cmocka_unit_test(waits_until_another_gives_back),
		cmocka_unit_test(leaves_the_line_when_cancelled),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
