/* A store whose lists cannot be read, here because other processes hold all of
 * its readers' places: the sync fails and says so. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "sync/tenant_sync.h"
#include "unit/sync/small_fleet.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANGS_AFTER_MS = 20000, GONE = 4 };

struct run {
	struct sync_environment env;
	struct waker *waker;
	struct timer *hangs;
	struct sync_report report;
	bool ended;
};

static char folder[64];

/* ---- another process ---- */

struct reader {
	struct store *s;
	uint32_t tenant;
};

/* Each call takes one more place and keeps it, until there is none left. */
static int take_places(void *arg, const struct store_device *d)
{
	struct reader *r = arg;
	(void)d;
	store_devices(r->s, r->tenant, 0, take_places, r);
	if (write(STDOUT_FILENO, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* This program again, with the folder as its argument. */
static int hold_places(const char *path)
{
	struct reader r;
	struct tenant_row row;
	struct err e;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(HANGS_AFTER_MS / 1000);
	if (store_open(&r.s, &(struct store_options){ .path = path, .read_only = true }, &e) ||
	    store_tenant_by_name(r.s, "acme", &row))
		return 1;
	r.tenant = row.number;
	store_devices(r.s, r.tenant, 0, take_places, &r);
	return 1;
}

static pid_t occupy(void)
{
	int ends[2];
	char c;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", "hold", folder, (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &c, 1), 1);
	close(ends[0]);
	return pid;
}

/* ---- one sync ---- */

static void on_done(void *arg, const struct sync_report *r)
{
	struct run *run = arg;
	run->ended = true;
	run->report = *r;
	loop_stop(run->env.loop);
}

static void on_hang(void *arg)
{
	struct run *run = arg;
	loop_stop(run->env.loop);
}

static void wake(void *arg)
{
	waker_wake(arg);
}

static void answer_jobs(void *arg)
{
	struct run *run = arg;
	writer_answer(run->env.writer);
}

static void sync_once(struct run *run, const char *url, enum sync_details details, bool occupied)
{
	struct conf_tenant tenant = {
		.name = "acme",
		.url = url,
		.token = "token",
		.token_bytes = 5,
		.allow_http = true,
		.allow_private = true,
		.limits = { .body_bytes = 1 << 20,
			    .host_bytes = 1 << 20,
			    .first_byte_ms = 10000,
			    .request_ms = 10000 },
	};
	struct store_options so = { .path = folder, .map_bytes = 64 << 20 };
	struct sync_options o;
	struct tenant_sync *sync;
	struct err e = { 0 };
	*run = (struct run){ .env.random = { 1 } };
	sync_options_default(&o);
	o.details = details;
	assert_int_equal(store_open(&run->env.store, &so, &e), OK);
	assert_int_equal(loop_new(&run->env.loop, &e), OK);
	assert_int_equal(http_client_new(&run->env.http, run->env.loop, &e), OK);
	assert_int_equal(waker_new(&run->waker, run->env.loop, answer_jobs, run), OK);
	assert_int_equal(timer_new(&run->hangs, run->env.loop, on_hang, run), OK);
	assert_int_equal(writer_start(&run->env.writer, run->env.store, wake, run->waker, &e), OK);
	assert_int_equal(tenant_sync_new(&sync, &run->env, &tenant, &o, &e), OK);
	pid_t other = occupied ? occupy() : 0;
	timer_arm(run->hangs, HANGS_AFTER_MS);
	tenant_sync_start(sync, on_done, run);
	loop_run(run->env.loop);
	if (occupied) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	assert_true(run->ended);
	tenant_sync_free(sync);
	writer_stop(run->env.writer);
	timer_free(run->hangs);
	waker_free(run->waker);
	http_client_free(run->env.http);
	assert_int_equal(loop_free(run->env.loop), OK);
	store_close(run->env.store);
}

/* ---- what must hold ---- */

static void fails(uint64_t gone, enum sync_details details, const char *says)
{
	struct run run;
	struct small_fleet *fleet = small_fleet_start();
	char url[64];
	snprintf(url, sizeof(url), "%s", small_fleet_url(fleet));
	sync_once(&run, url, DETAILS_NONE, false);
	assert_int_equal(run.report.rc, OK);
	small_fleet_set(fleet, 0, gone);
	sync_once(&run, url, details, true);
	assert_int_not_equal(run.report.rc, OK);
	if (!strstr(run.report.err.text, says))
		fail_msg("%s", run.report.err.text);
	/* and goes on when they have gone */
	sync_once(&run, url, details, false);
	assert_int_equal(run.report.rc, OK);
	assert_int_equal(run.report.gone, gone != 0);
	small_fleet_stop(fleet);
}

static void due_details(void **state)
{
	(void)state;
	fails(0, DETAILS_ALL, "reading which details are due from the store");
}

static void missing_devices(void **state)
{
	(void)state;
	fails(GONE, DETAILS_NONE, "reading which devices are missing from the store");
}

static int set_up(void **state)
{
	(void)state;
	log_configure(LOG_ERROR, 0);
	snprintf(folder, sizeof(folder), "/tmp/muster-unreadable-XXXXXX");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int tear_down(void **state)
{
	char file[400];
	(void)state;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(file, sizeof(file), "%s/%s", folder, e->d_name);
		unlink(file);
	}
	if (d)
		closedir(d);
	return rmdir(folder);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[0], "hold"))
		return hold_places(argv[1]);
#ifdef __SANITIZE_THREAD__
	/* a place is held by a read inside a read, and this sanitizer counts no more than 64 locks */
	return 77;
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(due_details, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing_devices, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
