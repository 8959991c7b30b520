/* What is said of the daemon and of all tenants together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "unit/conf/parsing.h"

#include <stdio.h>

static void standard_values(void **state)
{
	struct buf b;
	char path[128];
	struct conf *c = parse(TENANT, strlen(TENANT), &b, OK);
	(void)state;
	snprintf(path, sizeof(path), "%s/var/admin.sock", folder);
	assert_string_equal(c->admin_socket, path);
	assert_int_equal(c->http.kind, LISTEN_NONE);
	assert_null(c->key_file);
	assert_int_equal(c->limits.transfers, 256);
	assert_int_equal(c->limits.connections, 512);
	assert_int_equal(c->limits.unproven_bytes, 256 << 20);
	assert_int_equal(c->retention.tombstones_s, 90 * 86400);
	assert_int_equal(c->retention.changes_s, 30 * 86400);
	assert_int_equal(c->retention.changes_bytes, 1 << 30);
	assert_int_equal(c->retention.rejects_s, 7 * 86400);
	assert_true(c->retention.audit_s == INT64_MAX);
	assert_int_equal(c->log.level, LOG_NOTICE);
	assert_int_equal(c->log.json, 0);
	assert_int_equal(c->log.group_count, 0);
	assert_int_equal(c->tenants[0].interval_s, 3600);
	conf_free(c);
	buf_release(&b);
}

static void all_set(void **state)
{
	static const char text[] =
		"admin: {socket: none}\n"
		"http: {listen: \"[::1]:0\"}\n"
		"secrets: {key_file: credential:muster.key}\n"
		"limits: {transfers: 1, connections: 65536, unproven_bytes: 1MiB}\n"
		"retention: {tombstones: forever, changes: 1h, changes_bytes: 1TiB, rejects: 3650d, audit: "
		"1d}\n"
		"log: {level: debug, format: json, groups: {sync: info, http_client: error}}\n";
	struct buf b;
	struct conf *c = parse(text, sizeof(text) - 1, &b, OK);
	(void)state;
	assert_null(c->admin_socket);
	assert_int_equal(c->http.kind, LISTEN_TCP);
	assert_string_equal(c->http.host, "::1");
	assert_int_equal(c->http.port, 0);
	assert_string_equal(c->key_file, "credential:muster.key");
	assert_int_equal(c->limits.transfers, 1);
	assert_int_equal(c->limits.connections, 65536);
	assert_int_equal(c->limits.unproven_bytes, 1 << 20);
	assert_true(c->retention.tombstones_s == INT64_MAX);
	assert_int_equal(c->retention.changes_s, 3600);
	assert_true(c->retention.changes_bytes == 1ull << 40);
	assert_int_equal(c->retention.rejects_s, 3650 * 86400);
	assert_int_equal(c->retention.audit_s, 86400);
	assert_int_equal(c->log.level, LOG_DEBUG);
	assert_int_equal(c->log.json, 1);
	assert_int_equal(c->log.group_count, 2);
	assert_string_equal(c->log.groups[0].group, "sync");
	assert_int_equal(c->log.groups[0].level, LOG_INFO);
	assert_string_equal(c->log.groups[1].group, "http_client");
	assert_int_equal(c->log.groups[1].level, LOG_ERROR);
	assert_int_equal(c->tenant_count, 0); /* there are secrets: they may come later */
	conf_free(c);
	buf_release(&b);
}

static void addresses_to_listen_on(void **state)
{
	static const struct {
		const char *text, *host, *path;
		enum conf_listen_kind kind;
		int port;
	} rows[] = {
		{ "127.0.0.1:9418", "127.0.0.1", NULL, LISTEN_TCP, 9418 },
		{ "0.0.0.0:65535", "0.0.0.0", NULL, LISTEN_TCP, 65535 },
		{ "[2001:db8::1]:1", "2001:db8::1", NULL, LISTEN_TCP, 1 },
		{ "unix:/run/http.sock", NULL, "/run/http.sock", LISTEN_UNIX, 0 },
		{ "none", NULL, NULL, LISTEN_NONE, 0 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		struct buf b;
		snprintf(text, sizeof(text), TENANT "http: {listen: '%s'}\n", rows[i].text);
		struct conf *c = parse(text, strlen(text), &b, OK);
		assert_int_equal(c->http.kind, rows[i].kind);
		assert_int_equal(c->http.port, rows[i].port);
		assert_int_equal(!c->http.host, !rows[i].host);
		assert_int_equal(!c->http.path, !rows[i].path);
		assert_true(!c->http.host || strcmp(c->http.host, rows[i].host) == 0);
		assert_true(!c->http.path || strcmp(c->http.path, rows[i].path) == 0);
		conf_free(c);
		buf_release(&b);
	}
}

#define WRITE_LISTEN "write 127.0.0.1:9418, [::1]:9418, unix:/run/muster/http.sock or none\n"
#define LONG_PATH                                                                                            \
	"/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456" \
	"789012345"
static const struct {
	const char *line, *want;
} mistakes[] = {
	{ "admin: {socket: " LONG_PATH "7}",
	  "5:17: error: \"socket\" is \"/01234567890123456789012345678901234567890123456789012345678...\"; a "
	  "socket's path has at most 107 bytes and this has 108; shorten it\n" },
	{ "admin: {sockets: x}",
	  "5:9: error: unknown setting \"sockets\" in \"admin\"; did you mean \"socket\"?\n" },
	{ "http: {listen: 9418}", "5:16: error: \"listen\" is \"9418\"; it has no port; " WRITE_LISTEN },
	{ "http: {listen: ':9418'}", "5:16: error: \"listen\" is \":9418\"; it has no address; write 0.0.0.0 "
				     "or [::] in front of the port to "
				     "listen on all of them\n" },
	{ "http: {listen: 'localhost:9418'}", "5:16: error: \"listen\" is \"localhost:9418\"; it begins with "
					      "no address in numbers; " WRITE_LISTEN },
	{ "http: {listen: '::1:9418'}",
	  "5:16: error: \"listen\" is \"::1:9418\"; an IPv6 address needs brackets, write [::1]:9418\n" },
	{ "http: {listen: '127.0.0.1:65536'}", "5:16: error: \"listen\" is \"127.0.0.1:65536\"; its port is "
					       "no number from 0 to 65535; write one, 0 for "
					       "any that is free\n" },
	{ "http: {listen: 'unix:'}", "5:16: error: \"listen\" is \"unix:\"; it has no path; " WRITE_LISTEN },
	{ "secrets: {}",
	  "5:1: error: \"secrets\" has no \"key_file\"; give the path of the master key's file, or "
	  "credential:NAME\n" },
	{ "secrets: {key_file: 'credential:../x'}", "5:21: error: \"key_file\" is \"credential:../x\"; write "
						    "credential: and the name of a systemd credential, "
						    "of letters, digits, dot, - and _\n" },
	{ "limits: {transfers: 0}", "5:21: error: \"transfers\" is \"0\"; it must be from 1 to 4096\n" },
	{ "limits: {transfers: auto}", "5:21: error: \"transfers\" is \"auto\"; write a whole number\n" },
	{ "limits: {transfers: 513}",
	  "5:21: error: \"connections\" is less than transfers; raise it, or lower transfers\n" },
	{ "limits: {connections: 255}",
	  "5:23: error: \"connections\" is less than transfers; raise it, or lower transfers\n" },
	{ "limits: {unproven_bytes: 1GB}",
	  "5:26: error: \"unproven_bytes\" is \"1GB\"; GB may mean 1000s or 1024s, write GiB\n" },
	{ "retention: {audit: never}", "5:20: error: \"audit\" is \"never\"; write forever, or a duration "
				       "from 1d to 3650d, such as 30d\n" },
	{ "retention: {changes: 59m}", "5:22: error: \"changes\" is \"59m\"; it must be from 1h to 3650d\n" },
	{ "log: {level: notce}", "5:14: error: \"level\" is \"notce\"; did you mean \"notice\"?\n" },
	{ "log: {level: loud}",
	  "5:14: error: \"level\" is \"loud\"; write error, warning, notice, info or debug\n" },
	{ "log: {format: xml}", "5:15: error: \"format\" is \"xml\"; write text or json\n" },
	{ "log: {groups: {sync: debg}}",
	  "5:22: error: the level of \"sync\" is \"debg\"; did you mean \"debug\"?\n" },
	{ "log: {groups: {Sync: debug}}", "5:16: error: \"groups\" has the group \"Sync\"; write the word "
					  "that log lines have as their group, such as "
					  "sync\n" },
	{ "log: {groups: {sync: debug, sync: info}}",
	  "5:29: error: \"groups\" has \"sync\" twice; remove one of them\n" },
	{ "log: {groups: sync}", "5:15: error: \"groups\" is a value where a map is wanted; give a map of "
				 "groups and their levels, such as "
				 "{sync: debug}\n" },
	{ "defaults: {name: b}", "5:12: error: \"name\" is of one tenant and no default; move it there\n" },
	{ "defaults: {token_file: token}",
	  "5:12: error: \"token_file\" is of one tenant and no default; move it there\n" },
	{ "defaults: {interval: 59s}", "5:22: error: \"interval\" is \"59s\"; it must be from 1m to 30d\n" },
	{ "defaults: {proxy: 'ftp://u:s3cr3t@x'}",
	  "5:19: error: \"proxy\" has a scheme that is no proxy's; write http, https, socks5 or socks5h\n" },
	{ "defaults: {intervall: 1h}",
	  "5:12: error: unknown setting \"intervall\" in \"defaults\"; did you mean \"interval\"?\n" },
	{ "defaults: []", "5:11: error: \"defaults\" is a list where a map is wanted; write its settings as "
			  "\"name: value\"\n" },
};

static void complaints(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		char text[512];
		snprintf(text, sizeof(text), TENANT "%s\n", mistakes[i].line);
		expect(text, mistakes[i].want);
	}
}

/* Wherever they stand in the file, and member by member. */
static void defaults_of_tenants(void **state)
{
	static const char text[] =
		"tenants:\n"
		"- {name: a, url: a.example, token_file: token}\n"
		"- {name: b, url: b.example, token_file: token, interval: 2h, map_teams: true,\n"
		"   limits: {page_hosts: 500}, headers: [], owner_precedence: [idp], proxy: 'other:1'}\n"
		"defaults:\n"
		"  interval: 5m\n"
		"  map_teams: false\n"
		"  ca_file: ca.pem\n"
		"  proxy: u:s3cr3t@proxy.example:3128\n"
		"  headers: ['X-A: 1']\n"
		"  owner_precedence: [custom]\n"
		"  compliance: {ignore_policies: [3]}\n"
		"  limits: {page_hosts: 100, host_bytes: 1MiB}\n";
	struct buf b;
	struct conf *c = parse(text, sizeof(text) - 1, &b, OK);
	const struct conf_tenant *s = &c->tenants[0], *t = &c->tenants[1];
	(void)state;
	assert_int_equal(s->interval_s, 300);
	assert_int_equal(t->interval_s, 7200);
	assert_false(s->derive.map_teams);
	assert_true(t->derive.map_teams);
	assert_string_equal(s->ca_file, t->ca_file);
	assert_string_equal(s->proxy, "http://u:s3cr3t@proxy.example:3128");
	assert_string_equal(t->proxy, "http://other:1");
	assert_string_equal(s->headers[0], "X-A: 1");
	assert_null(t->headers);
	assert_int_equal(s->derive.owner_precedence[0], OWNER_CUSTOM);
	assert_int_equal(s->derive.owner_precedence_count, 1);
	assert_int_equal(t->derive.owner_precedence[0], OWNER_IDP);
	assert_int_equal(t->derive.ignore_policies[0], 3);
	assert_int_equal(s->limits.page_hosts, 100);
	assert_int_equal(t->limits.page_hosts, 500);
	assert_int_equal(t->limits.host_bytes, 1 << 20);
	assert_int_equal(b.len, 0);
	conf_free(c);
	buf_release(&b);
}

/* What is wrong only together with a default is told at the tenant. */
static void defaults_that_clash(void **state)
{
	(void)state;
	expect("defaults: {limits: {body_bytes: 1MiB, host_bytes: 1MiB}}\n"
	       "tenants:\n"
	       "- {name: a, url: a.example, token_file: token, limits: {host_bytes: 2MiB}}\n",
	       "3:69: error: \"host_bytes\" is greater than body_bytes; lower it, or raise body_bytes\n");
	expect("defaults: {client_cert: ca.pem}\n"
	       "tenants:\n"
	       "- {name: a, url: a.example, token_file: token, client_key: ca.pem}\n",
	       "");
}

/* The tenant outlives its snapshot for as long as it is held. */
static void held_over_a_reload(void **state)
{
	struct buf b;
	struct conf *c = parse(TENANT, strlen(TENANT), &b, OK);
	const struct conf_tenant *t = conf_tenant_hold(&c->tenants[0]);
	(void)state;
	conf_free(c);
	assert_string_equal(t->token, "s3cr3t+/tok==");
	assert_string_equal(t->file, file);
	assert_int_equal(t->line, 2);
	conf_tenant_release(t);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_values),        cmocka_unit_test(all_set),
		cmocka_unit_test(addresses_to_listen_on), cmocka_unit_test(complaints),
		cmocka_unit_test(defaults_of_tenants),    cmocka_unit_test(defaults_that_clash),
		cmocka_unit_test(held_over_a_reload),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
