#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/doctor_findings.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1800000000, DAY = 86400 };

static const struct conf_tenant tenant = { .name = "acme",
					   .url = "https://fleet.example",
					   .token = "0123456789012345678901234567",
					   .token_bytes = 28 };

static void check(const struct doctor_finding *f, enum doctor_step step, enum doctor_verdict verdict,
		  const char *saw, const char *remedy)
{
	bool fine = f->step == step && f->verdict == verdict && strstr(f->saw, saw) &&
		    (remedy ? strstr(f->remedy, remedy) != NULL : !f->remedy[0]);
	if (!fine)
		fail_msg("%s %s: saw \"%s\", remedy \"%s\"; expected %s, \"%s\", \"%s\"",
			 doctor_step_name(f->step), doctor_verdict_name(f->verdict), f->saw, f->remedy,
			 doctor_verdict_name(verdict), saw, remedy ? remedy : "");
}

/* ---- the way ---- */

static struct reach_result good_way(void)
{
	struct reach_result r = { .host = "fleet.example",
				  .port = 443,
				  .tls = true,
				  .addresses = 1,
				  .connected = 0,
				  .protocol = "TLSv1.3",
				  .verify_text = "",
				  .name_matches = true,
				  .certificates = 2,
				  .names = 1 };
	snprintf(r.address[0].ip, sizeof(r.address[0].ip), "192.0.2.7");
	snprintf(r.name[0], sizeof(r.name[0]), "fleet.example");
	r.verify.tried = true;
	for (int i = 0; i < 2; i++) {
		r.chain[i].not_before = NOW - 10 * DAY;
		r.chain[i].not_after = NOW + 90 * DAY;
		snprintf(r.chain[i].subject, sizeof(r.chain[i].subject), "CN=level %d", i);
		snprintf(r.chain[i].issuer, sizeof(r.chain[i].issuer), "CN=level %d", i + 1);
	}
	return r;
}

static void change_nothing(struct reach_result *r)
{
	(void)r;
}

static void change_refused(struct reach_result *r)
{
	r->connected = -1;
	err_set(&r->connect.err, E_CONNECT,
		"\"x\" could not be reached (Connection refused); check the url and that the server runs");
}

static void change_dropped(struct reach_result *r)
{
	r->connected = -1;
	err_set(&r->connect.err, E_CONNECT,
		"no connection to \"x\" within 10000 ms; check the address and the firewall");
}

static void change_no_route(struct reach_result *r)
{
	r->connected = -1;
	err_set(&r->connect.err, E_CONNECT, "\"x\" could not be reached (No route to host); check the url");
}

static void change_one_of_two(struct reach_result *r)
{
	r->addresses = 2;
	r->address[1].connect.tried = true;
	err_set(&r->address[1].connect.err, E_CONNECT, "refused");
}

static void change_soon(struct reach_result *r)
{
	r->chain[0].not_after = NOW + 5 * DAY + 1;
}

static void change_issuer_soon(struct reach_result *r)
{
	r->chain[1].not_after = NOW + 3 * DAY + 1;
}

static void bad(struct reach_result *r, long code)
{
	r->verify_code = code;
	err_set(&r->verify.err, E_TLS, "the certificate of \"x\" uses a key that is too weak; renew it");
}

static void change_expired(struct reach_result *r)
{
	r->chain[0].not_after = NOW - 3 * DAY - 1;
	bad(r, 10);
}

static void change_issuer_expired(struct reach_result *r)
{
	r->chain[1].not_after = NOW - DAY;
	bad(r, 10);
}

static void change_too_early(struct reach_result *r)
{
	r->chain[0].not_before = NOW + DAY;
	bad(r, 9);
}

static void change_unknown(struct reach_result *r)
{
	r->unknown_issuer = true;
	bad(r, 20);
}

static void change_leaf_only(struct reach_result *r)
{
	change_unknown(r);
	r->certificates = 1;
}

static void change_self(struct reach_result *r)
{
	change_leaf_only(r);
	memcpy(r->chain[0].issuer, r->chain[0].subject, sizeof(r->chain[0].issuer));
	bad(r, 18);
}

static void change_name(struct reach_result *r)
{
	r->name_matches = false;
	snprintf(r->name[0], sizeof(r->name[0]), "other.example");
	err_set(&r->verify.err, E_TLS, "another name");
}

static void change_weak(struct reach_result *r)
{
	bad(r, 66);
}

static void change_client(struct reach_result *r)
{
	r->wants_client = true;
}

static void change_client_first(struct reach_result *r)
{
	r->wants_client = true;
	err_set(&r->handshake.err, E_TLS, "refused");
}

static void change_silent(struct reach_result *r)
{
	err_set(&r->handshake.err, E_TIMEOUT, "did not end");
}

static void change_cut(struct reach_result *r)
{
	err_set(&r->handshake.err, E_CONNECT, "the connection was cut during the TLS handshake");
}

static void change_plain(struct reach_result *r)
{
	r->tls = false;
}

static void change_no_name(struct reach_result *r)
{
	r->addresses = 0;
	err_set(&r->resolve.err, E_DNS, "the name \"x\" could not be resolved; check it");
}

static void change_all_private(struct reach_result *r)
{
	r->address[0].refused = "a private address";
	err_set(&r->resolve.err, E_ADDRESS, "refused");
}

static const struct {
	const char *name;
	void (*change)(struct reach_result *r);
	enum doctor_step step; /* the last one that was told, or the one in question */
	enum doctor_verdict verdict;
	const char *saw, *remedy;
} ways[] = {
	{ "name", change_nothing, DOCTOR_NAME, DOCTOR_OK, "192.0.2.7", NULL },
	{ "allowed", change_nothing, DOCTOR_ALLOWED, DOCTOR_OK, "public", NULL },
	{ "tcp", change_nothing, DOCTOR_CONNECTION, DOCTOR_OK, "port 443 answers", NULL },
	{ "tls", change_nothing, DOCTOR_TLS, DOCTOR_OK, "90 days left", NULL },
	{ "no name", change_no_name, DOCTOR_NAME, DOCTOR_FAILED, "could not be resolved", "spelling" },
	{ "private", change_all_private, DOCTOR_ALLOWED, DOCTOR_FAILED, "192.0.2.7 (a private address)",
	  "allow_private" },
	{ "refused", change_refused, DOCTOR_CONNECTION, DOCTOR_FAILED, "refused", "nothing listens" },
	{ "dropped", change_dropped, DOCTOR_CONNECTION, DOCTOR_FAILED, "within", "a firewall drops it" },
	{ "no route", change_no_route, DOCTOR_CONNECTION, DOCTOR_FAILED, "No route", "routes" },
	{ "one of two", change_one_of_two, DOCTOR_CONNECTION, DOCTOR_WARNING, "1 other", "entry" },
	{ "soon", change_soon, DOCTOR_TLS, DOCTOR_WARNING, "5 days left", "renew" },
	{ "issuer soon", change_issuer_soon, DOCTOR_TLS, DOCTOR_WARNING, "3 days left", "renew" },
	{ "expired", change_expired, DOCTOR_TLS, DOCTOR_FAILED, "3 days ago", "renew" },
	{ "issuer expired", change_issuer_expired, DOCTOR_TLS, DOCTOR_FAILED, "CN=level 1 has expired",
	  "renew" },
	{ "too early", change_too_early, DOCTOR_TLS, DOCTOR_FAILED, "1 days from now", "clock" },
	{ "unknown issuer", change_unknown, DOCTOR_TLS, DOCTOR_FAILED, "not known here", "private CA" },
	{ "no chain", change_leaf_only, DOCTOR_TLS, DOCTOR_FAILED, "certificates sent: 1", "intermediate" },
	{ "self-signed", change_self, DOCTOR_TLS, DOCTOR_FAILED, "self-signed", "copy of it" },
	{ "wrong name", change_name, DOCTOR_TLS, DOCTOR_FAILED, "other.example", "fleet.example" },
	{ "weak", change_weak, DOCTOR_TLS, DOCTOR_FAILED, "too weak", "renew it" },
	{ "client wanted", change_client, DOCTOR_TLS, DOCTOR_WARNING, "90 days", "client_cert" },
	{ "client first", change_client_first, DOCTOR_TLS, DOCTOR_FAILED, "refused", "client_cert" },
	{ "silent", change_silent, DOCTOR_TLS, DOCTOR_FAILED, "did not end", "says nothing" },
	{ "cut", change_cut, DOCTOR_TLS, DOCTOR_FAILED, "was cut", "port" },
	{ "plain", change_plain, DOCTOR_TLS, DOCTOR_SKIPPED, "plain http", NULL },
};

static void test_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct reach_result r = good_way();
		struct doctor_finding f[4];
		ways[i].change(&r);
		unsigned n = doctor_see_way(f, &tenant, &r, NOW), at = ways[i].step - DOCTOR_NAME;
		print_message("%s\n", ways[i].name);
		assert_true(at < n);
		assert_int_equal(n, f[n - 1].verdict == DOCTOR_FAILED ? at + 1 : 4);
		check(&f[at], ways[i].step, ways[i].verdict, ways[i].saw, ways[i].remedy);
	}
}

static void test_client_certificate_is_shown_later(void **state)
{
	struct conf_tenant t = tenant;
	struct reach_result r = good_way();
	struct doctor_finding f[4];
	(void)state;
	t.client_cert_pem = "x";
	change_client_first(&r);
	assert_int_equal(doctor_see_way(f, &t, &r, NOW), 4);
	check(&f[3], DOCTOR_TLS, DOCTOR_SKIPPED, "client's certificate", NULL);
	r = good_way();
	change_client(&r);
	doctor_see_way(f, &t, &r, NOW);
	check(&f[3], DOCTOR_TLS, DOCTOR_OK, "90 days", NULL);
}

/* ---- the token ---- */

static void test_refused_tokens(void **state)
{
	static const struct {
		const char *token, *says;
	} rows[] = {
		{ "0123456789012345678901234567", "(28 characters)" },
		{ "Bearer0123456789012345678901234", "\"Bearer\"" },
		{ "0123456789 123456789012345678", "white space" },
		{ "\"0123456789012345678901234567\"", "in quotes" },
		{ "${TOKEN_OF_FLEET_AT_ACME}", "placeholder" },
		{ "short", "shorter" },
		{ "", "empty" },
	};
	struct err e = { 0 };
	struct http_result h = { 0 };
	struct doctor_answer a = { .rc = E_TOKEN, .err = &e, .http = &h, .from_fleet = true };
	struct server_facts s = { 0 };
	struct doctor_finding f;
	(void)state;
	err_set(&e, E_TOKEN, "the server's version: the token was refused; it is wrong");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct conf_tenant t = tenant;
		t.token = rows[i].token;
		t.token_bytes = strlen(t.token);
		doctor_see_token(&f, &t, &a, &s);
		check(&f, DOCTOR_TOKEN, DOCTOR_FAILED, rows[i].says, "API-only");
		if (t.token_bytes > 8)
			assert_null(strstr(f.saw, rows[i].token));
	}
}

static void test_roles(void **state)
{
	static const struct {
		struct server_facts facts;
		enum doctor_verdict verdict;
		const char *saw, *remedy;
	} rows[] = {
		{ { .scope = SCOPE_GLOBAL, .role = "observer" }, DOCTOR_OK, "sees all hosts", NULL },
		{ { .scope = SCOPE_GLOBAL, .role = "observer_plus" }, DOCTOR_OK, "sees all hosts", NULL },
		{ { .scope = SCOPE_GLOBAL, .role = "admin" }, DOCTOR_OK, "would be enough", NULL },
		{ { .scope = SCOPE_GLOBAL, .role = "gitops" }, DOCTOR_FAILED, "gitops", "observer" },
		{ { .scope = SCOPE_TEAMS, .role = "observer", .teams = "2:observer" },
		  DOCTOR_WARNING,
		  "2:observer",
		  "global role" },
		{ { .scope = SCOPE_NONE }, DOCTOR_FAILED, "no role", "observer" },
		{ { .scope = SCOPE_UNKNOWN }, DOCTOR_WARNING, "unknown", "/me" },
	};
	struct doctor_finding f;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		doctor_see_role(&f, &rows[i].facts);
		check(&f, DOCTOR_ROLE, rows[i].verdict, rows[i].saw, rows[i].remedy);
	}
}

/* ---- the server ---- */

static void test_clock(void **state)
{
	struct doctor_finding f;
	(void)state;
	doctor_see_clock(&f, NOW + 60, NOW);
	check(&f, DOCTOR_CLOCK, DOCTOR_OK, "60 s ahead of", NULL);
	doctor_see_clock(&f, NOW - 61, NOW);
	check(&f, DOCTOR_CLOCK, DOCTOR_WARNING, "61 s behind", "time server");
	doctor_see_clock(&f, 0, NOW);
	check(&f, DOCTOR_CLOCK, DOCTOR_SKIPPED, "tell no time", NULL);
}

static void test_licence(void **state)
{
	struct http_result h = { 0 };
	struct err e = { .code = E_FORBIDDEN, .text = "no" };
	struct doctor_answer a = { .err = &e, .http = &h };
	struct server_facts s = { .tier = "premium", .premium = true };
	struct doctor_finding f;
	(void)state;
	doctor_see_licence(&f, &a, &s, NOW + 31 * DAY, NOW);
	check(&f, DOCTOR_LICENCE, DOCTOR_OK, "premium, until 20", NULL);
	doctor_see_licence(&f, &a, &s, NOW + 29 * DAY, NOW);
	check(&f, DOCTOR_LICENCE, DOCTOR_WARNING, "until 20", "renew");
	doctor_see_licence(&f, &a, &s, NOW - DAY, NOW);
	check(&f, DOCTOR_LICENCE, DOCTOR_WARNING, "expired on 20", "renew");
	doctor_see_licence(&f, &a, &(struct server_facts){ .tier = "free" }, -62135596800, NOW);
	check(&f, DOCTOR_LICENCE, DOCTOR_OK, "free", NULL);
	a.rc = E_FORBIDDEN;
	doctor_see_licence(&f, &a, &s, 0, NOW);
	check(&f, DOCTOR_LICENCE, DOCTOR_WARNING, "taken for free", "/config");
}

static void test_answers(void **state)
{
	struct http_result h = { .total_ms = 80, .first_byte_ms = 20, .body_bytes = 12345 };
	struct err e = { .code = E_ORDER, .text = "x" };
	struct doctor_answer a = { .err = &e, .http = &h };
	struct server_facts team = { .scope = SCOPE_TEAMS, .teams = "3:observer" };
	struct doctor_finding f;
	(void)state;
	doctor_see_hosts(&f, &a, &team, 7);
	check(&f, DOCTOR_HOSTS, DOCTOR_OK, "7", NULL);
	doctor_see_hosts(&f, &a, &team, 0);
	check(&f, DOCTOR_HOSTS, DOCTOR_FAILED, "3:observer", "global role");
	doctor_see_cursor(&f, &a, LIST_BY_PAGE, 0);
	check(&f, DOCTOR_CURSOR, DOCTOR_WARNING, "two complete walks", "update");
	doctor_see_latency(&f, &a, 100, false);
	check(&f, DOCTOR_LATENCY, DOCTOR_OK, "100 hosts in 80 ms", NULL);
	doctor_see_latency(&f, &a, 100, true);
	check(&f, DOCTOR_LATENCY, DOCTOR_WARNING, "refuses", "refuses them");
	h.total_ms = 5001;
	doctor_see_latency(&f, &a, 100, false);
	check(&f, DOCTOR_LATENCY, DOCTOR_WARNING, "5001 ms", "slow");
	a.rc = E_ORDER;
	doctor_see_cursor(&f, &a, LIST_BY_ID, 12);
	check(&f, DOCTOR_CURSOR, DOCTOR_FAILED, "after host 12", "cache");
	a.rc = E_TOKEN;
	doctor_see_fleet(&f, &a, &team);
	check(&f, DOCTOR_FLEET, DOCTOR_FAILED, "x", "in front of it");
	a.from_fleet = true;
	doctor_see_fleet(&f, &a, &team);
	check(&f, DOCTOR_FLEET, DOCTOR_OK, "as Fleet does", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_way),
		cmocka_unit_test(test_client_certificate_is_shown_later),
		cmocka_unit_test(test_refused_tokens),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_licence),
		cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
