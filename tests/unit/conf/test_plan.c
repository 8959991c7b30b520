/* What differs between two snapshots. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "conf/plan.h"
#include "unit/conf/parsing.h"

#include <stdio.h>

static const char *const kinds[PLAN_KINDS] = { "setting", "restart", "removed",
					       "added",   "changed", "unchanged" };

static void show(const struct plan *p, struct buf *out)
{
	size_t counts[PLAN_KINDS] = { 0 };
	for (size_t i = 0; i < p->count; i++) {
		const struct plan_row *r = &p->rows[i];
		counts[r->kind]++;
		buf_printf(out, "%s %s", kinds[r->kind], r->name);
		if (r->old)
			buf_printf(out, ": %s -> %s", r->old, r->fresh);
		if (r->settings)
			buf_printf(out, ": %s%s", r->settings, r->server ? " (another server)" : "");
		buf_putc(out, '\n');
		assert_int_equal(!r->was, r->kind == PLAN_ADDED || r->kind < PLAN_REMOVED);
		assert_int_equal(!r->now, r->kind == PLAN_REMOVED || r->kind < PLAN_REMOVED);
	}
	assert_memory_equal(counts, p->counts, sizeof(counts));
	if (p->defaults)
		buf_puts(out, "defaults\n");
}

static void differ(const char *was, const char *now, const char *want)
{
	struct buf b1, b2, got;
	struct plan *p;
	struct conf *a = parse(was, strlen(was), &b1, OK), *b = parse(now, strlen(now), &b2, OK);
	buf_init(&got, 1 << 20);
	assert_int_equal(plan_make(&p, a, b), OK);
	show(p, &got);
	assert_null(strstr(buf_cstr(&got), "s3cr3t"));
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("from\n%s\nto\n%s\nwanted\n%s\ngot\n%s", was, now, want, buf_cstr(&got));
	plan_free(p);
	conf_free(a);
	conf_free(b);
	buf_release(&b1);
	buf_release(&b2);
	buf_release(&got);
}

#define A(more) "tenants:\n- {name: a, url: a.example, token_file: token" more "}\n"

static void settings_of_the_daemon(void **state)
{
	static const struct {
		const char *more, *want;
	} rows[] = {
		{ "log: {level: notice, groups: {}}\n", "" },
		{ "log: {level: debug}\n", "setting log.level: \"notice\" -> \"debug\"\n" },
		{ "log: {groups: {sync: info}}\n", "setting log.groups: {} -> {\"sync\":\"info\"}\n" },
		{ "log: {format: json}\n", "setting log.format: \"text\" -> \"json\"\n" },
		{ "limits: {transfers: 1}\n", "setting limits.transfers: 256 -> 1\n" },
		{ "retention: {audit: 1w, changes: 48h}\n",
		  "setting retention.changes: \"30d\" -> \"2d\"\n"
		  "setting retention.audit: \"forever\" -> \"1w\"\n" },
		{ "store: {path: /s}\nadmin: {socket: none}\nhttp: {listen: '127.0.0.1:0'}\n"
		  "secrets: {key_file: /k}\nlimits: {transfers: 2}\n",
		  "setting limits.transfers: 256 -> 2\n"
		  "restart store.path: \"/old\" -> \"/s\"\n"
		  "restart admin.socket: \"/old.sock\" -> null\n"
		  "restart http.listen: \"none\" -> \"127.0.0.1:0\"\n"
		  "restart secrets.key_file: null -> \"/k\"\n" },
	};
	static const char fixed[] = "store: {path: /old}\nadmin: {socket: /old.sock}\n";
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char was[256], now[512], want[512];
		bool replaced = strstr(rows[i].more, "store:");
		snprintf(was, sizeof(was), A("") "%s", fixed);
		snprintf(now, sizeof(now), A("") "%s%s", replaced ? "" : fixed, rows[i].more);
		snprintf(want, sizeof(want), "%sunchanged a\n", rows[i].want);
		differ(was, now, want);
	}
}

static void settings_of_a_tenant(void **state)
{
	static const struct {
		const char *was, *now, *want;
	} rows[] = {
		{ A(""), A(", interval: 60m, limits: {page_hosts: auto}"), "unchanged a\n" },
		{ A(""), "# moved\n\n\n" A(""), "unchanged a\n" },
		{ A(""), A(", interval: 2h, limits: {page_hosts: 50}"),
		  "changed a: interval, limits.page_hosts\n" },
		{ A(", compliance: {ignore_policies: [1, 2]}"), A(", compliance: {ignore_policies: [2, 1]}"),
		  "unchanged a\n" },
		{ A(", compliance: {ignore_policies: [1, 2]}"), A(", compliance: {ignore_policies: [1]}"),
		  "changed a: compliance.ignore_policies\n" },
		{ A(", owner_precedence: [idp]"), A(", owner_precedence: [custom]"),
		  "changed a: owner_precedence\n" },
		{ A(", headers: ['X-A: s3cr3t']"), A(", headers: ['X-A: s3cr3t2']"), "changed a: headers\n" },
		{ A(", headers: ['X-A: 1']"), A(", headers: ['X-A: 1', 'X-B: 1']"), "changed a: headers\n" },
		{ A(", headers: ['X-A: 1']"), A(", headers: {X-A: 1}"), "unchanged a\n" },
		{ A(", proxy: 'u:s3cr3t@p:1'"), A(", proxy: 'u:s3cr3t2@p:1'"), "changed a: proxy\n" },
		{ A(", ca_file: ca.pem"), A(""), "changed a: ca_file\n" },
		{ A(", allow_http: true"), A(""), "changed a: allow_http\n" },
		{ "tenants: [{name: a, url: a.example, token_file: token}]",
		  "tenants: [{name: a, url: a.example, token_env: MUSTER_TEST_TOKEN}]",
		  "changed a: token_file, token_env, token\n" },
		{ "tenants: [{name: a, url: a.example, token_file: token}]",
		  "tenants: [{name: a, url: a.example/p, token_file: token}]", "changed a: url\n" },
		{ "tenants: [{name: a, url: a.example, token_file: token}]",
		  "tenants: [{name: a, url: 'a.example:8443', token_file: token}]",
		  "changed a: url (another server)\n" },
		{ "tenants: [{name: a, url: a.example, token_file: token}]",
		  "tenants: [{name: a, url: a.example.net, token_file: token}]",
		  "changed a: url (another server)\n" },
		{ A(""), "defaults: {interval: 2h}\n" A(""), "changed a: interval\ndefaults\n" },
		{ A(", interval: 2h"), "defaults: {interval: 3h}\n" A(", interval: 2h"),
		  "unchanged a\ndefaults\n" },
		{ A(", interval: 2h"), "defaults: {interval: 2h}\n" A(""), "unchanged a\ndefaults\n" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		differ(rows[i].was, rows[i].now, rows[i].want);
}

#define T(name, more) "- {name: " name ", url: " name ".example, token_file: token" more "}\n"
static void tenants_that_come_and_go(void **state)
{
	(void)state;
	differ("tenants:\n" T("d", "") T("b", "") T("a", "") T("c", ""),
	       "tenants:\n" T("e", "") T("a", ", map_users: false") T("0", "") T("c", ""),
	       "removed b\nremoved d\nadded 0\nadded e\nchanged a: map_users\nunchanged c\n");
	differ("secrets: {key_file: k}\n", "secrets: {key_file: k}\n", "");
	differ("secrets: {key_file: k}\n", "secrets: {key_file: k}\ntenants:\n" T("a", ""), "added a\n");
}

static void servers(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "https://a.example", "https://a.example", true },
		{ "https://a.example", "https://a.example/fleet", true },
		{ "https://a.example/x", "https://a.example/y", true },
		{ "https://a.example", "http://a.example", false },
		{ "https://a.example", "https://a.example:8443", false },
		{ "https://a.example", "https://a.example.net", false },
		{ "https://[::1]:1/a", "https://[::1]:1", true },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (plan_same_server(rows[i].a, rows[i].b) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
}

static void no_memory(void **state)
{
	static const char was[] = "tenants:\n" T("a", "") T("b", "");
	static const char now[] = "limits: {transfers: 1}\ntenants:\n" T("a", ", interval: 2h") T("c", "");
	struct buf b1, b2;
	struct conf *a = parse(was, sizeof(was) - 1, &b1, OK), *b = parse(now, sizeof(now) - 1, &b2, OK);
	(void)state;
	for (unsigned long n = 1, used = n; used >= n; n++) {
		struct plan *p;
		mem_fail_at(n, n % 2);
		int rc = plan_make(&p, a, b);
		used = mem_count();
		mem_fail_at(0, 0);
		assert_int_equal(rc, used < n ? OK : E_NOMEM);
		assert_int_equal(!p, rc != OK);
		assert_true(rc != OK || n > 5);
		plan_free(p);
	}
	conf_free(a);
	conf_free(b);
	buf_release(&b1);
	buf_release(&b2);
}

/* A reload of many tenants stays far under a second. */
static void many_tenants(void **state)
{
	struct buf text, b1, b2;
	struct plan *p;
	(void)state;
	buf_init(&text, 1 << 20);
	buf_puts(&text, "tenants:\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "- {name: t%d, url: t%d.example, token_env: MUSTER_TEST_TOKEN}\n", i, i);
	struct conf *a = parse(text.data, text.len, &b1, OK), *b = parse(text.data, text.len, &b2, OK);
	assert_int_equal(plan_make(&p, a, b), OK);
	assert_int_equal(p->count, 10000);
	assert_int_equal(p->counts[PLAN_UNCHANGED], 10000);
	plan_free(p);
	conf_free(a);
	conf_free(b);
	buf_release(&text);
	buf_release(&b1);
	buf_release(&b2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_of_the_daemon),
		cmocka_unit_test(settings_of_a_tenant),
		cmocka_unit_test(tenants_that_come_and_go),
		cmocka_unit_test(servers),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(many_tenants),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
