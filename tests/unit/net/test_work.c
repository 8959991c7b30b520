/* Work on other threads, foreign descriptors, single signals, the loop's lag. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/poller.h"
#include "net/work.h"

enum { JOBS = 40 };

struct job {
	struct work work;
	struct shop *shop;
	pthread_t ran_on;
	bool was_cancelled;
	int ran, done;
};

struct shop {
	struct loop *loop;
	struct work_queue *queue;
	struct job jobs[JOBS];
	atomic_bool let_go;
	atomic_int running;
	int done;
};

static struct job *job_of(struct work *w)
{
	return (struct job *)((char *)w - offsetof(struct job, work));
}

static void run(struct work *w)
{
	struct job *j = job_of(w);
	j->shop->running++;
	for (int i = 0; i < 2000 && !j->shop->let_go && !w->cancelled; i++)
		usleep(1000);
	j->ran_on = pthread_self();
	j->ran++;
}

static void done(struct work *w)
{
	struct job *j = job_of(w);
	j->done++;
	j->was_cancelled = w->cancelled;
	j->shop->done++;
}

static void begin(struct shop *s)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(loop_new(&s->loop, NULL), OK);
	assert_int_equal(work_queue_new(&s->queue, s->loop), OK);
	for (int i = 0; i < JOBS; i++) {
		s->jobs[i].shop = s;
		s->jobs[i].work = (struct work){ .run = run, .done = done };
	}
}

static void end(struct shop *s)
{
	work_queue_free(s->queue);
	assert_int_equal(loop_free(s->loop), OK);
}

static void each_is_done_once(void **state)
{
	(void)state;
	static struct shop s;
	begin(&s);
	s.let_go = true;
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(work_start(s.queue, &s.jobs[i].work), OK);
	assert_int_equal(s.done, 0);
	assert_int_equal(work_queue_busy(s.queue), JOBS);
	loop_run(s.loop);
	assert_int_equal(work_queue_busy(s.queue), 0);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(s.jobs[i].ran, 1);
		assert_int_equal(s.jobs[i].done, 1);
		assert_false(s.jobs[i].was_cancelled);
		assert_false(pthread_equal(s.jobs[i].ran_on, pthread_self()));
	}
	end(&s);
}

static void cancelled_running_and_waiting(void **state)
{
	(void)state;
	static struct shop s;
	int ran = 0;
	begin(&s);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(work_start(s.queue, &s.jobs[i].work), OK);
	while (s.running == 0)
		usleep(1000);
	for (int i = 0; i < JOBS; i++)
		work_cancel(&s.jobs[i].work);
	assert_int_equal(s.done, 0);
	loop_run(s.loop);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(s.jobs[i].done, 1);
		assert_true(s.jobs[i].was_cancelled);
		ran += s.jobs[i].ran;
	}
	assert_in_range(ran, 1, JOBS / 2);
	/* The same work again. */
	s.let_go = true;
	assert_int_equal(work_start(s.queue, &s.jobs[0].work), OK);
	loop_run(s.loop);
	assert_int_equal(s.jobs[0].done, 2);
	assert_false(s.jobs[0].was_cancelled);
	end(&s);
}

struct watched {
	struct poller *poller;
	int fd, count;
};

static void readable(void *arg)
{
	struct watched *w = arg;
	char c;
	w->count++;
	assert_int_equal(read(w->fd, &c, 1), 1);
	if (c == 'z') {
		poller_free(w->poller);
		w->poller = NULL;
	}
}

static void foreign_descriptor(void **state)
{
	(void)state;
	struct loop *loop;
	struct watched w = { 0 };
	int ends[2];
	assert_int_equal(loop_new(&loop, NULL), OK);
	assert_int_equal(pipe(ends), 0);
	w.fd = ends[0];
	assert_int_equal(poller_new(&w.poller, loop, ends[0], readable, &w), OK);
	assert_int_equal(write(ends[1], "abcz", 4), 4);
	loop_run(loop); /* ends with the poller */
	assert_int_equal(w.count, 4);
	struct poller *none;
	assert_int_equal(poller_new(&none, loop, 9999, readable, &w), E_IO);
	mem_fail_at(1, 1);
	assert_int_equal(poller_new(&none, loop, ends[0], readable, &w), E_NOMEM);
	mem_fail_at(0, 0);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(loop_free(loop), OK);
}

struct signals {
	struct loop *loop;
	struct signal_watch *watch;
	int count;
};

static void came(void *arg)
{
	struct signals *s = arg;
	if (++s->count == 2) {
		signal_watch_free(s->watch);
		loop_stop(s->loop);
	} else {
		kill(getpid(), SIGHUP);
	}
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void one_signal(void **state)
{
	(void)state;
	struct signals s = { 0 };
	struct timer *t;
	assert_int_equal(loop_new(&s.loop, NULL), OK);
	mem_fail_at(1, 1);
	assert_int_equal(signal_watch_new(&s.watch, s.loop, SIGHUP, came, &s), E_NOMEM);
	mem_fail_at(0, 0);
	assert_int_equal(signal_watch_new(&s.watch, s.loop, SIGKILL, came, &s), E_IO);
	assert_int_equal(signal_watch_new(&s.watch, s.loop, SIGHUP, came, &s), OK);
	loop_run(s.loop); /* it alone does not keep it running */
	assert_int_equal(timer_new(&t, s.loop, stop, s.loop), OK);
	timer_arm(t, 5000);
	kill(getpid(), SIGHUP);
	loop_run(s.loop);
	assert_int_equal(s.count, 2);
	timer_free(t);
	assert_int_equal(loop_free(s.loop), OK);
}

struct lag {
	int turns;
	uint64_t most_us, blocked_us;
};

static void late(void *arg, uint64_t late_us)
{
	struct lag *l = arg;
	l->turns++;
	if (late_us > l->most_us)
		l->most_us = late_us;
}

static void block(void *arg)
{
	struct lag *l = arg;
	usleep(150000);
	l->blocked_us = 150000;
}

static void lag_of_the_loop(void **state)
{
	(void)state;
	struct loop *loop;
	struct loop_lag *watch;
	struct timer *t, *b;
	struct lag l = { 0 };
	assert_int_equal(loop_new(&loop, NULL), OK);
	mem_fail_at(1, 1);
	assert_int_equal(loop_lag_new(&watch, loop, late, &l), E_NOMEM);
	mem_fail_at(0, 0);
	assert_int_equal(loop_lag_new(&watch, loop, late, &l), OK);
	loop_run(loop); /* it alone does not keep it running */
	assert_int_equal(l.turns, 0);
	assert_int_equal(timer_new(&t, loop, stop, loop), OK);
	assert_int_equal(timer_new(&b, loop, block, &l), OK);
	timer_arm(t, 30 * LOOP_LAG_EVERY_MS);
	loop_run(loop);
	assert_in_range(l.turns, 10, 31);
	l = (struct lag){ 0 };
	timer_arm(t, 15 * LOOP_LAG_EVERY_MS + 400);
	timer_arm(b, 5 * LOOP_LAG_EVERY_MS);
	loop_run(loop);
	assert_in_range(l.most_us, 150000 - LOOP_LAG_EVERY_MS * 1000 - 2000, 1000000);
	timer_free(t);
	timer_free(b);
	loop_lag_free(watch);
	assert_int_equal(loop_free(loop), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_done_once),  cmocka_unit_test(cancelled_running_and_waiting),
		cmocka_unit_test(foreign_descriptor), cmocka_unit_test(one_signal),
		cmocka_unit_test(lag_of_the_loop),
	};
	return cmocka_run_group_tests_name("net/work", tests, NULL, NULL);
}
