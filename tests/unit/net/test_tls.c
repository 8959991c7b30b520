/* Certificates: which are taken, and what a person reads about the others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "unit/net/fetch.h"
#include "unit/net/liar.h"

struct row {
	enum liar_certificate kind;
	bool with_ca, with_client;
	int rc;
	const char *text[3];
};

static const struct row rows[] = {
	{ LIAR_GOOD, true, false, OK, { NULL } },
	{ LIAR_GOOD, false, false, E_TLS, { "issuer", "set ca_file", "/etc/ssl/certs/ca-certificates.crt" } },
	{ LIAR_EXPIRED, true, false, E_TLS, { "has expired", "127.0.0.1" } },
	{ LIAR_NOT_YET, true, false, E_TLS, { "not valid yet", "clocks" } },
	{ LIAR_SELF_SIGNED, true, false, E_TLS, { "self-signed", "ca_file" } },
	{ LIAR_SELF_SIGNED, false, false, E_TLS, { "self-signed" } },
	{ LIAR_WRONG_NAME,
	  true,
	  false,
	  E_TLS,
	  { "other names than \"127.0.0.1\"", "DNS:other.example", "DNS:www.other.example" } },
	{ LIAR_WANTS_CLIENT, true, false, E_TLS, { "client certificate", "client_cert" } },
	{ LIAR_WANTS_CLIENT, true, true, OK, { NULL } },
};

static void every_certificate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct liar *server = liar_start(r->kind);
		struct http_origin_options opt = lax_options(liar_url(server));
		struct world w;
		struct fetch f;
		world_begin(&w);
		opt.ca_file = r->with_ca ? liar_ca_file() : NULL;
		if (r->with_client)
			opt.client_cert = opt.client_key = liar_client_file();
		struct http_origin *o = origin(&w, &opt);
		fetch(&w, o, "/ok/100000", &f);
		print_message("%zu: %s\n", i, f.result.err.text);
		assert_string_equal(err_name(f.result.rc), err_name(r->rc));
		for (int k = 0; k < 3 && r->text[k]; k++)
			assert_non_null(strstr(f.result.err.text, r->text[k]));
		assert_int_equal(f.bytes, r->rc ? 0 : 100000);
		/* The token does not leave before the certificate is accepted. */
		assert_int_equal(liar_requests(server), r->rc ? 0 : 1);
		http_origin_free(o);
		world_end(&w);
		liar_stop(server);
	}
}

static void tls_to_a_plain_port(void **state)
{
	(void)state;
	struct liar *server = liar_start(LIAR_PLAIN);
	char url[64];
	struct world w;
	struct fetch f;
	snprintf(url, sizeof(url), "https://localhost:%d", liar_port(server));
	struct http_origin *o = world_begin_at(&w, url);
	fetch(&w, o, "/ok/1", &f);
	assert_string_equal(err_name(f.result.rc), "tls");
	assert_non_null(strstr(f.result.err.text, "does not speak TLS"));
	world_end(&w);
	liar_stop(server);
}

/* Ten connections with two CA files in turn: 20 ms each without curl's cache. */
static void two_ca_files_are_both_cached(void **state)
{
	(void)state;
	struct liar *server = liar_start(LIAR_GOOD);
	struct world w;
	struct fetch f;
	world_begin(&w);
	struct http_origin_options opt = lax_options(liar_url(server));
	struct http_origin *system_ca = origin(&w, &opt);
	opt.ca_file = liar_ca_file();
	struct http_origin *own_ca = origin(&w, &opt);
	int64_t quickest_us = INT64_MAX, first_us = 0;
	for (int i = 0; i < 10; i++) {
		int64_t before = clock_mono_ns();
		fetch(&w, system_ca, "/ok/1", &f);
		int64_t us = (clock_mono_ns() - before) / 1000;
		assert_int_equal(f.result.rc, E_TLS);
		if (!i)
			first_us = us;
		else if (us < quickest_us)
			quickest_us = us;
		fetch(&w, own_ca, "/ok/1", &f);
		assert_int_equal(f.result.rc, OK);
	}
	print_message("first handshake %lld us, quickest later %lld us\n", (long long)first_us,
		      (long long)quickest_us);
	if (first_us > 15000)
		assert_true(quickest_us < first_us / 2);
	http_origin_free(system_ca);
	http_origin_free(own_ca);
	world_end(&w);
	liar_stop(server);
}

static void kept_over_tls(void **state)
{
	(void)state;
	struct liar *server = liar_start(LIAR_GOOD);
	struct world w;
	struct fetch f;
	world_begin(&w);
	struct http_origin_options opt = lax_options(liar_url(server));
	opt.ca_file = liar_ca_file();
	struct http_origin *o = origin(&w, &opt);
	for (int i = 0; i < 10; i++) {
		fetch(&w, o, "/ok/3000000", &f);
		assert_string_equal(f.result.err.text, "");
		assert_false(f.wrong);
		assert_int_equal(f.bytes, 3000000);
	}
	assert_int_equal(liar_connections(server), 1);
	static const char *const cuts[] = { "/cut-length", "/cut-chunked", "/half-header" };
	for (int i = 0; i < 3; i++) {
		fetch(&w, o, cuts[i], &f);
		assert_string_equal(err_name(f.result.rc), "truncated");
	}
	http_origin_free(o);
	world_end(&w);
	liar_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_certificate),
		cmocka_unit_test(tls_to_a_plain_port),
		cmocka_unit_test(two_ca_files_are_both_cached),
		cmocka_unit_test(kept_over_tls),
	};
	return cmocka_run_group_tests_name("net/tls", tests, NULL, NULL);
}
