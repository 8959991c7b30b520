/* The life of exchanges: cancelled in every phase, many at once, addresses
 * checked on connections that are reused, started from callbacks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "unit/net/fetch.h"
#include "unit/net/liar.h"

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

static void cancel_in_every_phase(void **state)
{
	(void)state;
	static const struct {
		const char *url, *path;
		int turn_ms; /* -1: before the loop ran at all */
	} rows[] = { { NULL, "/ok/10", -1 },
		     { NULL, "/silent", 0 },
		     { NULL, "/silent", 50 },
		     { NULL, "/drip", 100 },
		     { NULL, "/endless", 50 },
		     { NULL, "/interim", 120 },
		     { "http://nonexistent.invalid", "/", 0 },
		     { "http://192.0.2.1", "/", 50 } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct fetch f = { 0 };
		world_begin(&w);
		struct http_origin *o = lax_origin(&w, rows[i].url ? rows[i].url : liar_url(plain_server));
		struct http_request r = request(rows[i].path, &f);
		r.max_body_bytes = UINT64_MAX / 2;
		fetch_start(&w, o, &r, &f);
		if (rows[i].turn_ms >= 0)
			run_for(&w, (uint64_t)rows[i].turn_ms);
		if (f.exchange)
			http_cancel(f.exchange);
		else if (!rows[i].url)
			fail_msg("%s: %s", rows[i].path, f.result.err.text);
		int done = f.done;
		http_origin_free(o);
		run_for(&w, 20);
		assert_int_equal(f.done, done);
		world_end(&w);
	}
}

struct pair {
	struct fetch mine, *other;
	struct http_origin *others_origin;
	int cancelled;
};

static int cancel_the_other(void *arg, long status, const void *data, size_t n)
{
	struct pair *p = arg;
	(void)status;
	(void)data;
	(void)n;
	if (!p->cancelled++) {
		http_cancel(p->other->exchange);
		http_origin_free(p->others_origin);
	}
	return OK;
}

static void pair_done(void *arg, const struct http_result *r)
{
	struct pair *p = arg;
	p->mine.done++;
	p->mine.result = *r;
	loop_stop(p->mine.loop);
}

static void cancelled_from_anothers_body(void **state)
{
	(void)state;
	struct world w;
	struct fetch other = { 0 };
	struct pair p = { .other = &other };
	struct http_origin *o = world_begin_at(&w, liar_url(plain_server));
	p.others_origin = lax_origin(&w, liar_url(plain_server));
	struct http_request r = request("/silent", &other);
	fetch_start(&w, p.others_origin, &r, &other);
	run_for(&w, 30);
	struct http_request mine = request("/ok/100000", &p.mine);
	mine.on_body = cancel_the_other;
	mine.on_done = pair_done;
	mine.arg = &p;
	fetch_start(&w, o, &mine, &p.mine);
	loop_run(w.loop);
	assert_int_equal(p.mine.done, 1);
	assert_int_equal(p.mine.result.rc, OK);
	assert_true(p.cancelled > 0);
	assert_int_equal(other.done, 0);
	world_end(&w);
}

struct chain {
	struct fetch f;
	struct http_origin *o;
	int left;
	bool from_body, started;
};

static void chain_next(struct chain *c);

static int chain_body(void *arg, long status, const void *data, size_t n)
{
	struct chain *c = arg;
	(void)status;
	(void)data;
	(void)n;
	if (c->from_body && !c->started) {
		c->started = true;
		if (c->left)
			chain_next(c);
	}
	return OK;
}

static void chain_done(void *arg, const struct http_result *r)
{
	struct chain *c = arg;
	assert_int_equal(r->rc, OK);
	c->f.done++;
	if (c->left && !c->from_body)
		chain_next(c);
	else if (!c->left && c->f.done == 10)
		loop_stop(c->f.loop);
}

static void chain_next(struct chain *c)
{
	struct http_request r = request("/ok/30000", &c->f);
	int before = c->f.done;
	r.on_body = chain_body;
	r.on_done = chain_done;
	r.arg = c;
	c->left--;
	c->started = false;
	assert_int_equal(http_start(&c->f.exchange, c->o, &r, NULL), OK);
	assert_int_equal(c->f.done, before);
}

static void started_from_callbacks(void **state)
{
	(void)state;
	for (int from_body = 0; from_body < 2; from_body++) {
		struct world w;
		struct chain c = { .left = 10, .from_body = from_body };
		c.o = world_begin_at(&w, liar_url(plain_server));
		c.f.loop = w.loop;
		chain_next(&c);
		loop_run(w.loop);
		assert_int_equal(c.f.done, 10);
		world_end(&w);
	}
}

enum { MANY = 304 };

static void count_done(void *arg, const struct http_result *r)
{
	struct fetch *f = arg;
	static int ended;
	f->done++;
	f->result = *r;
	if (++ended % MANY == 0)
		loop_stop(f->loop);
}

static void many_at_once(void **state)
{
	(void)state;
	static struct fetch f[MANY];
	struct http_origin *o[MANY];
	struct world w;
	world_begin(&w);
	struct liar *own = liar_start(LIAR_PLAIN);
	for (int round = 0; round < 2; round++) {
		memset(f, 0, sizeof(f));
		for (int i = 0; i < MANY; i++) {
			struct http_request r = request(i % 3 ? "/ok/20000" : "/chunked/20000", &f[i]);
			r.on_done = count_done;
			if (!round)
				o[i] = lax_origin(&w, liar_url(own));
			fetch_start(&w, o[i], &r, &f[i]);
		}
		loop_run(w.loop);
		for (int i = 0; i < MANY; i++) {
			assert_string_equal(f[i].result.err.text, "");
			assert_int_equal(f[i].done, 1);
			assert_int_equal(f[i].bytes, 20000);
			assert_false(f[i].wrong);
		}
	}
	assert_true(liar_connections(own) <= MANY);
	/* All of them cancelled half-way. */
	memset(f, 0, sizeof(f));
	for (int i = 0; i < MANY; i++) {
		struct http_request r = request("/drip", &f[i]);
		fetch_start(&w, o[i], &r, &f[i]);
	}
	run_for(&w, 100);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(f[i].done, 0);
		http_cancel(f[i].exchange);
		http_origin_free(o[i]);
	}
	world_end(&w);
	liar_stop(own);
}

static void private_addresses_are_refused(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	char by_name[64];
	world_begin(&w);
	snprintf(by_name, sizeof(by_name), "http://localhost:%d", liar_port(plain_server));
	const char *const urls[] = { liar_url(plain_server), by_name, "http://[::ffff:127.0.0.1]:1",
				     "http://169.254.169.254", "http://0x7f000001:1" };
	unsigned before = liar_requests(plain_server);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_origin_options opt = lax_options(urls[i]);
		opt.allow_private = false;
		struct http_origin *o = origin(&w, &opt);
		fetch(&w, o, "/ok/1", &f);
		print_message("%s\n", f.result.err.text);
		assert_string_equal(err_name(f.result.rc), "address");
		assert_non_null(strstr(f.result.err.text, "allow_private"));
		http_origin_free(o);
	}
	/* One origin may, and leaves its connection to one that may not. */
	struct http_origin_options opt = lax_options(liar_url(plain_server));
	struct http_origin *may = origin(&w, &opt);
	opt.allow_private = false;
	struct http_origin *may_not = origin(&w, &opt);
	fetch(&w, may, "/ok/1", &f);
	assert_int_equal(f.result.rc, OK);
	fetch(&w, may_not, "/ok/1", &f);
	assert_string_equal(err_name(f.result.rc), "address");
	assert_non_null(strstr(f.result.err.text, "127.0.0.1"));
	assert_int_equal(liar_requests(plain_server), before + 1);
	http_origin_free(may);
	http_origin_free(may_not);
	world_end(&w);
}

/* The n-th allocation of ours fails: an answer or an error comes, never both,
 * and nothing is left behind. */
static void without_memory(void **state)
{
	(void)state;
	struct world w;
	world_begin(&w);
	struct http_origin_options opt = lax_options(liar_url(plain_server));
	int failed = 0, rc = E_NOMEM;
	for (unsigned long n = 1; n < 100 && failed + 1 >= (int)n; n++) {
		struct fetch f = { .stop_loop = true, .loop = w.loop };
		struct http_request r = request("/ok/100", &f);
		struct http_origin *o = NULL;
		mem_fail_at(n, 0);
		rc = http_origin_new(&o, w.client, &opt, NULL);
		if (!rc && !(rc = http_start(&f.exchange, o, &r, NULL))) {
			loop_run(w.loop);
			assert_int_equal(f.done, 1);
			rc = f.result.rc;
		}
		mem_fail_at(0, 0);
		if (rc) {
			assert_string_equal(err_name(rc), "nomem");
			failed++;
		}
		http_origin_free(o);
	}
	assert_true(failed > 5);
	assert_int_equal(rc, OK);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cancel_in_every_phase),
		cmocka_unit_test(cancelled_from_anothers_body),
		cmocka_unit_test(started_from_callbacks),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(private_addresses_are_refused),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests_name("net/exchange", tests, server_begin, server_end);
}
