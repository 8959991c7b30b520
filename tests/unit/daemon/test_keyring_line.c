#include "daemon/keyring_line.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <unistd.h>

enum { JOBS = 8 };

static struct loop *loop;
static struct keyring_line line;
static atomic_int running;
static char order[2 * JOBS + 1];
static size_t told;
static bool missing; /* memory, from the end of the first job on */

struct numbered {
	struct keyring_job job; /* first */
	char letter;
};
static struct numbered jobs[JOBS];

static int run(struct keyring_job *job, struct keyring *k)
{
	assert_null(k);
	assert_int_equal(atomic_fetch_add(&running, 1), 0);
	usleep(2000);
	atomic_fetch_sub(&running, 1);
	return ((struct numbered *)job)->letter == 'c' ? err_set(&job->err, E_IO, "it failed") : OK;
}

static void done(struct keyring_job *job)
{
	struct numbered *n = (struct numbered *)job;
	bool failed = missing && n->letter != 'a';
	assert_int_equal(job->rc, failed ? E_NOMEM : n->letter == 'c' ? E_IO : OK);
	order[told++] = n->letter;
	/* one that is added from here comes behind the others */
	if (!missing && n->letter == 'a') {
		jobs[JOBS - 1].letter = 'z';
		assert_int_equal(keyring_line_add(&line, &jobs[JOBS - 1].job, NULL), OK);
	}
	if (told < JOBS)
		assert_true(missing || work_queue_busy(line.work) == 1);
	else
		loop_stop(loop);
}

static int run_then_no_memory(struct keyring_job *job, struct keyring *k)
{
	(void)job, (void)k;
	return OK;
}

static int set_up(void **state)
{
	(void)state;
	memset(jobs, 0, sizeof(jobs));
	memset(order, 0, sizeof(order));
	told = 0;
	missing = false;
	line = (struct keyring_line){ 0 };
	for (int i = 0; i < JOBS; i++) {
		jobs[i].job.run = run;
		jobs[i].job.done = done;
		jobs[i].letter = (char)('a' + i);
	}
	return loop_new(&loop, NULL) || work_queue_new(&line.work, loop);
}

static int tear_down(void **state)
{
	(void)state;
	work_queue_free(line.work);
	return loop_free(loop);
}

static void one_after_the_other(void **state)
{
	(void)state;
	for (int i = 0; i < JOBS - 1; i++)
		assert_int_equal(keyring_line_add(&line, &jobs[i].job, NULL), OK);
	loop_run(loop);
	assert_string_equal(order, "abcdefgz");
	assert_null(line.first);
}

static void who_cannot_begin_is_told(void **state)
{
	(void)state;
	struct err e;
	mem_fail_at(1, 1);
	assert_int_equal(keyring_line_add(&line, &jobs[0].job, &e), E_NOMEM);
	mem_fail_at(0, 0);
	assert_null(line.first);
	missing = true;
	jobs[0].job.run = run_then_no_memory;
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(keyring_line_add(&line, &jobs[i].job, &e), OK);
	mem_fail_at(1, 1);
	loop_run(loop);
	mem_fail_at(0, 0);
	assert_string_equal(order, "abcdefgh");
	assert_null(line.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_after_the_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_cannot_begin_is_told, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
