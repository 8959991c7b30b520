/* Ceilings over all origins: whose turn it is, how many connections there are,
 * and that those nobody needs go. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit/net/fetch.h"
#include "unit/net/liar.h"

enum { ORIGINS = 12, EACH = 4, ALL = ORIGINS * EACH };

struct crowd;

struct one {
	struct fetch f;
	struct crowd *crowd;
	int place; /* the how many-th to end, from 1 */
};

struct crowd {
	struct world w;
	struct http_origin *o[ORIGINS];
	struct one one[ALL];
	int ended, expected;
	unsigned most_running, most_open;
};

static void look(struct crowd *c)
{
	struct http_stat st;
	http_client_stat(c->w.client, &st);
	if (st.running > c->most_running)
		c->most_running = st.running;
	if (st.open > c->most_open)
		c->most_open = st.open;
}

static int on_body(void *arg, long status, const void *data, size_t n)
{
	struct one *x = arg;
	(void)status;
	(void)data;
	x->f.bytes += n;
	look(x->crowd);
	return OK;
}

static void on_done(void *arg, const struct http_result *r)
{
	struct one *x = arg;
	x->f.result = *r;
	x->f.done++;
	x->f.exchange = NULL;
	x->place = ++x->crowd->ended;
	look(x->crowd);
	if (x->crowd->ended == x->crowd->expected)
		loop_stop(x->crowd->w.loop);
}

static void crowd_begin(struct crowd *c, const struct http_limits *limits, int origins)
{
	memset(c, 0, sizeof(*c));
	world_begin(&c->w);
	http_client_limit(c->w.client, limits);
	for (int i = 0; i < origins; i++)
		c->o[i] = lax_origin(&c->w, liar_url(plain_server));
}

static void crowd_end(struct crowd *c)
{
	struct http_stat st;
	for (int i = 0; i < ORIGINS; i++)
		http_origin_free(c->o[i]);
	http_client_stat(c->w.client, &st);
	assert_int_equal(st.open, 0);
	assert_int_equal(st.running + st.waiting, 0);
	world_end(&c->w);
}

static struct http_request asked(struct crowd *c, struct one *x, const char *path)
{
	struct http_request r = request(path, &x->f);
	x->crowd = c;
	r.on_body = on_body;
	r.on_done = on_done;
	r.arg = x;
	return r;
}

static void ask(struct crowd *c, int i, int origin_at, const char *path)
{
	struct http_request r = asked(c, &c->one[i], path);
	fetch_start(&c->w, c->o[origin_at], &r, &c->one[i].f);
	c->expected++;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void run_for(struct world *w, uint64_t ms)
{
	struct timer *t;
	assert_int_equal(timer_new(&t, w->loop, stop_loop, w->loop), OK);
	timer_arm(t, ms);
	loop_run(w->loop);
	timer_free(t);
}

static void never_more_at_once(void **state)
{
	(void)state;
	static const struct {
		struct http_limits limits;
		unsigned running, open;
	} rows[] = {
		{ { .transfers = 1 }, 1, ORIGINS },
		{ { .transfers = 5 }, 5, ALL },
		{ { .connections = 3 }, 3, 3 },
		{ { .transfers = 2, .connections = 7 }, 2, 7 },
		{ { .transfers = 1, .connections = 1 }, 1, 1 },
	};
	static struct crowd c;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		crowd_begin(&c, &rows[i].limits, ORIGINS);
		for (int k = 0; k < ALL; k++)
			ask(&c, k, k % ORIGINS, k % 3 ? "/ok/20000" : "/chunked/20000");
		loop_run(c.w.loop);
		for (int k = 0; k < ALL; k++) {
			assert_string_equal(c.one[k].f.result.err.text, "");
			assert_int_equal(c.one[k].f.bytes, 20000);
			assert_int_equal(c.one[k].f.done, 1);
		}
		print_message("%zu: %u running, %u open\n", i, c.most_running, c.most_open);
		assert_int_equal(c.most_running, rows[i].running);
		assert_in_range(c.most_open, 1, rows[i].open);
		crowd_end(&c);
	}
}

static void origins_take_turns(void **state)
{
	(void)state;
	static struct crowd c;
	crowd_begin(&c, &(struct http_limits){ .transfers = 1 }, 3);
	for (int i = 0; i < 10; i++)
		ask(&c, i, 0, "/ok/1000");
	ask(&c, 10, 1, "/ok/1000");
	ask(&c, 11, 2, "/ok/1000");
	ask(&c, 12, 1, "/ok/1000");
	loop_run(c.w.loop);
	assert_int_equal(c.one[0].place, 1);
	assert_int_equal(c.one[10].place, 2);
	assert_int_equal(c.one[11].place, 3);
	assert_int_equal(c.one[1].place, 4);
	assert_int_equal(c.one[12].place, 5);
	assert_int_equal(c.one[9].place, 13);
	crowd_end(&c);
}

static void time_begins_with_the_turn(void **state)
{
	(void)state;
	static struct crowd c;
	crowd_begin(&c, &(struct http_limits){ .transfers = 1 }, 2);
	struct http_request r = asked(&c, &c.one[0], "/silent");
	r.first_byte_ms = 500;
	fetch_start(&c.w, c.o[0], &r, &c.one[0].f);
	r = asked(&c, &c.one[1], "/ok/1000");
	r.first_byte_ms = r.total_ms = 300;
	fetch_start(&c.w, c.o[1], &r, &c.one[1].f);
	r = asked(&c, &c.one[2], "/ok/1000");
	fetch_start(&c.w, c.o[1], &r, &c.one[2].f);
	c.expected = 2;
	run_for(&c.w, 50);
	struct http_stat st;
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.running, 1);
	assert_int_equal(st.waiting, 2);
	/* One that waits can be cancelled like any other. */
	http_cancel(c.one[2].f.exchange);
	loop_run(c.w.loop);
	assert_string_equal(err_name(c.one[0].f.result.rc), "timeout");
	assert_in_range(c.one[0].f.result.waited_ms, 0, 100);
	assert_string_equal(c.one[1].f.result.err.text, "");
	assert_in_range(c.one[1].f.result.waited_ms, 400, 2000);
	assert_in_range(c.one[1].f.result.total_ms, 0, 300);
	assert_int_equal(c.one[2].f.done, 0);
	crowd_end(&c);
}

static void raised_while_it_runs(void **state)
{
	(void)state;
	static struct crowd c;
	struct http_stat st;
	crowd_begin(&c, &(struct http_limits){ .transfers = 1 }, 3);
	for (int i = 0; i < 3; i++)
		ask(&c, i, i, "/drip");
	run_for(&c.w, 100);
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.running, 1);
	http_client_limit(c.w.client, &(struct http_limits){ .transfers = 2 });
	run_for(&c.w, 100);
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.running, 2);
	for (int i = 0; i < 3; i++)
		http_cancel(c.one[i].f.exchange);
	crowd_end(&c);
}

/* A connection that nobody uses goes: with its origin, or by its age. */
static void idle_connections_go(void **state)
{
	(void)state;
	static struct crowd c;
	struct http_stat st;
	crowd_begin(&c, &(struct http_limits){ .idle_ms = 300 }, 3);
	for (int i = 0; i < 3; i++)
		ask(&c, i, i, "/ok/100");
	loop_run(c.w.loop);
	run_for(&c.w, 100);
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.open, 3);
	assert_int_equal(st.opened, 3);
	http_origin_free(c.o[2]);
	c.o[2] = NULL;
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.open, 2);
	/* Used again in time, so one stays; the other is too old. */
	ask(&c, 3, 0, "/ok/100");
	loop_run(c.w.loop);
	assert_true(c.one[3].f.result.reused);
	run_for(&c.w, 230);
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.open, 1);
	run_for(&c.w, 300);
	http_client_stat(c.w.client, &st);
	assert_int_equal(st.open, 0);
	ask(&c, 4, 0, "/ok/100");
	loop_run(c.w.loop);
	assert_string_equal(c.one[4].f.result.err.text, "");
	assert_false(c.one[4].f.result.reused);
	/* The timer behind it does not keep a loop running. */
	loop_run(c.w.loop);
	crowd_end(&c);
}

/* Connections that never came about are not counted for ever. */
static void failed_ones_are_not_counted(void **state)
{
	(void)state;
	struct world w;
	struct fetch f = { 0 };
	struct http_stat st;
	struct http_origin *o = world_begin_at(&w, "http://127.0.0.1:1");
	fetch(&w, o, "/", &f);
	assert_string_equal(err_name(f.result.rc), "connect");
	http_client_stat(w.client, &st);
	assert_int_equal(st.open, 0);
	assert_int_equal(st.opened, 1);
	memset(&f, 0, sizeof(f));
	struct http_origin *far = lax_origin(&w, "http://192.0.2.1");
	struct http_request r = request("/", &f);
	r.connect_ms = 100;
	fetch_request(&w, far, &r, &f);
	http_client_stat(w.client, &st);
	assert_int_equal(st.open, 0);
	http_origin_free(far);
	world_end(&w);
}

static void no_descriptors(void **state)
{
	(void)state;
	static struct crowd c;
	struct rlimit was, low;
	int taken[256], n = 0;
	char by_name[64];
	crowd_begin(&c, &(struct http_limits){ 0 }, ORIGINS);
	ask(&c, 0, 0, "/ok/100");
	loop_run(c.w.loop);
	getrlimit(RLIMIT_NOFILE, &was);
	low = was;
	low.rlim_cur = 200;
	setrlimit(RLIMIT_NOFILE, &low);
	while (n < 256 && (taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	for (int i = 1; i < 10; i++)
		ask(&c, i, i, "/ok/100");
	snprintf(by_name, sizeof(by_name), "http://localhost:%d", liar_port(plain_server));
	struct http_origin *named = lax_origin(&c.w, by_name);
	struct http_request r = asked(&c, &c.one[11], "/ok/100");
	fetch_start(&c.w, named, &r, &c.one[11].f);
	c.expected++;
	loop_run(c.w.loop);
	while (n)
		close(taken[--n]);
	setrlimit(RLIMIT_NOFILE, &was);
	for (int i = 1; i < 10; i++) {
		assert_string_equal(err_name(c.one[i].f.result.rc), "connect");
		assert_int_equal(err_class(c.one[i].f.result.rc), ERR_CLASS_RETRY);
		assert_non_null(strstr(c.one[i].f.result.err.text, "no file descriptor is left"));
	}
	print_message("%s\n%s\n", c.one[1].f.result.err.text, c.one[11].f.result.err.text);
	assert_int_equal(err_class(c.one[11].f.result.rc), ERR_CLASS_RETRY);
	http_origin_free(named);
	ask(&c, 10, 5, "/ok/100");
	loop_run(c.w.loop);
	assert_string_equal(c.one[10].f.result.err.text, "");
	crowd_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_at_once),
		cmocka_unit_test(origins_take_turns),
		cmocka_unit_test(time_begins_with_the_turn),
		cmocka_unit_test(raised_while_it_runs),
		cmocka_unit_test(idle_connections_go),
		cmocka_unit_test(failed_ones_are_not_counted),
		cmocka_unit_test(no_descriptors),
	};
	return cmocka_run_group_tests_name("net/turns", tests, server_begin, server_end);
}
