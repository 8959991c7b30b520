/* A scrape of many tenants: how long a slice takes, and what is in the page
 * while they come and go. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/metrics.h"
#include "daemon/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TENANTS = 5000 };

/* Sanitizers make it several times slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLICE_MOST_US = 20000 };
#else
enum { SLICE_MOST_US = 2000 };
#endif

static char folder[] = "/tmp/muster-metrics-XXXXXX";
static struct service s;
static struct conf conf = { .limits = { 4, 8, 1 << 20 } };

static void wake(void *arg)
{
	(void)arg;
}

static void complain(void *arg, const char *text)
{
	(void)arg;
	print_message("%s\n", text);
}

static struct tenant *add(int i)
{
	static const struct conf_secrets secrets = { .token = "abcdefghijklmnopqrstuvwxyz0123456789" };
	const struct conf_tenant *c;
	struct tenant *t;
	char json[128];
	int n = snprintf(json, sizeof(json), "{\"name\":\"t%d\",\"url\":\"https://t%d.example.com\"}", i, i);
	assert_int_equal(conf_tenant_parse(&c, NULL, json, (size_t)n, &secrets, complain, NULL), OK);
	assert_int_equal(tenants_add(s.tenants, TENANT_OF_RUNTIME, c, 0, &t, NULL), OK);
	conf_tenant_release(c);
	return t;
}

static int set_up(void **state)
{
	struct tenants_options o = { .env = &s.env };
	(void)state;
	assert_non_null(mkdtemp(folder));
	s.conf = &conf;
	turns_init(&s.turns, &(struct turns_limits){ 1, 1 }, wake, NULL);
	assert_int_equal(loop_new(&s.env.loop, NULL), OK);
	assert_int_equal(http_client_new(&s.env.http, s.env.loop, NULL), OK);
	assert_int_equal(work_queue_new(&s.work, s.env.loop), OK);
	assert_int_equal(store_open(&s.env.store, &(struct store_options){ .path = folder }, NULL), OK);
	assert_int_equal(writer_start(&s.env.writer, s.env.store, wake, NULL, NULL), OK);
	o.work = s.work;
	assert_int_equal(tenants_new(&s.tenants, &o, NULL), OK);
	static const double bound = 1;
	histogram_init(&s.lag, &bound, 1);
	assert_int_equal(metrics_new(&s.metrics, &s), OK);
	for (int i = 0; i < TENANTS; i++)
		add(i);
	return 0;
}

static int tear_down(void **state)
{
	char path[64];
	(void)state;
	tenants_free(s.tenants);
	metrics_free(s.metrics);
	writer_stop(s.env.writer);
	store_close(s.env.store);
	work_queue_free(s.work);
	http_client_free(s.env.http);
	assert_int_equal(loop_free(s.env.loop), OK);
	for (const char *const *f = (const char *const[]){ "data.mdb", "lock.mdb", "muster.lock", NULL }; *f;
	     f++) {
		snprintf(path, sizeof(path), "%s/%s", folder, *f);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static int64_t cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Between two slices `between` is called. Answers the longest slice. */
static int64_t scrape(struct buf *page, void (*between)(int slice))
{
	int64_t most = 0;
	unsigned status = 200;
	struct buf body;
	bool more = true;
	void *state;
	assert_int_equal(metrics_begin(&s, &state, &status, NULL), OK);
	buf_init(&body, 1 << 20);
	for (int i = 0; more; i++) {
		int64_t begun = cpu_us();
		buf_reset(&body);
		assert_int_equal(metrics_slice(state, &body, HTTP_SLICE_BYTES, &more), OK);
		int64_t took = cpu_us() - begun;
		if (took > most)
			most = took;
		buf_add(page, body.data, body.len);
		if (between)
			between(i);
	}
	metrics_end(state);
	buf_release(&body);
	assert_int_equal(page->failed, OK);
	return most;
}

static unsigned count(struct buf *page, const char *text)
{
	unsigned n = 0;
	for (const char *at = buf_cstr(page); (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void slices_are_short(void **state)
{
	(void)state;
	struct buf page;
	buf_init(&page, 64 << 20);
	int64_t most = scrape(&page, NULL);
	print_message("%zu bytes of %d tenants, the longest slice took %lld us\n", page.len, TENANTS,
		      (long long)most);
	assert_in_range(most, 1, SLICE_MOST_US);
	assert_int_equal(count(&page, "\nmuster_tenant_up{"), TENANTS);
	assert_int_equal(count(&page, "\nmuster_tenant_state{"), TENANTS);
	assert_int_equal(count(&page, "{tenant=\"t4999\""), 13);
	assert_int_equal(count(&page, "\nmuster_tenants{state=\"queued\"} 5000\n"), 1);
	buf_release(&page);
}

/* In each pause one goes that was written, one that was not, and one comes. */
static void come_and_go(int slice)
{
	char name[16];
	struct err e;
	for (int i = 0; i < 2 && slice < 20; i++) {
		snprintf(name, sizeof(name), "t%d", i ? TENANTS - 1 - slice : slice);
		struct tenant *t = tenants_find(s.tenants, name);
		assert_non_null(t);
		assert_int_equal(tenants_remove(t, true, NULL, &e), OK);
	}
	if (slice < 20)
		add(TENANTS + slice);
}

static void nothing_is_written_twice(void **state)
{
	(void)state;
	struct buf page;
	char line[64];
	buf_init(&page, 64 << 20);
	scrape(&page, come_and_go);
	/* looking takes long, so not at every one in the middle */
	for (int i = 0; i<TENANTS + 20; i += i> 40 && i < TENANTS - 140 ? 97 : 1) {
		snprintf(line, sizeof(line), "\nmuster_tenant_up{tenant=\"t%d\"}", i);
		bool stays = i >= 20 && i < TENANTS - 20;
		assert_in_range(count(&page, line), stays, 1);
	}
	assert_int_equal(count(&page, "\nprocess_start_time_seconds "), 1);
	loop_run(s.env.loop);
	buf_release(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_short),
		cmocka_unit_test(nothing_is_written_twice),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
