#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/utf8.h"
#include "fleet/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char what[] = "the list of hosts";

/* Fleet's own form: pretty, a newline at the end. */
#define SAID(message, reason)                                                                                \
	"{\n  \"message\": \"" message "\",\n  \"errors\": [\n    {\n      \"name\": \"base\",\n      "      \
	"\"reason\": \"" reason "\"\n    }\n  ],\n  \"uuid\": \"c0532a64-bec2-4cf9-aa37-96fe47ead814\"\n}\n"
#define HTML "<html>\r\n<head><title>An error</title></head>\r\n<body>secret-of-the-proxy</body></html>\r\n"

static const struct row {
	const char *about;
	long status;
	bool worked_before;
	const char *location, *body;
	int code;
	const char *part; /* stands in the sentence */
} rows[] = {
	{ "ok", 200, false, NULL, "{\"hosts\":[]}", OK, NULL },
	{ "ok, no content", 204, true, NULL, "", OK, NULL },
	{ "ok, accepted", 202, false, NULL, "{\"message\":\"check your mail\"}", OK, NULL },

	{ "bad query", 400, false, NULL, SAID("Bad request", "non-int page value"), E_REJECTED,
	  "status 400: non-int page value" },
	{ "bad query worked before", 400, true, NULL, SAID("Bad request", "team is invalid"), E_REJECTED,
	  "team is invalid" },
	{ "message only", 400, false, NULL, "{\"message\":\"Bad request\"}", E_REJECTED,
	  "status 400: Bad request" },

	{ "no token arrived", 401, false, NULL,
	  SAID("Authorization header required", "Authorization header required"), E_TOKEN,
	  "a proxy in front of it removes the Authorization header" },
	{ "token unknown", 401, true, NULL, SAID("Authentication required", "Authentication required"),
	  E_TOKEN, "wrong, expired or revoked" },
	{ "wrong password", 401, false, NULL, SAID("Authentication failed", "Authentication failed"), E_TOKEN,
	  "wrong, expired or revoked" },
	{ "password reset", 401, false, NULL, SAID("password reset required", "password reset required"),
	  E_TOKEN, "must change its password" },
	{ "proxy's log-in", 401, false, NULL, HTML, E_TOKEN, "in front of Fleet" },
	{ "empty 401", 401, false, NULL, "", E_TOKEN, "in front of Fleet" },

	{ "free tier", 402, false, NULL,
	  SAID("Requires Fleet Premium license", "Requires Fleet Premium license"), E_LICENCE,
	  "needs Fleet Premium" },

	{ "role", 403, true, NULL, SAID("forbidden", "forbidden"), E_FORBIDDEN, "role of this token" },
	{ "allowlist", 403, true, NULL,
	  "{\n  \"message\": \"Permission Denied\",\n  \"uuid\": \"c0532a64\"\n}\n", E_FORBIDDEN,
	  "not among the endpoints" },
	{ "firewall", 403, false, NULL, HTML, E_FORBIDDEN, "in front of Fleet" },
	{ "firewall without words", 403, false, NULL, "", E_FORBIDDEN, "in front of Fleet" },

	{ "no such host", 404, false, NULL,
	  SAID("Resource Not Found", "Host 999 was not found in the datastore"), E_GONE,
	  "does not exist: Host 999 was not found in the datastore" },
	{ "no such host, no reason", 404, false, NULL, "{\"message\":\"Resource Not Found\"}", E_GONE,
	  "does not exist: Resource Not Found" },
	{ "unknown route", 404, false, NULL, "404 page not found\n", E_NOT_FLEET, "path prefix" },
	{ "proxy's 404", 404, true, NULL, HTML, E_NOT_FLEET, "path prefix" },
	{ "another API's 404", 404, false, NULL, "{\"message\":\"Not Found\"}", E_NOT_FLEET, "path prefix" },
	{ "empty 404", 404, false, NULL, "", E_NOT_FLEET, "path prefix" },

	{ "read too slowly", 408, false, NULL, SAID("i/o timeout", "i/o timeout"), E_TIMEOUT, "gave up" },
	{ "already locked", 409, false, NULL, SAID("Validation Failed", "Host is already locked."),
	  E_CONFLICT, "Host is already locked." },
	{ "body too large", 413, false, NULL, "too large", E_REJECTED, "status 413" },
	{ "media type", 415, false, NULL, SAID("Unsupported Media Type", "Expected Content-Type"), E_REJECTED,
	  "Expected Content-Type" },

	{ "ambiguous column, first time", 422, false, NULL,
	  SAID("Validation Failed", "Error 1052 (23000): Column 'id' in where clause is ambiguous"),
	  E_REJECTED, "status 422: Error 1052 (23000): Column 'id' in where clause is ambiguous" },
	{ "order key refused", 422, false, NULL,
	  SAID("Validation Failed", "invalid order_key: \\\"h.id\\\", allowed values are: [id hostname]"),
	  E_REJECTED, "invalid order_key: \"h.id\"" },
	{ "deadlock", 422, true, NULL, SAID("Validation Failed", "Error 1213 (40001): Deadlock found"),
	  E_SERVER, "status 422: Error 1213 (40001): Deadlock found" },
	{ "hidden SQL", 422, true, NULL, SAID("Validation Failed", "The request could not be processed."),
	  E_SERVER, "The request could not be processed." },
	{ "internal type", 422, false, NULL, "{\"message\":\"no license\",\"code\":3}", E_REJECTED,
	  "no license" },

	{ "throttled", 429, false, NULL,
	  SAID("limit exceeded, retry after: 7s", "limit exceeded, retry after: 7s"), E_THROTTLED, "wait" },
	{ "throttled by a proxy", 429, false, NULL, HTML, E_THROTTLED, "wait" },

	{ "server error", 500, false, NULL, SAID("context canceled", "context canceled"), E_SERVER,
	  "status 500: context canceled" },
	{ "gateway's HTML", 502, true, NULL, HTML, E_SERVER, "status 502: no reason given" },
	{ "gateway's silence", 504, true, NULL, "", E_SERVER, "status 504: no reason given" },
	{ "unavailable", 503, false, NULL, "upstream connect error", E_SERVER, "status 503" },

	{ "to https", 301, false, "https://fleet.acme.example/api", HTML, E_REDIRECT,
	  "\"https://fleet.acme.example/api\"" },
	{ "to set-up", 307, false, "/setup", "", E_REDIRECT, "\"/setup\"" },
	{ "to nowhere", 302, false, NULL, "", E_REDIRECT, "unnamed place" },
	{ "to an empty place", 302, false, "", "", E_REDIRECT, "unnamed place" },
	{ "not modified", 304, false, NULL, "", E_REDIRECT, "redirected" },

	{ "no status", 0, false, NULL, "", E_NOT_FLEET, "status 0" },
	{ "interim", 101, false, NULL, "", E_NOT_FLEET, "status 101" },
	{ "teapot", 418, false, NULL, "", E_REJECTED, "status 418" },
	{ "beyond", 999, false, NULL, "", E_SERVER, "status 999" },
	{ "negative", -1, false, NULL, "", E_NOT_FLEET, "status -1" },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* One line of well-formed text that steers no terminal. */
static const char *unfit(const char *s)
{
	if (!utf8_valid(s, strlen(s)))
		return "ill-formed";
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] <= 0x9f) ||
		    (p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae))
			return "control characters";
	if (strlen(s) + 1 >= sizeof(((struct err *)0)->text))
		return "cut";
	return NULL;
}

static int judge(const struct answer *a, struct err *e)
{
	*e = (struct err){ 0 };
	int rc = answer_verdict(a, what, e);
	if (rc == OK) {
		assert_int_equal(e->code, 0);
		return rc;
	}
	const char *why = unfit(e->text);
	if (why)
		fail_msg("status %ld: %s: %s", a->status, why, e->text);
	assert_int_equal(e->code, rc);
	assert_int_equal(strncmp(e->text, what, strlen(what)), 0);
	if (a->body.n > 8 && memmem(e->text, strlen(e->text), a->body.p, a->body.n))
		fail_msg("status %ld: the whole body is in: %s", a->status, e->text);
	return rc;
}

/* The bytes end where the text does, so that the sanitizer sees a read behind it. */
static int judge_row(const struct row *r, struct err *e)
{
	size_t n = strlen(r->body);
	char *body = malloc(n ? n : 1);
	assert_non_null(body);
	memcpy(body, r->body, n);
	struct answer a = { r->status, r->location, { body, (uint32_t)n }, r->worked_before };
	int rc = judge(&a, e);
	free(body);
	return rc;
}

static void verdicts(void **state)
{
	struct err e;
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		int rc = judge_row(&rows[i], &e);
		if (rc != rows[i].code || (rows[i].part && !strstr(e.text, rows[i].part)))
			fail_msg("%s: %s: %s", rows[i].about, err_name(rc), e.text);
		if (strstr(e.text, "secret-of-the-proxy"))
			fail_msg("%s: quotes HTML: %s", rows[i].about, e.text);
	}
}

/* 408, 429, 5xx and a 422 that worked before are tried again, nothing else. */
static void what_is_tried_again(void **state)
{
	struct err e;
	(void)state;
	for (long s = -2; s < 1100; s++)
		for (int before = 0; before < 2; before++) {
			struct answer a = { s, NULL, SLICE_NONE, before };
			int rc = judge(&a, &e);
			enum err_class c = err_class(rc);
			bool again = c == ERR_CLASS_RETRY || c == ERR_CLASS_BUSY;
			bool want = s == 408 || s == 429 || s >= 500 || (s == 422 && before);
			if (again != want || (rc == OK) != (s >= 200 && s < 300) || c == ERR_CLASS_INTERNAL)
				fail_msg("%ld: %s", s, err_name(rc));
		}
}

static void without_room_for_the_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct answer a = { rows[i].status, rows[i].location, slice_of(rows[i].body),
				    rows[i].worked_before };
		assert_int_equal(answer_verdict(&a, what, NULL), rows[i].code);
	}
}

#define LONG_TEXT(unit) unit unit unit unit unit unit unit unit unit unit unit unit unit unit unit unit
#define VERY_LONG(unit) LONG_TEXT(unit unit unit unit)

static void hostile_reasons(void **state)
{
	static const char *const reasons[] = {
		"a\\nb\\r\\nc\\td\\u0007e\\u001b[31mred\\u007f",
		"\\u0085\\u009b31m\\u2028\\u2029\\u202e end",
		"\xc2\x85\xc2\x9b"
		"31m\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae end",
		"x\\u0000y",
		"\\ud800",
		"a\\udc00b",
		"\\ud83d\\ude00",
		"%s%n%99999d",
		"",
		VERY_LONG("0123456789"),
		VERY_LONG("\xf0\x9f\x98\x80"),
		"x" VERY_LONG("\xf0\x9f\x98\x80"),
		"xx" VERY_LONG("\xf0\x9f\x98\x80"),
		"xxx" VERY_LONG("\xf0\x9f\x98\x80"),
		"x" VERY_LONG("\xe2\x82\xac"),
		VERY_LONG("\xc3\xa9"),
		VERY_LONG("\\n"),
		VERY_LONG("\\u202e"),
	};
	static const long statuses[] = { 400, 401, 403, 404, 409, 422, 500 };
	char body[8192], message[4096];
	struct err e;
	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		for (size_t k = 0; k < 3 * sizeof(statuses) / sizeof(statuses[0]); k++) {
			snprintf(message, sizeof(message), "%s",
				 k % 3 == 0   ? reasons[i]
				 : k % 3 == 1 ? "Resource Not Found"
					      : "forbidden");
			snprintf(body, sizeof(body),
				 "{\"message\":\"%s\",\"errors\":[{\"name\":\"base\",\"reason\":\"%s\"}]}",
				 message, reasons[i]);
			struct answer a = { statuses[k / 3], NULL, slice_of(body), k & 1 };
			assert_int_not_equal(judge(&a, &e), OK);
		}
	/* what is readable in front of the cut is kept */
	snprintf(body, sizeof(body), "{\"message\":\"m\",\"errors\":[{\"reason\":\"%s\"}]}", reasons[9]);
	struct answer a = { 500, NULL, slice_of(body), false };
	assert_int_equal(judge(&a, &e), E_SERVER);
	assert_non_null(strstr(e.text, ": 01234567890123456789"));
	assert_true(strlen(e.text) < 260);
}

static void hostile_bodies(void **state)
{
	static const char *const bodies[] = {
		"{",
		"[]",
		"null",
		"{\"message\":null}",
		"{\"message\":7,\"errors\":7}",
		"{\"message\":\"\",\"errors\":[]}",
		"{\"message\":\"m\",\"errors\":[null]}",
		"{\"message\":\"m\",\"errors\":[\"secret-of-the-proxy\"]}",
		"{\"message\":\"m\",\"errors\":{\"reason\":\"r\"}}",
		"{\"message\":\"m\",\"errors\":[{\"reason\":null}]}",
		"{\"message\":\"m\",\"errors\":[{\"reason\":{}}]}",
		"{\"message\":\"\xff\xfe\"}",
		"{\"message\":\"m\"} trailing",
		"{\"errors\":[{\"reason\":\"secret-of-the-proxy\"}]}",
		"{\"message\":\"\xc0\xaf\"}",
		"\xef\xbb\xbf{\"message\":\"m\"}",
		"{\"message\":/*\"*/[[[[[[[[",
	};
	struct err e;
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (long s = 400; s < 512; s++) {
			struct row r = { "hostile", s, i & 1, NULL, bodies[i], 0, NULL };
			assert_int_not_equal(judge_row(&r, &e), OK);
			assert_null(strstr(e.text, "secret-of-the-proxy"));
		}
}

static void hostile_locations(void **state)
{
	char endless[5000];
	memset(endless, 'u', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	const struct {
		const char *location, *part;
	} places[] = {
		{ "https://login.example/\r\nSet-Cookie: a", "https://login.example/  Set-Cookie: a" },
		{ "https://login.example/\x1b[2J", "https://login.example/ [2J" },
		{ "https://login.example/\xff/x", "\"https://login.example/\"" },
		{ "\xff", "unnamed place" },
		{ "https://login.example/\xe2\x82", "\"https://login.example/\"" },
		{ "https://login.example/\xc2\x9b"
		  "2J",
		  "https://login.example/  2J" },
		{ endless, "uuuuuuuuuu\"" },
	};
	struct err e;
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct answer a = { 302, places[i].location, SLICE_NONE, false };
		assert_int_equal(judge(&a, &e), E_REDIRECT);
		if (!strstr(e.text, places[i].part))
			fail_msg("%s", e.text);
	}
}

static void what_is_blanked(void **state)
{
	static const struct {
		const char *in, *want;
	} places[] = {
		{ "<\x01\x1f\x7f>", "<   >" },
		{ "< !~>", "< !~>" },
		{ "<\xc2\x80\xc2\x9f\xc2\xa0>", "<    \xc2\xa0>" },
		{ "<\xc3\x80\xc3\x9f>", "<\xc3\x80\xc3\x9f>" },
		{ "<\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf>", "<\xe2\x80\xa7      \xe2\x80\xaf>" },
		{ "<\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa>", "<\xe2\x81\xa5      \xe2\x81\xaa>" },
		{ "<\xe2\x82\xa8\xe2\x82\xac\xe1\x80\xa8>", "<\xe2\x82\xa8\xe2\x82\xac\xe1\x80\xa8>" },
	};
	struct err e;
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct answer a = { 302, places[i].in, SLICE_NONE, false };
		assert_int_equal(judge(&a, &e), E_REDIRECT);
		if (!strstr(e.text, places[i].want))
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void random_bodies(void **state)
{
	struct random r = { 11 };
	static const char seed[] = SAID("Validation Failed", "invalid order_key: \\u00e9 \xc3\xa9");
	struct err e;
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char body[sizeof(seed)];
		memcpy(body, seed, sizeof(seed));
		for (uint64_t k = 1 + random_below(&r, 3); k; k--)
			body[random_below(&r, sizeof(seed) - 1)] = (char)random_next(&r);
		struct answer a = { 400 + (long)random_below(&r, 200),
				    NULL,
				    { body, (uint32_t)random_below(&r, sizeof(seed)) },
				    i & 1 };
		assert_int_not_equal(judge(&a, &e), OK);
	}
}

static void allowlist(void **state)
{
	static const struct {
		long status;
		const char *body;
		bool want;
	} cases[] = {
		{ 403, "{\n  \"message\": \"Permission Denied\",\n  \"uuid\": \"c0532a64\"\n}\n", true },
		{ 403, "{\"message\":\"Permission Denied\"}", true },
		{ 401, "{\"message\":\"Permission Denied\"}", false },
		{ 200, "{\"message\":\"Permission Denied\"}", false },
		{ 403, "{\"message\":\"permission denied\"}", false },
		{ 403, "{\"message\":\"Permission Denied.\"}", false },
		{ 403, SAID("forbidden", "forbidden"), false },
		{ 403, SAID("forbidden", "Permission Denied"), false },
		{ 403, "Permission Denied", false },
		{ 403, HTML, false },
		{ 403, "", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = { cases[i].status, NULL, slice_of(cases[i].body), false };
		if (answer_is_allowlist(&a) != cases[i].want)
			fail_msg("%ld %s", cases[i].status, cases[i].body);
	}
	assert_false(answer_is_allowlist(&(struct answer){ .status = 403 }));
}

static void names(void **state)
{
	struct answer a = { 422, NULL,
			    SLICE("{\"message\":\"Validation Failed\",\"errors\":[{\"name\":\"order_key\","
				  "\"reason\":\"invalid order_key\"}]}"),
			    false };
	(void)state;
	assert_true(answer_names(&a, "order_key"));
	assert_false(answer_names(&a, "populate_policies"));
	assert_false(answer_names(&(struct answer){ .status = 422 }, "order_key"));
	a.body = SLICE("order_ke");
	assert_false(answer_names(&a, "order_key"));
}

/* Without memory for the words the status alone decides, and a 404 never proves
 * that a host is gone. */
static void no_memory(void **state)
{
	struct err e;
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		mem_fail_at(1, 1);
		int rc = judge_row(&rows[i], &e);
		mem_fail_at(0, 0);
		if (rc != (rows[i].code == E_GONE ? E_NOT_FLEET : rows[i].code))
			fail_msg("%s: %s", rows[i].about, err_name(rc));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(what_is_tried_again),
		cmocka_unit_test(without_room_for_the_sentence),
		cmocka_unit_test(hostile_reasons),
		cmocka_unit_test(hostile_bodies),
		cmocka_unit_test(hostile_locations),
		cmocka_unit_test(what_is_blanked),
		cmocka_unit_test(random_bodies),
		cmocka_unit_test(allowlist),
		cmocka_unit_test(names),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
