/* Name servers that hang or lie: this program brings its own getaddrinfo(),
 * which curl's lookup threads call instead of the C library's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_lookups.h"
#include "unit/net/fetch.h"

static atomic_int hanging, most_hanging;
static atomic_bool let_go;

static struct addrinfo *address(const char *ip, int port)
{
	struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in));
	struct sockaddr_in *in = (struct sockaddr_in *)(a + 1);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, ip, &in->sin_addr);
	a->ai_family = AF_INET;
	a->ai_socktype = SOCK_STREAM;
	a->ai_addrlen = sizeof(*in);
	a->ai_addr = (struct sockaddr *)in;
	return a;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	(void)hints;
	if (strcmp(name, "inside.example") == 0) {
		*out = address("10.1.2.3", (int)strtol(service, NULL, 10));
		return 0;
	}
	int now = ++hanging;
	if (now > most_hanging)
		most_hanging = now;
	while (!let_go)
		usleep(5000);
	hanging--;
	return EAI_AGAIN;
}

void freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

static void wait_until_none_hangs(void)
{
	let_go = true;
	while (hanging)
		usleep(5000);
	usleep(50000);
	let_go = false;
}

struct ticker {
	struct timer *timer;
	int64_t last_ms, longest_gap_ms;
};

static void tick(void *arg)
{
	struct ticker *t = arg;
	int64_t now = clock_mono_ms();
	if (t->last_ms && now - t->last_ms > t->longest_gap_ms)
		t->longest_gap_ms = now - t->last_ms;
	t->last_ms = now;
	timer_arm(t->timer, 10);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void hanging_name_server_does_not_hold_the_loop(void **state)
{
	(void)state;
	static const struct {
		uint32_t connect_ms, first_byte_ms;
	} rows[] = { { 200, 5000 }, { 5000, 200 } };
	for (size_t i = 0; i < 2; i++) {
		struct world w;
		struct ticker t = { 0 };
		struct fetch f = { 0 };
		struct http_origin *o = world_begin_at(&w, "http://hangs.example");
		struct http_request r = request("/", &f);
		r.connect_ms = rows[i].connect_ms;
		r.first_byte_ms = rows[i].first_byte_ms;
		timer_new(&t.timer, w.loop, tick, &t);
		tick(&t);
		fetch_request(&w, o, &r, &f);
		print_message("%s; longest gap %d ms\n", f.result.err.text, (int)t.longest_gap_ms);
		assert_string_equal(err_name(f.result.rc), "dns");
		assert_non_null(strstr(f.result.err.text, "name server"));
		assert_in_range(f.result.total_ms, 150, 1500);
		assert_in_range(t.longest_gap_ms, 0, 1000);
		assert_true(hanging > 0);
		timer_free(t.timer);
		world_end(&w);
		wait_until_none_hangs();
	}
}

/* Retries against a hanging name server must not collect threads. */
static void lookups_have_a_ceiling(void **state)
{
	(void)state;
	enum { ORIGINS = HTTP_LOOKUPS_MAX + 50 };
	static struct fetch f[ORIGINS];
	struct http_origin *o[ORIGINS];
	struct world w;
	struct timer *stop;
	char url[64];
	world_begin(&w);
	most_hanging = 0;
	for (int i = 0; i < ORIGINS; i++) {
		snprintf(url, sizeof(url), "http://hangs-%d.example", i);
		struct http_origin_options opt = lax_options(url);
		o[i] = origin(&w, &opt);
	}
	timer_new(&stop, w.loop, stop_loop, w.loop);
	for (int round = 0; round < 2; round++) {
		memset(f, 0, sizeof(f));
		for (int i = 0; i < ORIGINS; i++) {
			struct http_request r = request("/", &f[i]);
			r.first_byte_ms = r.connect_ms = 300;
			fetch_start(&w, o[i], &r, &f[i]);
		}
		timer_arm(stop, 1500);
		loop_run(w.loop);
		for (int i = 0; i < ORIGINS; i++) {
			assert_int_equal(f[i].done, 1);
			assert_string_equal(err_name(f[i].result.rc), "dns");
		}
	}
	print_message("lookups at once: %d\n", most_hanging);
	assert_int_equal(most_hanging, HTTP_LOOKUPS_MAX);
	for (int i = 0; i < ORIGINS; i++)
		http_origin_free(o[i]);
	timer_free(stop);
	world_end(&w);
	wait_until_none_hangs();
}

static void cancelled_while_it_hangs(void **state)
{
	(void)state;
	struct world w;
	struct fetch f = { 0 };
	struct timer *stop;
	world_begin(&w);
	struct http_origin_options opt = lax_options("http://hangs.example");
	struct http_origin *o = origin(&w, &opt);
	struct http_request r = request("/", &f);
	timer_new(&stop, w.loop, stop_loop, w.loop);
	fetch_start(&w, o, &r, &f);
	timer_arm(stop, 100);
	loop_run(w.loop);
	assert_int_equal(hanging, 1);
	int64_t before = clock_mono_ms();
	http_cancel(f.exchange);
	http_origin_free(o);
	timer_free(stop);
	world_end(&w);
	assert_in_range(clock_mono_ms() - before, 0, 1000);
	assert_int_equal(f.done, 0);
	wait_until_none_hangs();
}

static void name_that_points_inside(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	world_begin(&w);
	struct http_origin_options opt = lax_options("https://inside.example");
	opt.allow_private = false;
	struct http_origin *o = origin(&w, &opt);
	fetch(&w, o, "/", &f);
	assert_string_equal(err_name(f.result.rc), "address");
	assert_non_null(strstr(f.result.err.text, "\"10.1.2.3\" of \"inside.example\""));
	http_origin_free(o);
	world_end(&w);
}

static void ceiling_forgets_in_time(void **state)
{
	(void)state;
	struct http_lookups l = { 0 };
	for (int i = 0; i < HTTP_LOOKUPS_MAX; i++) {
		assert_true(http_lookups_free(&l, 1000));
		http_lookups_begin(&l);
	}
	assert_false(http_lookups_free(&l, 1000));
	http_lookups_end(&l, true, 1000);
	assert_false(http_lookups_free(&l, 1000));
	http_lookups_end(&l, false, 1500);
	assert_true(http_lookups_free(&l, 1500));
	http_lookups_begin(&l);
	http_lookups_end(&l, true, 2000);
	assert_false(http_lookups_free(&l, 999 + HTTP_LOOKUP_LEFT_OVER_MS));
	assert_true(http_lookups_free(&l, 1000 + HTTP_LOOKUP_LEFT_OVER_MS));
	assert_int_equal(l.left_over, 1);
	assert_true(http_lookups_free(&l, 2000 + HTTP_LOOKUP_LEFT_OVER_MS));
	assert_int_equal(l.left_over, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hanging_name_server_does_not_hold_the_loop),
		cmocka_unit_test(lookups_have_a_ceiling),
		cmocka_unit_test(cancelled_while_it_hangs),
		cmocka_unit_test(name_that_points_inside),
		cmocka_unit_test(ceiling_forgets_in_time),
	};
	return cmocka_run_group_tests_name("net/resolver", tests, NULL, NULL);
}
