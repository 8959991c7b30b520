/* Tenants that are given at run time, as JSON with their secrets beside it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "unit/conf/parsing.h"

#define CERT  "-----BEGIN CERTIFICATE-----\ns3cr3t\n-----END CERTIFICATE-----\n"
#define KEY   "-----BEGIN EC PRIVATE KEY-----\ns3cr3t\n-----END EC PRIVATE KEY-----\n"
#define LEAST "{\"name\":\"a\",\"url\":\"a.example\"}"

static void collect_lines(void *arg, const char *text)
{
	struct buf *b = arg;
	assert_null(strstr(text, "s3cr3t"));
	assert_null(strchr(text, '\n'));
	buf_puts(b, text);
	buf_putc(b, '\n');
}

static const struct conf_tenant *give(const struct conf *defaults, const char *json,
				      const struct conf_secrets *secrets)
{
	const struct conf_tenant *t;
	struct buf got;
	buf_init(&got, 1 << 20);
	int rc = conf_tenant_parse(&t, defaults, json, strlen(json), secrets, collect_lines, &got);
	if (rc != OK || got.len)
		fail_msg("rc=%d for\n%s\n%s", rc, json, buf_cstr(&got));
	buf_release(&got);
	return t;
}

static void refuses(const char *json, const struct conf_secrets *secrets, const char *want)
{
	const struct conf_tenant *t;
	struct buf got;
	buf_init(&got, 1 << 20);
	int rc = conf_tenant_parse(&t, NULL, json, strlen(json), secrets, collect_lines, &got);
	assert_int_equal(rc, E_CONFIG);
	assert_null(t);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("for\n%s\nwanted\n%s\ngot\n%s", json, want, buf_cstr(&got));
	buf_release(&got);
}

static void shows(const struct conf_tenant *t, enum conf_which which, const char *want)
{
	struct buf got;
	buf_init(&got, 1 << 16);
	conf_tenant_json(t, which, &got);
	assert_int_equal(got.failed, 0);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("wanted\n%s\ngot\n%s", want, buf_cstr(&got));
	buf_release(&got);
}

static const char everything[] = "{\"name\":\"acme\",\"url\":\"http://fleet.example.com/"
				 "x\",\"proxy\":\"socks5h://proxy.example:1080\","
				 "\"allow_http\":true,\"allow_private\":true,\"map_users\":false,\"map_"
				 "teams\":false,\"interval\":\"90s\","
				 "\"stale_after\":\"36h\",\"owner_precedence\":[\"idp\",\"custom\"],"
				 "\"compliance\":{\"critical_only\":true,\"ignore_policies\":[3,7]},"
				 "\"limits\":{\"page_hosts\":1000,\"details\":\"auto\",\"body_bytes\":"
				 "\"1GiB\",\"host_bytes\":\"64KiB\","
				 "\"first_byte\":\"1s\",\"request\":\"1h\"}}";
static const char *const two_headers[] = { "X-A: s3cr3t", " X-B:s3cr3t2 ", NULL };
static const struct conf_secrets all_secrets = { .token = " s3cr3t \n",
						 .headers = two_headers,
						 .proxy = "socks5h://u:s3cr3t@proxy.example:1080",
						 .ca_pem = CERT,
						 .client_cert_pem = CERT,
						 .client_key_pem = KEY };

static void check_everything(const struct conf_tenant *t)
{
	assert_string_equal(t->name, "acme");
	assert_string_equal(t->url, "http://fleet.example.com/x");
	assert_string_equal(t->token, "s3cr3t");
	assert_int_equal(t->token_bytes, 6);
	assert_string_equal(t->proxy, "socks5h://u:s3cr3t@proxy.example:1080");
	assert_string_equal(t->headers[0], "X-A: s3cr3t");
	assert_string_equal(t->headers[1], "X-B: s3cr3t2");
	assert_null(t->headers[2]);
	assert_string_equal(t->ca_pem, CERT);
	assert_string_equal(t->client_cert_pem, CERT);
	assert_string_equal(t->client_key_pem, KEY);
	assert_true(!t->ca_file && !t->client_cert && !t->client_key && !t->token_from && !t->file);
	assert_int_equal(t->interval_s, 90);
	assert_int_equal(t->derive.ignore_count, 2);
	assert_int_equal(t->derive.ignore_policies[1], 7);
	assert_int_equal(t->derive.owner_precedence_count, 2);
	assert_int_equal(t->limits.request_ms, 3600000);
}

/* Settings and secrets, taken apart and given again, are the same tenant. */
static void there_and_back(void **state)
{
	struct conf_secrets secrets;
	const struct conf_tenant *t = give(NULL, everything, &all_secrets);
	(void)state;
	check_everything(t);
	shows(t, CONF_OWN, everything);
	shows(t, CONF_ALL, everything);
	conf_tenant_secrets(t, &secrets);
	const struct conf_tenant *again = give(NULL, everything, &secrets);
	conf_tenant_release(t);
	check_everything(again);
	shows(again, CONF_OWN, everything);
	conf_tenant_release(again);
}

static void what_is_not_said_is_not_kept(void **state)
{
	const struct conf_secrets secrets = { .token = "s3cr3t" };
	const struct conf_tenant *t = give(NULL, LEAST, &secrets);
	(void)state;
	shows(t, CONF_OWN, "{\"name\":\"a\",\"url\":\"https://a.example\"}");
	shows(t, CONF_ALL,
	      "{\"name\":\"a\",\"url\":\"https://a.example\",\"allow_http\":false,\"allow_private\":false,"
	      "\"map_users\":true,\"map_teams\":true,\"interval\":\"1h\",\"stale_after\":\"1w\","
	      "\"owner_precedence\":[\"custom\",\"idp\",\"mdm_idp_accounts\",\"google_chrome_profiles\"],"
	      "\"compliance\":{\"critical_only\":false,\"ignore_policies\":[]},"
	      "\"limits\":{\"page_hosts\":\"auto\",\"details\":\"auto\",\"body_bytes\":\"512MiB\",\"host_"
	      "bytes\":"
	      "\"8MiB\",\"first_byte\":\"1m\",\"request\":\"100s\"}}");
	assert_int_equal(t->limits.request_ms, 100000);
	conf_tenant_release(t);
}

/* Of the file: shown with the paths it names, without anything secret. */
static void a_tenant_of_the_file_is_shown(void **state)
{
	static const char text[] =
		"tenants:\n- {name: a, url: a.example, token_env: MUSTER_TEST_TOKEN, proxy: "
		"'u:s3cr3t@p:1', headers: ['X-A: s3cr3t']}\n";
	struct buf b, shown;
	struct conf *c = parse(text, sizeof(text) - 1, &b, OK);
	(void)state;
	shows(&c->tenants[0], CONF_OWN,
	      "{\"name\":\"a\",\"url\":\"https://a.example\",\"proxy\":\"http://p:1\"}");
	buf_init(&shown, 1 << 16);
	conf_tenant_json(&c->tenants[0], CONF_ALL, &shown);
	assert_non_null(
		strstr(buf_cstr(&shown), "\"token_env\":\"MUSTER_TEST_TOKEN\",\"proxy\":\"http://p:1\""));
	assert_null(strstr(buf_cstr(&shown), "s3cr3t"));
	buf_release(&shown);
	conf_free(c);
	buf_release(&b);
}

/* Defaults of one snapshot, then of another; the tenant's own stay, and the
 * snapshots may go. */
static void under_other_defaults(void **state)
{
	static const char first[] =
		TENANT "defaults: {interval: 5m, stale_after: 3d, proxy: 'u:s3cr3t@p:1', ca_file: "
		       "ca.pem, headers: ['X-A: s3cr3t']}\n";
	static const char second[] = TENANT "defaults: {interval: 6m, map_users: false}\n";
	const struct conf_secrets secrets = { .token = "s3cr3t", .ca_pem = CERT };
	const struct conf_tenant *again;
	struct buf b, b2;
	struct conf *c = parse(first, sizeof(first) - 1, &b, OK),
		    *d = parse(second, sizeof(second) - 1, &b2, OK);
	const struct conf_tenant *t =
		give(c, "{\"name\":\"a\",\"url\":\"a.example\",\"stale_after\":\"2d\"}", &secrets);
	(void)state;
	conf_free(c);
	assert_int_equal(t->interval_s, 300);
	assert_string_equal(t->proxy, "http://u:s3cr3t@p:1");
	assert_string_equal(t->headers[0], "X-A: s3cr3t");
	assert_null(t->ca_file);
	assert_int_equal(conf_tenant_again(&again, d, t, collect_lines, &b), OK);
	conf_tenant_release(t);
	conf_free(d);
	assert_int_equal(again->interval_s, 360);
	assert_int_equal(again->stale_after_s, 2 * 86400);
	assert_false(again->derive.map_users);
	assert_true(!again->proxy && !again->headers);
	assert_string_equal(again->ca_pem, CERT);
	assert_string_equal(again->token, "s3cr3t");
	conf_tenant_release(again);
	buf_release(&b);
	buf_release(&b2);
}

#define IN(members) "{\"name\":\"a\",\"url\":\"a.example\"," members "}"
#define NO_FILE     " names a file, which is not read here; give what stands in it instead\n"
static void settings_refused(void **state)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
		{ "{}",
		  "name: error: the tenant has no \"name\"; give the name of the tenant, such as acme\n"
		  "url: error: the tenant has no \"url\"; give the address of the Fleet server, such as "
		  "https://fleet.example.com\n" },
		{ "[]", "settings: error: the tenant is a list where a map is wanted; write its settings as "
			"\"name: "
			"value\"\n" },
		{ "", "settings: error: there are no settings; give at least name and url\n" },
		{ "{\"name\":",
		  "settings: error: not well-formed JSON: did not find expected node content; mend the "
		  "spelling here or in the line above\n" },
		{ "{\"name\":\"\xff\"}",
		  "settings: error: the settings are not UTF-8; send them with the encoding UTF-8\n" },
		{ IN("\"x\":&y []"),
		  "settings: error: anchors are not understood here; write the value out\n" },
		{ IN("\"interval\":\"7\""), "interval: error: \"interval\" is \"7\"; a duration needs a "
					    "unit, write 90s, 5m, 24h or 7d\n" },
		{ IN("\"interval\":null"),
		  "interval: error: \"interval\" has no value; give the time between two "
		  "syncs, such as 1h, or remove it\n" },
		{ IN("\"interval\":\"1h\",\"interval\":\"2h\""),
		  "interval: error: \"interval\" stands twice in the tenant; remove one of them\n" },
		{ IN("\"limits\":{\"page_hosts\":5}"),
		  "limits.page_hosts: error: \"page_hosts\" is \"5\"; it must be from 20 to 1000\n" },
		{ IN("\"limits\":{\"host_bytes\":\"1GiB\"}"),
		  "limits.host_bytes: error: \"host_bytes\" is greater than body_bytes; lower it, or raise "
		  "body_bytes\n" },
		{ IN("\"intervall\":\"1h\""),
		  "intervall: error: unknown setting \"intervall\" in the tenant; did "
		  "you mean \"interval\"?\n" },
		{ IN("\"token_file\":\"x\""), "token_file: error: \"token_file\"" NO_FILE },
		{ IN("\"ca_file\":\"x\""), "ca_file: error: \"ca_file\"" NO_FILE },
		{ IN("\"client_cert\":\"x\""), "client_cert: error: \"client_cert\"" NO_FILE },
		{ IN("\"client_key\":\"x\""), "client_key: error: \"client_key\"" NO_FILE },
		{ IN("\"token_env\":\"X\""),
		  "token_env: error: \"token_env\" names a variable, which is not looked up "
		  "here; give the token itself\n" },
		{ IN("\"token\":\"s3cr3t\""),
		  "token: error: \"token\" is a secret; give it beside the settings, not among them\n" },
		{ IN("\"headers\":[\"X-A: s3cr3t\"]"), "headers: error: \"headers\" may be secrets; give "
						       "them beside the settings, not among them\n" },
		{ IN("\"proxy\":\"u:s3cr3t@p:1\""), "proxy: error: \"proxy\" holds a user name or password; "
						    "give the address beside the settings, not "
						    "among them\n" },
	};
	const struct conf_secrets secrets = { .token = "s3cr3t" };
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refuses(rows[i].json, &secrets, rows[i].want);
}

static void secrets_refused(void **state)
{
	static const char *const broken[] = { "X-A: s3cr3t\r\nX-B: 1", NULL };
	static const char *const bare[] = { "s3cr3t", NULL };
	static const char *const ours[] = { "authorization: s3cr3t", NULL };
	static const struct {
		struct conf_secrets secrets;
		const char *want;
	} rows[] = {
		{ { 0 }, "token: error: the tenant has no token; give the API token of a Fleet user\n" },
		{ { .token = " \n" },
		  "token: error: the token is empty; give the API token of a Fleet user\n" },
		{ { .token = "s3cr3t s3cr3t" },
		  "token: error: the token has a space inside; give just the token\n" },
		{ { .token = "x", .headers = broken },
		  "headers: error: \"headers\" has a line break or another control character inside; remove "
		  "it\n" },
		{ { .token = "x", .headers = bare },
		  "headers: error: a header has no colon; write \"Name: value\"\n" },
		{ { .token = "x", .headers = ours },
		  "headers: error: the header \"authorization\" is set by Muster itself; remove it\n" },
		{ { .token = "x", .proxy = "ftp://u:s3cr3t@x" },
		  "proxy: error: \"proxy\" has a scheme that is no proxy's; write http, https, socks5 or "
		  "socks5h\n" },
		{ { .token = "x", .ca_pem = KEY },
		  "ca_file: error: \"ca_file\" holds no certificate in PEM form; give the file that begins "
		  "with "
		  "-----BEGIN CERTIFICATE-----\n" },
		{ { .token = "x", .client_cert_pem = CERT, .client_key_pem = CERT },
		  "client_key: error: \"client_key\" holds no private key in PEM form; give the file that "
		  "begins with "
		  "-----BEGIN PRIVATE KEY-----\n" },
		{ { .token = "x", .client_key_pem = KEY },
		  "client_key: error: \"client_key\" stands without client_cert; give the client certificate "
		  "too, "
		  "or remove it\n" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refuses(LEAST, &rows[i].secrets, rows[i].want);
}

static void ten_mistakes_ten_lines(void **state)
{
	static const char json[] =
		"{\"name\":\"A\",\"url\":\"ftp://x\",\"ca_file\":\"x\",\"allow_http\":\"no\","
		"\"interval\":\"7\",\"stale_after\":\"1s\",\"owner_precedence\":\"custom\",\"nme\":1,"
		"\"limits\":{\"page_hosts\":5}}";
	const struct conf_secrets secrets = { .token = "" };
	const struct conf_tenant *t;
	struct buf got;
	size_t lines = 0;
	(void)state;
	buf_init(&got, 1 << 16);
	assert_int_equal(conf_tenant_parse(&t, NULL, json, sizeof(json) - 1, &secrets, collect_lines, &got),
			 E_CONFIG);
	for (size_t i = 0; i < got.len; i++)
		lines += got.data[i] == '\n';
	assert_int_equal(lines, 10);
	buf_release(&got);
}

static void merged(void **state)
{
	static const struct {
		const char *old, *changes, *want;
	} rows[] = {
		{ "{}", "{}", "{}" },
		{ "{\"a\":\"1\"}", "{\"a\":2,\"b\":true,\"c\":\"x\"}", "{\"a\":2,\"b\":true,\"c\":\"x\"}" },
		{ "{\"a\":\"1\",\"b\":false}", "{\"a\":null,\"z\":null}", "{\"b\":false}" },
		{ "{\"m\":{\"x\":1,\"y\":\"2\"},\"n\":0}", "{\"m\":{\"y\":null,\"z\":[1,\"2\",{\"k\":3}]}}",
		  "{\"m\":{\"x\":1,\"z\":[1,\"2\",{\"k\":3}]},\"n\":0}" },
		{ "{\"m\":{\"x\":1}}", "{\"m\":5}", "{\"m\":5}" },
		{ "{\"m\":5}", "{\"m\":{\"x\":1,\"y\":null}}", "{\"m\":{\"x\":1}}" },
		{ "{\"l\":[1,2]}", "{\"l\":[]}", "{\"l\":[]}" },
		{ "{\"q\":\"a\\\"b\\\\c\"}", "{}", "{\"q\":\"a\\\"b\\\\c\"}" },
		{ "{\"n\":\"01\",\"s\":\"null\",\"t\":\"true\",\"d\":1h}", "{}",
		  "{\"n\":\"01\",\"s\":\"null\",\"t\":\"true\",\"d\":\"1h\"}" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e;
		struct buf out;
		buf_init(&out, 1 << 16);
		assert_int_equal(conf_tenant_set(rows[i].old, strlen(rows[i].old), rows[i].changes,
						 strlen(rows[i].changes), &out, &e),
				 OK);
		assert_string_equal(buf_cstr(&out), rows[i].want);
		buf_release(&out);
	}
}

static void not_merged(void **state)
{
	static const struct {
		const char *changes, *want;
	} rows[] = {
		{ "[]", "the changes are no map of settings; give one as JSON" },
		{ "", "the changes are no map of settings; give one as JSON" },
		{ "{[a]: b}", "the changes are no map of settings; give one as JSON" },
		{ "{\"a\":\"\xff\"}", "the changes are not UTF-8, or longer than 64KiB; give a map as JSON" },
		{ "{\"a\":",
		  "changes: error: not well-formed JSON: did not find expected node content; mend the "
		  "spelling here or in the line above" },
		{ "{\"a\":&x {\"b\":*x}}",
		  "changes: error: anchors are not understood here; write the value out" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e;
		struct buf out;
		buf_init(&out, 1 << 16);
		assert_int_equal(conf_tenant_set("{}", 2, rows[i].changes, strlen(rows[i].changes), &out, &e),
				 E_CONFIG);
		assert_string_equal(e.text, rows[i].want);
		buf_release(&out);
	}
}

static void too_long(void **state)
{
	static const char old[] = "{\"a\":\"0123456789\"}";
	struct err e;
	struct buf out;
	(void)state;
	buf_init(&out, 10);
	assert_int_equal(conf_tenant_set(old, sizeof(old) - 1, "{}", 2, &out, &e), E_LIMIT);
	assert_string_equal(e.text, "the settings became too long; give fewer");
	buf_release(&out);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned long n = 1;; n++) {
		const struct conf_tenant *t;
		mem_fail_at(n, n % 2);
		int rc = conf_tenant_parse(&t, NULL, everything, sizeof(everything) - 1, &all_secrets, ignore,
					   NULL);
		unsigned long used = mem_count();
		mem_fail_at(0, 0);
		if (used < n) {
			assert_int_equal(rc, OK);
			assert_true(n > 3);
			conf_tenant_release(t);
			return;
		}
		assert_int_equal(rc, E_NOMEM);
		assert_null(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_not_said_is_not_kept),
		cmocka_unit_test(a_tenant_of_the_file_is_shown),
		cmocka_unit_test(under_other_defaults),
		cmocka_unit_test(settings_refused),
		cmocka_unit_test(secrets_refused),
		cmocka_unit_test(ten_mistakes_ten_lines),
		cmocka_unit_test(merged),
		cmocka_unit_test(not_merged),
		cmocka_unit_test(too_long),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
