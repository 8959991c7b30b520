#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "sync/tenant_sync.h"
#include "unit/sync/small_fleet.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_ALLOCATIONS = 5000, HANGS_AFTER_MS = 20000, GONE = 4 };

/* Which thread's allocations fail: the n-th one, or that and all after it. */
enum victim { NOBODY, LOOP, WRITER };

struct run {
	struct sync_environment env;
	struct waker *waker;
	struct timer *hangs;
	struct tenant_sync *sync;
	int rc;
	struct err err;
	bool ended, hung;
	unsigned long allocations; /* of the victim */
};

static struct small_fleet *fleet;
static char folder[64], prepared[64];

/* ---- the store's folder ---- */

static void empty(const char *path)
{
	char file[400];
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(file);
	}
	if (d)
		closedir(d);
}

static void copy_store(const char *from, const char *to)
{
	char path[400], piece[65536];
	snprintf(path, sizeof(path), "%s/data.mdb", from);
	int in = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/data.mdb", to);
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(in >= 0 && out >= 0);
	for (ssize_t n; (n = read(in, piece, sizeof(piece))) > 0;)
		assert_int_equal(write(out, piece, (size_t)n), n);
	close(in);
	close(out);
}

static void make_folder(char *out, const char *suffix)
{
	/* in memory where there is such a place: thousands of commits follow */
	snprintf(out, 64, "%s/muster-alloc-%s-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
		 suffix);
	assert_non_null(mkdtemp(out));
}

/* ---- one sync ---- */

static void on_done(void *arg, const struct sync_report *r)
{
	struct run *run = arg;
	run->ended = true;
	run->rc = r->rc;
	run->err = r->err;
	loop_stop(run->env.loop);
}

static void on_hang(void *arg)
{
	struct run *run = arg;
	run->hung = true;
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

/* A job that sets, or reads and clears, what fails on the writer's thread. */
struct arming {
	struct store_job job;
	struct run *run;
	unsigned long at;
	int sticky;
	bool count;
};

static int arm_there(struct store_job *job, struct store_txn *txn)
{
	struct arming *a = (struct arming *)job;
	(void)txn;
	if (a->count)
		a->run->allocations = mem_count();
	mem_fail_at(a->at, a->sticky);
	return OK;
}

static void armed(struct store_job *job, int rc)
{
	(void)job, (void)rc;
}

static void begin(struct run *run)
{
	struct store_options so = { .path = folder, .map_bytes = 64 << 20 };
	*run = (struct run){ .env.random = { 1 } };
	struct err e = { 0 };
	assert_int_equal(store_open(&run->env.store, &so, &e), OK);
	assert_int_equal(loop_new(&run->env.loop, &e), OK);
	assert_int_equal(http_client_new(&run->env.http, run->env.loop, &e), OK);
	assert_int_equal(waker_new(&run->waker, run->env.loop, answer_jobs, run), OK);
	assert_int_equal(timer_new(&run->hangs, run->env.loop, on_hang, run), OK);
	assert_int_equal(writer_start(&run->env.writer, run->env.store, wake, run->waker, &e), OK);
}

static void on_finding(void *arg, const char *text)
{
	(void)arg;
	print_error("verify: %s\n", text);
}

static void end(struct run *run)
{
	if (run->ended)
		tenant_sync_free(run->sync);
	writer_stop(run->env.writer);
	timer_free(run->hangs);
	waker_free(run->waker);
	http_client_free(run->env.http);
	assert_int_equal(loop_free(run->env.loop), OK);
	assert_int_equal(store_verify(run->env.store, on_finding, NULL), OK);
	store_close(run->env.store);
}

static const struct conf_tenant *tenant(void)
{
	static struct conf_tenant t = {
		.name = "acme",
		.token = "token",
		.token_bytes = 5,
		.allow_http = true,
		.allow_private = true,
		.derive = { .owner_precedence = { OWNER_CUSTOM, OWNER_IDP, OWNER_GOOGLE_CHROME_PROFILES },
			    .owner_precedence_count = 3,
			    .map_users = true,
			    .map_teams = true },
		.limits = { .body_bytes = 1 << 20,
			    .host_bytes = 1 << 20,
			    .first_byte_ms = 10000,
			    .request_ms = 10000 },
	};
	t.url = small_fleet_url(fleet);
	return &t;
}

/* Syncs the store in `folder` while allocations of `victim` fail. */
static void sync_once(struct run *run, enum victim victim, unsigned long at, int sticky)
{
	struct sync_options o;
	struct err e = { 0 };
	begin(run);
	struct arming on = { { .run = arm_there, .done = armed }, run, at, sticky, false };
	struct arming off = { { .run = arm_there, .done = armed }, run, 0, 0, true };
	sync_options_default(&o);
	o.details = DETAILS_ALL;
	o.backoff_base_ms = 1;
	o.probe_gap_ms = 1;
	o.max_attempts = 3;
	timer_arm(run->hangs, HANGS_AFTER_MS);
	if (victim == WRITER)
		writer_submit(run->env.writer, &on.job);
	if (victim == LOOP)
		mem_fail_at(at, sticky);
	run->rc = tenant_sync_new(&run->sync, &run->env, tenant(), &o, &e);
	run->err = e;
	if (run->rc == OK) {
		tenant_sync_start(run->sync, on_done, run);
		loop_run(run->env.loop);
	}
	if (victim == LOOP)
		run->allocations = mem_count();
	mem_fail_at(0, 0);
	if (victim == WRITER)
		writer_submit(run->env.writer, &off.job);
	assert_false(run->hung);
	end(run);
}

/* ---- what must hold ---- */

static int count_event(void *arg, uint64_t seq, struct slice json)
{
	unsigned *counts = arg;
	static const char *const kinds[] = { "\"baseline\"", "\"deleted\"", "\"created\"" };
	char text[2048];
	snprintf(text, sizeof(text), "%.*s", (int)json.n, json.p);
	if (seq != ++counts[3])
		return E_CORRUPT;
	for (int i = 0; i < 3; i++)
		counts[i] += strstr(text, kinds[i]) != NULL;
	return OK;
}

/* After a sync in which nothing failed: all is there, and told once. */
static void check_whole(bool deleted)
{
	struct store *s;
	struct tenant_row row;
	struct err e;
	unsigned counts[4] = { 0 };
	assert_int_equal(store_open(&s, &(struct store_options){ .path = folder, .read_only = true }, &e),
			 OK);
	assert_int_equal(store_tenant_by_name(s, "acme", &row), OK);
	assert_int_equal(row.devices, SMALL_FLEET_HOSTS - deleted);
	assert_int_equal(row.sync_result, OK);
	assert_false(row.walking);
	assert_int_equal(store_rows(s, row.number, ROWS_CHANGES, 0, count_event, counts), OK);
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], deleted);
	assert_int_equal(counts[2], 0);
	assert_int_equal(counts[3], row.seq);
	store_close(s);
}

/* Lets the first, second, third ... allocation fail until a sync comes to its
 * end without meeting it. */
static void fail_each(enum victim victim, bool first_walk, int sticky, unsigned step)
{
	unsigned long n = 1, failed = 0, needed = 0;
	for (; n < MOST_ALLOCATIONS; n += step) {
		struct run run;
		empty(folder);
		if (!first_walk)
			copy_store(prepared, folder);
		small_fleet_set(fleet, first_walk ? 0 : 1, first_walk ? 0 : GONE);
		sync_once(&run, victim, n, sticky);
		needed = run.allocations;
		failed += run.rc != OK;
		if (run.rc != OK && !run.err.text[0])
			fail_msg("allocation %lu: failed with %d and no sentence", n, run.rc);
		if (needed < n) {
			assert_int_equal(run.rc, OK);
			check_whole(!first_walk);
			break;
		}
		sync_once(&run, NOBODY, 0, 0);
		if (run.rc != OK)
			fail_msg("the sync after the one whose allocation %lu failed: %s", n, run.err.text);
		check_whole(!first_walk);
	}
	assert_true(n < MOST_ALLOCATIONS);
	assert_true(failed > 0);
	assert_int_equal(small_fleet_strays(fleet), 0);
	print_message("%lu allocations, %lu of %lu failures ended the sync\n", needed, failed,
		      (n - 1) / step);
}

static void loop_first_walk(void **state)
{
	(void)state;
	fail_each(LOOP, true, 0, 1);
}

static void loop_later_walk(void **state)
{
	(void)state;
	fail_each(LOOP, false, 0, 1);
}

static void loop_for_good(void **state)
{
	(void)state;
	fail_each(LOOP, false, 1, 5);
}

static void writer_first_walk(void **state)
{
	(void)state;
	fail_each(WRITER, true, 0, 1);
}

static void writer_later_walk(void **state)
{
	(void)state;
	fail_each(WRITER, false, 0, 1);
}

static void writer_for_good(void **state)
{
	(void)state;
	fail_each(WRITER, false, 1, 3);
}

static int set_up(void **state)
{
	struct run run;
	(void)state;
	log_configure(LOG_ERROR, 0);
	fleet = small_fleet_start();
	make_folder(folder, "store");
	make_folder(prepared, "prepared");
	sync_once(&run, NOBODY, 0, 0);
	if (run.rc != OK)
		fail_msg("%s", run.err.text);
	check_whole(false);
	copy_store(folder, prepared);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	small_fleet_stop(fleet);
	empty(folder);
	empty(prepared);
	return rmdir(folder) | rmdir(prepared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_first_walk),   cmocka_unit_test(loop_later_walk),
		cmocka_unit_test(loop_for_good),     cmocka_unit_test(writer_first_walk),
		cmocka_unit_test(writer_later_walk), cmocka_unit_test(writer_for_good),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
