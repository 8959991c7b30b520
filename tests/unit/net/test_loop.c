#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

struct fixture {
	struct loop *loop;
	struct timer *timer, *other;
	struct waker *waker;
	struct interrupts *interrupts;
	int fired, other_fired, woken, stops;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_new(&f->loop, NULL), OK);
}

static void fire_three_times(void *arg)
{
	struct fixture *f = arg;
	if (++f->fired < 3)
		timer_arm(f->timer, 0);
}

static void fires_once_per_arming(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	timer_new(&f.timer, f.loop, fire_three_times, &f);
	timer_arm(f.timer, 500);
	timer_arm(f.timer, 20);
	assert_int_equal(f.fired, 0);
	int64_t before = clock_mono_ms();
	loop_run(f.loop);
	assert_in_range(clock_mono_ms() - before, 15, 400);
	assert_int_equal(f.fired, 3);
	timer_arm(f.timer, 0);
	timer_disarm(f.timer);
	loop_run(f.loop);
	assert_int_equal(f.fired, 3);
	timer_free(f.timer);
	assert_int_equal(loop_free(f.loop), 0);
}

static void fire_again(void *arg)
{
	struct fixture *f = arg;
	f->fired++;
	if (f->fired < 1000000)
		timer_arm(f->timer, 0);
}

static void stop_now(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static void count_wake(void *arg);
static void *wake_from_thread(void *arg);

/* A timer that arms itself with 0 for ever: sockets and other timers still come. */
static void zero_does_not_starve_the_rest(void **state)
{
	(void)state;
	struct fixture f;
	pthread_t t;
	begin(&f);
	timer_new(&f.timer, f.loop, fire_again, &f);
	timer_new(&f.other, f.loop, stop_now, &f);
	waker_new(&f.waker, f.loop, count_wake, &f);
	timer_arm(f.timer, 0);
	pthread_create(&t, NULL, wake_from_thread, &f);
	loop_run(f.loop);
	pthread_join(t, NULL);
	assert_true(f.woken > 0);
	assert_in_range(f.fired, 2, 999999);
	waker_free(f.waker);
	timer_arm(f.other, 20);
	f.fired = 0;
	timer_arm(f.timer, 0);
	loop_run(f.loop);
	assert_in_range(f.fired, 2, 999999);
	timer_free(f.timer);
	timer_free(f.other);
	assert_int_equal(loop_free(f.loop), 0);
}

static void free_both(void *arg)
{
	struct fixture *f = arg;
	f->fired++;
	timer_free(f->timer);
	timer_free(f->other);
}

static void count_other(void *arg)
{
	((struct fixture *)arg)->other_fired++;
}

static void freed_in_its_own_callback(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	timer_new(&f.timer, f.loop, free_both, &f);
	timer_new(&f.other, f.loop, count_other, &f);
	timer_arm(f.timer, 0);
	timer_arm(f.other, 1);
	loop_run(f.loop);
	assert_int_equal(f.fired, 1);
	assert_int_equal(f.other_fired, 0);
	assert_int_equal(loop_free(f.loop), 0);
}

static void count_wake(void *arg)
{
	struct fixture *f = arg;
	f->woken++;
	loop_stop(f->loop);
}

static void *wake_from_thread(void *arg)
{
	struct fixture *f = arg;
	usleep(20000);
	for (int i = 0; i < 100; i++)
		waker_wake(f->waker);
	return NULL;
}

static void woken_from_another_thread(void **state)
{
	(void)state;
	struct fixture f;
	pthread_t t;
	begin(&f);
	waker_new(&f.waker, f.loop, count_wake, &f);
	pthread_create(&t, NULL, wake_from_thread, &f);
	loop_run(f.loop);
	pthread_join(t, NULL);
	assert_in_range(f.woken, 1, 100);
	int before = f.woken;
	waker_wake(f.waker);
	waker_free(f.waker);
	assert_int_equal(loop_free(f.loop), 0);
	assert_int_equal(f.woken, before);
}

static void count_stop(void *arg, int count)
{
	struct fixture *f = arg;
	f->stops = count;
	if (count == 2)
		loop_stop(f->loop);
	else
		kill(getpid(), SIGTERM);
}

static void interrupts_are_counted(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	assert_int_equal(interrupts_new(&f.interrupts, f.loop, count_stop, &f), OK);
	/* They alone do not keep it running. */
	loop_run(f.loop);
	assert_int_equal(f.stops, 0);
	timer_new(&f.timer, f.loop, count_other, &f);
	timer_arm(f.timer, 5000);
	kill(getpid(), SIGINT);
	loop_run(f.loop);
	assert_int_equal(f.stops, 2);
	timer_free(f.timer);
	interrupts_free(f.interrupts);
	assert_int_equal(loop_free(f.loop), 0);
}

static void not_clean_while_something_is_open(void **state)
{
	(void)state;
	struct fixture f;
	begin(&f);
	timer_new(&f.timer, f.loop, count_other, &f);
	assert_int_equal(loop_free(f.loop), E_INTERNAL);
	timer_free(f.timer);
	loop_stop(f.loop);
	assert_int_equal(loop_free(f.loop), 0);
}

static void without_memory(void **state)
{
	(void)state;
	struct fixture f;
	struct err e = { 0 };
	mem_fail_at(1, 1);
	assert_int_equal(loop_new(&f.loop, &e), E_NOMEM);
	mem_fail_at(0, 0);
	begin(&f);
	mem_fail_at(1, 1);
	assert_int_equal(timer_new(&f.timer, f.loop, count_other, &f), E_NOMEM);
	assert_int_equal(waker_new(&f.waker, f.loop, count_wake, &f), E_NOMEM);
	assert_int_equal(interrupts_new(&f.interrupts, f.loop, count_stop, &f), E_NOMEM);
	mem_fail_at(0, 0);
	assert_int_equal(loop_free(f.loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_once_per_arming),
		cmocka_unit_test(zero_does_not_starve_the_rest),
		cmocka_unit_test(freed_in_its_own_callback),
		cmocka_unit_test(woken_from_another_thread),
		cmocka_unit_test(interrupts_are_counted),
		cmocka_unit_test(not_clean_while_something_is_open),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
