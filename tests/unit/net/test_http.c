/* Answers of a server over plain http: what is delivered, what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/net/fetch.h"
#include "unit/net/liar.h"

struct answer {
	const char *path;
	int rc;
	long status;
	int64_t bytes; /* -1: any */
	const char *text;
};

static const struct answer answers[] = {
	{ "/ok/0", OK, 200, 0, NULL },
	{ "/ok/1", OK, 200, 1, NULL },
	{ "/ok/5000000", OK, 200, 5000000, NULL },
	{ "/chunked/0", OK, 200, 0, NULL },
	{ "/chunked/3000000", OK, 200, 3000000, NULL },
	{ "/status/404", OK, 404, 2, NULL },
	{ "/status/401", OK, 401, 2, NULL },
	{ "/status/500", OK, 500, 2, NULL },
	{ "/redirect", OK, 302, 0, NULL },
	{ "/gzip-error", OK, 502, 2, NULL },
	{ "/cut-length", E_TRUNCATED, 200, 1000, "cut short" },
	{ "/cut-chunked", E_TRUNCATED, 200, 1000, "cut short" },
	{ "/bad-chunk", E_SYNTAX, 200, 0, "chunks" },
	{ "/nothing", E_CONNECT, 0, 0, "without an answer" },
	{ "/garbage", E_NOT_FLEET, 0, 0, "HTTP" },
	{ "/half-header", E_TRUNCATED, 200, 0, "cut short" },
	{ "/gzip", E_SYNTAX, 200, 0, "encoded as \"gzip\"" },
	{ "/headers", E_LIMIT, 200, 0, "header" },
};

static void every_answer(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	struct http_origin *o = world_begin_at(&w, liar_url(plain_server));
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer *a = &answers[i];
		fetch(&w, o, a->path, &f);
		print_message("%s: %d %ld %llu \"%s\"\n", a->path, f.result.rc, f.result.status,
			      (unsigned long long)f.bytes, f.result.err.text);
		assert_string_equal(err_name(f.result.rc), err_name(a->rc));
		assert_int_equal(f.result.status, a->status);
		if (a->bytes >= 0)
			assert_int_equal(f.bytes, a->bytes);
		assert_int_equal(f.result.body_bytes, f.bytes);
		if (a->bytes > 2)
			assert_false(f.wrong);
		if (a->text)
			assert_non_null(strstr(f.result.err.text, a->text));
		assert_null(strstr(f.result.err.text, "secret"));
	}
	world_end(&w);
}

static void headers_are_kept(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		int64_t seconds;
	} rows[] = { { "/retry/7", 7 },
		     { "/retry/0", 0 },
		     { "/retry/99999999999999999999", INT64_MAX / 100 },
		     { "/retry/Sun,_06_Nov_1994_08:50:37_GMT", 60 },
		     { "/retry/Sun,_06_Nov_1994_08:40:00_GMT", 0 },
		     { "/retry/soon", -1 },
		     { "/status/503", -1 } };
	struct world w;
	struct fetch f;
	struct http_origin *o = world_begin_at(&w, liar_url(plain_server));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch(&w, o, rows[i].path, &f);
		if (rows[i].seconds == INT64_MAX / 100)
			assert_true(f.result.retry_after_s >= INT64_MAX / 1000);
		else
			assert_int_equal(f.result.retry_after_s, rows[i].seconds);
	}
	fetch(&w, o, "/retry/1", &f);
	assert_int_equal(f.result.server_date, 784111777);
	fetch(&w, o, "/ok/3", &f);
	assert_string_equal(f.result.content_type, "application/json");
	assert_true(f.result.reused);
	fetch(&w, o, "/redirect", &f);
	assert_string_equal(f.result.location, "https://login.example/sso");
	world_end(&w);
}

static void request_as_sent(void **state)
{
	(void)state;
	static const char *const extra[] = { "X-Proxy-Key: 17", NULL };
	struct world w;
	struct fetch f;
	world_begin(&w);
	struct http_origin_options opt = lax_options(liar_url(plain_server));
	opt.headers = extra;
	struct http_origin *o = origin(&w, &opt);
	fetch(&w, o, "/echo", &f);
	assert_memory_equal(f.text, "GET /echo HTTP/1.1\r\n", 20);
	assert_non_null(strstr(f.text, "\r\nAuthorization: Bearer secret-token\r\n"));
	assert_non_null(strstr(f.text, "\r\nX-Proxy-Key: 17\r\n"));
	assert_non_null(strstr(f.text, "\r\nUser-Agent: muster/" MUSTER_VERSION "\r\n"));
	assert_non_null(strstr(f.text, "\r\nAccept-Encoding: identity\r\n"));
	memset(&f, 0, sizeof(f));
	struct http_request r = request("/echo", &f);
	r.method = "POST";
	fetch_request(&w, o, &r, &f);
	assert_memory_equal(f.text, "POST /echo HTTP/1.1\r\n", 21);
	assert_non_null(strstr(f.text, "\r\nContent-Length: 0\r\n"));
	assert_false(f.result.reused);
	http_origin_free(o);
	world_end(&w);
}

static void body_has_a_ceiling(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		uint64_t max;
		int rc;
	} rows[] = { { "/ok/1000", 1000, OK },       { "/ok/1000", 999, E_LIMIT },
		     { "/chunked/1000", 1000, OK },  { "/chunked/1000", 999, E_LIMIT },
		     { "/long", 1u << 20, E_LIMIT }, { "/endless", 1u << 20, E_LIMIT } };
	struct world w;
	struct http_origin *o = world_begin_at(&w, liar_url(plain_server));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fetch f = { 0 };
		struct http_request r = request(rows[i].path, &f);
		r.max_body_bytes = rows[i].max;
		fetch_request(&w, o, &r, &f);
		assert_string_equal(err_name(f.result.rc), err_name(rows[i].rc));
		assert_true(f.bytes <= rows[i].max);
	}
	world_end(&w);
}

/* The last transfer of the loop: its time-out shows only in curl's messages. */
static void limits_of_time(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		uint32_t first_byte_ms, total_ms;
		long status;
		const char *text;
	} rows[] = { { "/silent", 150, 5000, 0, "within 150 ms" },
		     { "/silent", 0, 200, 0, "within 200 ms" },
		     { "/interim", 250, 5000, 0, "within 250 ms" },
		     { "/drip", 150, 400, 200, "did not end within 400 ms" },
		     { "/drip", 0, 300, 200, "did not end within 300 ms" },
		     { "/long", 100, 200, 200, "0 bytes had come" } };
	struct world w;
	struct http_origin *o = world_begin_at(&w, liar_url(plain_server));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fetch f = { 0 };
		struct http_request r = request(rows[i].path, &f);
		r.max_body_bytes = 2u << 30;
		r.first_byte_ms = rows[i].first_byte_ms;
		r.total_ms = rows[i].total_ms;
		fetch_request(&w, o, &r, &f);
		print_message("%s: %s\n", rows[i].path, f.result.err.text);
		assert_string_equal(err_name(f.result.rc), "timeout");
		assert_int_equal(f.result.status, rows[i].status);
		assert_non_null(strstr(f.result.err.text, rows[i].text));
		assert_in_range(f.result.total_ms, 100, 2000);
	}
	world_end(&w);
}

static void reader_may_refuse(void **state)
{
	(void)state;
	struct world w;
	struct http_origin *o = world_begin_at(&w, liar_url(plain_server));
	struct fetch f = { .answer = E_INBAND };
	struct http_request r = request("/ok/1000000", &f);
	fetch_request(&w, o, &r, &f);
	assert_int_equal(f.result.rc, E_INBAND);
	assert_true(f.bytes < 1000000);
	world_end(&w);
}

/* Curl itself asks again on a new connection, but only for reading. */
static void reset_before_the_first_byte(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	struct liar *own = liar_start(LIAR_PLAIN);
	struct http_origin *o = world_begin_at(&w, liar_url(own));
	for (int i = 0; i < 3; i++) {
		fetch(&w, o, "/once-then-reset", &f);
		assert_string_equal(f.result.err.text, "");
		assert_int_equal(f.bytes, 5);
	}
	assert_int_equal(liar_connections(own), 3);
	assert_int_equal(liar_requests(own), 5);
	memset(&f, 0, sizeof(f));
	struct http_request r = request("/nothing", &f);
	r.method = "POST";
	fetch_request(&w, o, &r, &f);
	assert_string_equal(err_name(f.result.rc), "connect");
	assert_int_equal(liar_requests(own), 6);
	world_end(&w);
	liar_stop(own);
}

static void connection_is_kept(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	struct liar *own = liar_start(LIAR_PLAIN);
	struct http_origin *o = world_begin_at(&w, liar_url(own));
	for (int i = 0; i < 20; i++) {
		fetch(&w, o, "/ok/70000", &f);
		assert_int_equal(f.result.rc, OK);
		assert_int_equal(f.result.reused, i > 0);
	}
	assert_int_equal(liar_connections(own), 1);
	world_end(&w);
	liar_stop(own);
}

static void environment_decides_nothing(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	world_begin(&w);
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("all_proxy", "http://127.0.0.1:1/", 1);
	struct http_origin_options opt = lax_options(liar_url(plain_server));
	struct http_origin *o = origin(&w, &opt);
	fetch(&w, o, "/ok/10", &f);
	assert_string_equal(f.result.err.text, "");
	http_origin_free(o);

	/* The operator's proxy is used, whatever no_proxy says. */
	setenv("no_proxy", "*", 1);
	opt = lax_options("http://fleet.example");
	opt.allow_private = false;
	opt.proxy = liar_url(plain_server);
	o = origin(&w, &opt);
	fetch(&w, o, "/ok/10", &f);
	assert_string_equal(f.result.err.text, "");
	assert_int_equal(f.bytes, 10);
	http_origin_free(o);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("no_proxy");
	world_end(&w);
}

static void nobody_there(void **state)
{
	(void)state;
	struct world w;
	struct fetch f;
	struct liar *gone = liar_start(LIAR_PLAIN);
	char url[64];
	snprintf(url, sizeof(url), "%s", liar_url(gone));
	liar_stop(gone);
	struct http_origin *o = world_begin_at(&w, url);
	fetch(&w, o, "/ok/1", &f);
	assert_string_equal(err_name(f.result.rc), "connect");
	assert_non_null(strstr(f.result.err.text, "Connection refused"));

	o = lax_origin(&w, "http://nonexistent.invalid");
	fetch(&w, o, "/", &f);
	assert_string_equal(err_name(f.result.rc), "dns");
	assert_non_null(strstr(f.result.err.text, "nonexistent.invalid"));
	http_origin_free(o);
	world_end(&w);
}

static void origins_refused(void **state)
{
	(void)state;
	static const char *const breaks[] = { "X: a\r\nY: b", NULL }, *const nameless[] = { ": b", NULL };
	const struct {
		struct http_origin_options opt;
		int rc;
	} rows[] = {
		{ { .url = "http://fleet.example", .token = "t" }, E_CONFIG },
		{ { .url = "ftp://fleet.example", .token = "t" }, E_CONFIG },
		{ { .url = "fleet.example", .token = "t" }, E_CONFIG },
		{ { .url = "https://me:pw@fleet.example", .token = "t" }, E_CONFIG },
		{ { .url = "https://", .token = "t" }, E_CONFIG },
		{ { .url = "https://fleet.example", .token = "a\nb" }, E_TOKEN },
		{ { .url = "https://fleet.example", .token = "a b" }, E_TOKEN },
		{ { .url = "https://fleet.example", .token = "t", .headers = breaks }, E_CONFIG },
		{ { .url = "https://fleet.example", .token = "t", .headers = nameless }, E_CONFIG },
		{ { .url = "https://fleet.example", .token = "t", .ca_file = "/nonexistent/ca.pem" },
		  E_CONFIG },
		{ { .url = "https://fleet.example", .token = "t" }, OK },
	};
	struct world w;
	world_begin(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_origin_options opt = rows[i].opt;
		struct http_origin *o = NULL;
		struct err e = { 0 };
		opt.name = "acme";
		assert_int_equal(http_origin_new(&o, w.client, &opt, &e), rows[i].rc);
		assert_int_equal(e.code, rows[i].rc);
		assert_int_equal(rows[i].rc != OK, o == NULL);
		assert_null(strstr(e.text, "pw"));
		http_origin_free(o);
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer),
		cmocka_unit_test(headers_are_kept),
		cmocka_unit_test(request_as_sent),
		cmocka_unit_test(body_has_a_ceiling),
		cmocka_unit_test(limits_of_time),
		cmocka_unit_test(reader_may_refuse),
		cmocka_unit_test(reset_before_the_first_byte),
		cmocka_unit_test(connection_is_kept),
		cmocka_unit_test(environment_decides_nothing),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(origins_refused),
	};
	return cmocka_run_group_tests_name("net/http", tests, server_begin, server_end);
}
