/* What is accepted, and what it becomes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/conf/parsing.h"

#include <stdio.h>
#include <unistd.h>

static void defaults(void **state)
{
	struct buf b;
	char path[128];
	struct conf *c = parse(TENANT, strlen(TENANT), &b, OK);
	const struct conf_tenant *t = &c->tenants[0];
	(void)state;
	snprintf(path, sizeof(path), "%s/var/store", folder);
	assert_string_equal(c->store_path, path);
	assert_string_equal(c->file, file);
	assert_int_equal(c->tenant_count, 1);
	assert_string_equal(t->name, "a");
	assert_string_equal(t->url, "https://a.example");
	assert_string_equal(t->token, "s3cr3t+/tok==");
	assert_int_equal(t->token_bytes, 13);
	assert_string_equal(t->token_from, "token_file token");
	assert_null(t->ca_file);
	assert_null(t->client_cert);
	assert_null(t->client_key);
	assert_null(t->proxy);
	assert_null(t->headers);
	assert_false(t->allow_http);
	assert_false(t->allow_private);
	assert_true(t->derive.map_users);
	assert_true(t->derive.map_teams);
	assert_false(t->derive.critical_only);
	assert_int_equal(t->derive.ignore_count, 0);
	assert_int_equal(t->derive.owner_precedence_count, OWNER_SOURCES);
	assert_int_equal(t->derive.owner_precedence[0], OWNER_CUSTOM);
	assert_int_equal(t->derive.owner_precedence[3], OWNER_GOOGLE_CHROME_PROFILES);
	assert_int_equal(t->stale_after_s, 604800);
	assert_int_equal(t->limits.page_hosts, 0);
	assert_int_equal(t->limits.details, 0);
	assert_int_equal(t->limits.body_bytes, 512 << 20);
	assert_int_equal(t->limits.host_bytes, 8 << 20);
	assert_int_equal(t->limits.first_byte_ms, 60000);
	assert_int_equal(t->limits.request_ms, 100000);
	assert_int_equal(b.len, 0);
	conf_free(c);
	buf_release(&b);
}

static void everything_set(void **state)
{
	static const char text[] =
		"store: {path: /srv/store}\n"
		"tenants:\n"
		"- name: acme-1\n"
		"  url: HTTP://Fleet.example.com/x/dashboard\n"
		"  token_env: MUSTER_TEST_TOKEN\n"
		"  ca_file: ./ca.pem\n"
		"  client_cert: ca.pem\n"
		"  client_key: ca.pem\n"
		"  proxy: u:p@proxy.example:1080\n"
		"  headers: ['X-A: 1', X-B: two, \"X-C:  3 \"]\n"
		"  allow_http: true\n"
		"  allow_private: true\n"
		"  map_users: false\n"
		"  map_teams: false\n"
		"  stale_after: 36h\n"
		"  compliance: {critical_only: true, ignore_policies: [7, 3, 7, 4294967295]}\n"
		"  owner_precedence: [idp, custom]\n"
		"  limits: {page_hosts: 1000, details: 250, body_bytes: 1GiB, host_bytes: 65536, "
		"first_byte: 1s, request: 1h}\n";
	struct buf b;
	char path[128];
	struct conf *c = parse(text, sizeof(text) - 1, &b, OK);
	const struct conf_tenant *t = &c->tenants[0];
	(void)state;
	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	assert_string_equal(c->store_path, "/srv/store");
	assert_string_equal(t->url, "http://fleet.example.com/x");
	assert_string_equal(t->token, "s3cr3t");
	assert_string_equal(t->token_from, "token_env MUSTER_TEST_TOKEN");
	assert_string_equal(t->ca_file, path);
	assert_string_equal(t->client_cert, path);
	assert_string_equal(t->client_key, path);
	assert_string_equal(t->proxy, "http://u:p@proxy.example:1080");
	assert_string_equal(t->headers[0], "X-A: 1");
	assert_string_equal(t->headers[1], "X-B: two");
	assert_string_equal(t->headers[2], "X-C: 3");
	assert_null(t->headers[3]);
	assert_true(t->allow_http);
	assert_true(t->allow_private);
	assert_false(t->derive.map_users);
	assert_false(t->derive.map_teams);
	assert_true(t->derive.critical_only);
	assert_int_equal(t->derive.ignore_count, 3);
	assert_int_equal(t->derive.ignore_policies[0], 3);
	assert_int_equal(t->derive.ignore_policies[1], 7);
	assert_int_equal(t->derive.ignore_policies[2], UINT32_MAX);
	assert_int_equal(t->derive.owner_precedence_count, 2);
	assert_int_equal(t->derive.owner_precedence[0], OWNER_IDP);
	assert_int_equal(t->derive.owner_precedence[1], OWNER_CUSTOM);
	assert_int_equal(t->stale_after_s, 36 * 3600);
	assert_int_equal(t->limits.page_hosts, 1000);
	assert_int_equal(t->limits.details, 250);
	assert_int_equal(t->limits.body_bytes, 1 << 30);
	assert_int_equal(t->limits.host_bytes, 65536);
	assert_int_equal(t->limits.first_byte_ms, 1000);
	assert_int_equal(t->limits.request_ms, 3600000);
	conf_free(c);
	buf_release(&b);
}

/* Spellings of the file that must not matter. */
static void accepted(void **state)
{
	static const char *const texts[] = {
		"\xef\xbb\xbf" TENANT,
		"---\n" TENANT "...\n",
		"tenants:\r\n- name: a\r\n  url: a.example\r\n  token_file: token\r\n",
		"{tenants: [{name: a, url: a.example, token_file: token}]}",
		"tenants:\n- name: &n a\n  url: a.example\n  token_file: &f token\n- name: b\n  url: "
		"b.example\n"
		"  token_file: *f\n  headers: {X-A: *n}\n",
		"tenants:\n- name: a\n  url: 'a.example'\n  token_file: full\n  allow_http: \"true\"\n",
		"tenants:\n- name: 0123456789012345678901234567890123456789012345678901234567890_.-\n  url: "
		"a.example\n"
		"  token_file: token\n",
		"tenants:\n- name: a\n  url: >\n    a.example\n  token_file: |\n    token\n",
		"tenants:\n- name: a\n  url: a.example\n  token_file: token\n  owner_precedence: []\n  "
		"headers: []\n"
		"  compliance: {ignore_policies: []}\n  limits: {}\n",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct buf b;
		conf_free(parse(texts[i], strlen(texts[i]), &b, OK));
		buf_release(&b);
	}
}

static void loaded_from_a_file(void **state)
{
	struct buf b;
	struct conf *c = NULL;
	(void)state;
	buf_init(&b, 4096);
	put("muster.yaml", TENANT, strlen(TENANT), 0600);
	assert_int_equal(conf_load(&c, file, collect, &b), OK);
	assert_string_equal(c->tenants[0].token, "s3cr3t+/tok==");
	conf_free(c);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(conf_load(&c, file, collect, &b), E_CONFIG);
	assert_null(c);
	assert_string_equal(
		buf_cstr(&b),
		"1:1: error: the file cannot be read: No such file or directory; mend its path or "
		"permissions\n");
	buf_release(&b);
}

static void relative_to_the_file(void **state)
{
	static const char text[] = "tenants: [{name: a, url: a.example, token_file: ../token}]";
	struct conf *c = NULL;
	char here[128], want[160];
	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(conf_parse(&c, "./sub/muster.yaml", text, sizeof(text) - 1, ignore, NULL), OK);
	snprintf(want, sizeof(want), "%s/sub/var/store", folder);
	assert_string_equal(c->store_path, want);
	conf_free(c);
	assert_int_equal(conf_parse(&c, "muster.yaml", TENANT, strlen(TENANT), ignore, NULL), OK);
	snprintf(want, sizeof(want), "%s/var/store", folder);
	assert_string_equal(c->store_path, want);
	conf_free(c);
	assert_int_equal(chdir(here), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything_set),
		cmocka_unit_test(accepted),
		cmocka_unit_test(loaded_from_a_file),
		cmocka_unit_test(relative_to_the_file),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
