#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fleet/server.h"

#include <stdio.h>
#include <string.h>

#define HTML "<!DOCTYPE html><html><body>Log in</body></html>"

static void versions(void **state)
{
	static const struct {
		const char *body;
		int rc;
		const char *version;
		int major, minor;
	} rows[] = {
		{ "{\n  \"version\": \"4.86.2\",\n  \"branch\": \"main\",\n  \"go_version\": \"go1.24\"\n}\n",
		  OK, "4.86.2", 4, 86 },
		{ "{\"version\":\"4.93.0-rc.2610211518\"}", OK, "4.93.0-rc.2610211518", 4, 93 },
		{ "{\"version\":\"v4.36.0\"}", OK, "v4.36.0", 4, 36 },
		{ "{\"version\":\"4.100\"}", OK, "4.100", 4, 100 },
		{ "{\"version\":\"0.0.0-SNAPSHOT\"}", OK, "0.0.0-SNAPSHOT", 0, 0 },
		{ "{\"version\":\"garbage\"}", OK, "garbage", 0, 0 },
		{ "{\"version\":\"\"}", OK, "", 0, 0 },
		{ "{\"version\":\"4\"}", OK, "4", 0, 0 },
		{ "{\"version\":\"4.\"}", OK, "4.", 0, 0 },
		{ "{\"version\":\"4.x\"}", OK, "4.x", 0, 0 },
		{ "{\"version\":\".86\"}", OK, ".86", 0, 0 },
		{ "{\"version\":\"-4.86\"}", OK, "-4.86", 0, 0 },
		{ "{\"version\":\"4.-1\"}", OK, "4.-1", 0, 0 },
		{ "{\"version\":\"vv4.86\"}", OK, "vv4.86", 0, 0 },
		{ "{\"version\":\"99999999999.86\"}", OK, "99999999999.86", 0, 0 },
		{ "{\"version\":\"4.99999999999\"}", OK, "4.99999999999", 0, 0 },
		{ "{\"version\":\"4.86\\n;role=admin|\\u001b[0m\"}", OK, "4.86roleadmin0m", 4, 86 },
		{ "{\"version\":\"\\u0664.86\"}", OK, ".86", 0, 0 },
		{ "{\"version\":\"4.86.2-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", OK,
		  "4.86.2-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 4, 86 },
		{ "{}", E_NOT_FLEET, NULL, 0, 0 },
		{ "{\"version\":null}", E_NOT_FLEET, NULL, 0, 0 },
		{ "{\"version\":4.86}", E_NOT_FLEET, NULL, 0, 0 },
		{ "{\"version\":{\"version\":\"4.86.2\"}}", E_NOT_FLEET, NULL, 0, 0 },
		{ "[{\"version\":\"4.86.2\"}]", E_NOT_FLEET, NULL, 0, 0 },
		{ "\"4.86.2\"", E_NOT_FLEET, NULL, 0, 0 },
		{ HTML, E_NOT_FLEET, NULL, 0, 0 },
		{ "", E_NOT_FLEET, NULL, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_facts f = { .version = "kept", .major = 1, .minor = 2 };
		struct err e = { 0 };
		int rc = server_read_version(&f, slice_of(rows[i].body), &e);
		if (rc != rows[i].rc)
			fail_msg("%s: %s", rows[i].body, err_name(rc));
		if (rc != OK) {
			assert_int_equal(e.code, rc);
			assert_non_null(strstr(e.text, "\"/version\""));
			assert_string_equal(f.version, "kept");
			continue;
		}
		assert_string_equal(f.version, rows[i].version);
		if (f.major != rows[i].major || f.minor != rows[i].minor)
			fail_msg("%s: %d.%d", rows[i].body, f.major, f.minor);
	}
	assert_int_equal(server_read_version(&(struct server_facts){ 0 }, SLICE_NONE, NULL), E_NOT_FLEET);
}

static void at_least(void **state)
{
	static const struct {
		int major, minor;
		bool want; /* 4.47 */
	} rows[] = { { 4, 47, true },  { 4, 48, true }, { 4, 46, false }, { 5, 0, true },
		     { 3, 99, false }, { 0, 0, false }, { 4, 100, true } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_facts f = { .major = rows[i].major, .minor = rows[i].minor };
		assert_int_equal(server_at_least(&f, 4, 47), rows[i].want);
	}
}

#define TEAM(id, role) "{\"id\":" #id ",\"name\":\"Workstations\",\"role\":\"" role "\",\"user_count\":3}"

static void me(void **state)
{
	static const struct {
		const char *what, *body;
		int rc;
		enum server_scope scope;
		const char *role, *teams;
		int64_t user_id;
		bool session_token;
	} rows[] = {
		{ "global observer",
		  "{\n  \"user\": {\n    \"id\": 3,\n    \"name\": \"Muster\",\n    \"global_role\": "
		  "\"observer\",\n    \"api_only\": true,\n    \"teams\": []\n  },\n  \"available_teams\": "
		  "[]\n}\n",
		  OK, SCOPE_GLOBAL, "observer", "", 3, false },
		{ "ordinary user's session",
		  "{\"user\":{\"id\":1,\"global_role\":\"admin\",\"api_only\":false,\"teams\":[]}}", OK,
		  SCOPE_GLOBAL, "admin", "", 1, true },
		{ "a server that says nothing about api_only",
		  "{\"user\":{\"id\":1,\"global_role\":\"admin\"}}", OK, SCOPE_GLOBAL, "admin", "", 1,
		  false },
		{ "api_only null", "{\"user\":{\"id\":1,\"global_role\":\"admin\",\"api_only\":null}}", OK,
		  SCOPE_GLOBAL, "admin", "", 1, false },
		{ "team user, old key",
		  "{\"user\":{\"id\":4,\"global_role\":null,\"api_only\":true,\"teams\":[" TEAM(
			  2, "observer") "," TEAM(5, "maintainer") "]}}",
		  OK, SCOPE_TEAMS, "observer", "2:observer,5:maintainer", 4, false },
		{ "team user, both keys",
		  "{\"user\":{\"id\":4,\"global_role\":null,\"teams\":[" TEAM(
			  2, "observer") "],\"fleets\":[" TEAM(2, "observer") "]}}",
		  OK, SCOPE_TEAMS, "observer", "2:observer", 4, false },
		{ "team user, new key",
		  "{\"user\":{\"id\":4,\"global_role\":null,\"fleets\":[" TEAM(2, "observer") "]}}", OK,
		  SCOPE_TEAMS, "observer", "2:observer", 4, false },
		{ "teams null, new key",
		  "{\"user\":{\"id\":4,\"teams\":null,\"fleets\":[" TEAM(2, "observer_plus") "]}}", OK,
		  SCOPE_TEAMS, "observer_plus", "2:observer_plus", 4, false },
		{ "teams in another order",
		  "{\"user\":{\"id\":4,\"teams\":[" TEAM(10, "observer") "," TEAM(9, "admin") "," TEAM(
			  2, "maintainer") "]}}",
		  OK, SCOPE_TEAMS, "maintainer", "2:maintainer,9:admin,10:observer", 4, false },
		{ "gitops of the first team only",
		  "{\"user\":{\"id\":4,\"teams\":[" TEAM(2, "gitops") "," TEAM(3, "observer") "]}}", OK,
		  SCOPE_TEAMS, "observer", "2:gitops,3:observer", 4, false },
		{ "gitops of the last team only",
		  "{\"user\":{\"id\":4,\"teams\":[" TEAM(2, "technician") "," TEAM(3, "gitops") "]}}", OK,
		  SCOPE_TEAMS, "technician", "2:technician,3:gitops", 4, false },
		{ "gitops of all teams",
		  "{\"user\":{\"id\":4,\"teams\":[" TEAM(2, "gitops") "," TEAM(3, "gitops") "]}}", OK,
		  SCOPE_TEAMS, "gitops", "2:gitops,3:gitops", 4, false },
		{ "a team without a role", "{\"user\":{\"id\":4,\"teams\":[{\"id\":2,\"role\":null}]}}", OK,
		  SCOPE_TEAMS, "", "2:", 4, false },
		{ "teams that are none", "{\"user\":{\"id\":4,\"teams\":[null,{},{\"id\":\"2\"},7]}}", OK,
		  SCOPE_NONE, "", "", 4, false },
		{ "a global role counts before teams",
		  "{\"user\":{\"id\":4,\"global_role\":\"observer\",\"teams\":[" TEAM(2, "gitops") "]}}", OK,
		  SCOPE_GLOBAL, "observer", "", 4, false },
		{ "no role", "{\"user\":{\"id\":5,\"global_role\":null,\"teams\":[]}}", OK, SCOPE_NONE, "",
		  "", 5, false },
		{ "no role, empty text", "{\"user\":{\"id\":5,\"global_role\":\"\",\"teams\":[]}}", OK,
		  SCOPE_NONE, "", "", 5, false },
		{ "no role, wrong types", "{\"user\":{\"id\":5,\"global_role\":7,\"teams\":{}}}", OK,
		  SCOPE_NONE, "", "", 5, false },
		{ "id of a wrong type", "{\"user\":{\"id\":\"5\",\"global_role\":\"observer\"}}", OK,
		  SCOPE_GLOBAL, "observer", "", 0, false },
		{ "a role that would break the fingerprint",
		  "{\"user\":{\"id\":5,\"global_role\":\"obs|er;ver\\n\"}}", OK, SCOPE_GLOBAL, "observer", "",
		  5, false },
		{ "everything null", "{\"user\":{\"id\":null,\"global_role\":null,\"teams\":null}}",
		  E_NOT_FLEET, SCOPE_UNKNOWN, NULL, NULL, 0, false },
		{ "user null", "{\"user\":null}", E_NOT_FLEET, SCOPE_UNKNOWN, NULL, NULL, 0, false },
		{ "no user", "{\"id\":5,\"global_role\":\"observer\"}", E_NOT_FLEET, SCOPE_UNKNOWN, NULL,
		  NULL, 0, false },
		{ "array", "[]", E_NOT_FLEET, SCOPE_UNKNOWN, NULL, NULL, 0, false },
		{ "log-in page", HTML, E_NOT_FLEET, SCOPE_UNKNOWN, NULL, NULL, 0, false },
		{ "nothing", "", E_NOT_FLEET, SCOPE_UNKNOWN, NULL, NULL, 0, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* what an earlier reading left must not shine through */
		struct server_facts f = { .role = "admin", .teams = "9:admin", .user_id = 77 };
		struct err e = { 0 };
		int rc = server_read_me(&f, slice_of(rows[i].body), &e);
		if (rc != rows[i].rc)
			fail_msg("%s: %s", rows[i].what, err_name(rc));
		if (rc != OK) {
			assert_non_null(strstr(e.text, "\"/me\""));
			continue;
		}
		if (f.scope != rows[i].scope || strcmp(f.role, rows[i].role) ||
		    strcmp(f.teams, rows[i].teams) || f.user_id != rows[i].user_id ||
		    f.session_token != rows[i].session_token)
			fail_msg("%s: scope %d, role %s, teams %s, user %lld", rows[i].what, f.scope, f.role,
				 f.teams, (long long)f.user_id);
	}
}

/* `count` teams of ten-digit ids; `last` is the role of the last one. */
static struct server_facts many_teams(unsigned count, const char *last, bool backwards)
{
	struct server_facts f = { 0 };
	struct buf b;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{\"user\":{\"id\":1,\"teams\":[");
	for (unsigned i = 0; i < count; i++) {
		unsigned id = backwards ? count - 1 - i : i;
		buf_printf(&b, "%s{\"id\":%u,\"role\":\"%s\"}", i ? "," : "", 1000000000 + id,
			   id + 1 == count ? last : "observer");
	}
	buf_puts(&b, "]}}");
	assert_int_equal(b.failed, 0);
	assert_int_equal(server_read_me(&f, buf_slice(&b), NULL), OK);
	buf_release(&b);
	return f;
}

static void many(void **state)
{
	(void)state;
	for (unsigned count = 1; count < 300; count++) {
		struct server_facts all = many_teams(count, "observer", false);
		struct server_facts turned = many_teams(count, "observer", true);
		struct server_facts role = many_teams(count, "admin", false);
		struct server_facts more = many_teams(count + 1, "observer", false);
		assert_int_equal(all.scope, SCOPE_TEAMS);
		assert_true(strlen(all.teams) < sizeof(all.teams));
		assert_string_equal(all.teams, turned.teams);
		/* however many there are, each of them counts */
		assert_string_not_equal(all.teams, role.teams);
		assert_string_not_equal(all.teams, more.teams);
		if (count <= 20)
			assert_null(strchr(all.teams, '+'));
	}
	assert_non_null(strchr(many_teams(300, "observer", false).teams, '+'));
}

static void me_without_memory(void **state)
{
	static const char body[] = "{\"user\":{\"id\":1,\"teams\":[" TEAM(1, "observer") "]}}";
	unsigned long n = 1;
	(void)state;
	for (; n < 50; n++) {
		struct server_facts f = { 0 };
		mem_fail_at(n, 1);
		int rc = server_read_me(&f, slice_of(body), NULL);
		mem_fail_at(0, 0);
		if (rc == OK) {
			assert_string_equal(f.teams, "1:observer");
			break;
		}
		assert_true(rc == E_NOMEM || rc == E_NOT_FLEET);
		/* never a scope that was not read */
		assert_int_equal(f.scope, SCOPE_UNKNOWN);
	}
	assert_in_range(n, 3, 49);
}

static void licences(void **state)
{
	static const struct {
		const char *body;
		int rc;
		const char *tier;
		bool premium;
	} rows[] = {
		{ "{\"license\":{\"tier\":\"premium\",\"expiration\":\"2027-01-01T00:00:00Z\"}}", OK,
		  "premium", true },
		{ "{\"license\":{\"tier\":\"free\"}}", OK, "free", false },
		{ "{\"license\":{\"tier\":\"trial\"}}", OK, "trial", true },
		{ "{\"license\":{\"tier\":\"basic\"}}", OK, "basic", true },
		{ "{\"org_info\":{\"org_name\":\"Acme\"}}", OK, "", false },
		{ "{\"license\":null}", OK, "", false },
		{ "{\"license\":{}}", OK, "", false },
		{ "{\"license\":{\"tier\":null}}", OK, "", false },
		{ "{\"license\":{\"tier\":\"\"}}", OK, "", false },
		{ "{\"license\":{\"tier\":1}}", OK, "", false },
		{ "{\"license\":\"premium\"}", OK, "", false },
		{ "{\"license\":{\"tier\":\"pre;m|ium\\n\"}}", OK, "premium", true },
		{ "{\"license\":{\"tier\":\"averyveryverylongtier\"}}", OK, "averyveryverylo", true },
		{ "{}", OK, "", false },
		{ "[]", E_NOT_FLEET, "", false },
		{ HTML, E_NOT_FLEET, "", false },
		{ "", E_NOT_FLEET, "", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_facts f = { 0 };
		if (rows[i].rc == OK)
			f = (struct server_facts){ .tier = "premium", .premium = !rows[i].premium };
		int rc = server_read_config(&f, slice_of(rows[i].body), NULL);
		if (rc != rows[i].rc || strcmp(f.tier, rows[i].tier) || f.premium != rows[i].premium)
			fail_msg("%s: %s, tier \"%s\"", rows[i].body, err_name(rc), f.tier);
	}
}

static void roles(void **state)
{
	static const struct {
		enum server_scope scope;
		const char *role;
		int rc;
	} rows[] = {
		{ SCOPE_GLOBAL, "admin", OK },
		{ SCOPE_GLOBAL, "maintainer", OK },
		{ SCOPE_GLOBAL, "observer", OK },
		{ SCOPE_GLOBAL, "observer_plus", OK },
		{ SCOPE_GLOBAL, "technician", OK },
		{ SCOPE_GLOBAL, "something_new", OK },
		{ SCOPE_GLOBAL, "gitops", E_FORBIDDEN },
		{ SCOPE_TEAMS, "observer", OK },
		{ SCOPE_TEAMS, "gitops", E_FORBIDDEN },
		{ SCOPE_NONE, "", E_FORBIDDEN },
		{ SCOPE_UNKNOWN, "", OK }, /* not allowed to ask: the list itself will tell */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_facts f = { .scope = rows[i].scope };
		struct err e = { 0 };
		snprintf(f.role, sizeof(f.role), "%s", rows[i].role);
		int rc = server_check_role(&f, &e);
		if (rc != rows[i].rc)
			fail_msg("%d %s: %s", rows[i].scope, rows[i].role, err_name(rc));
		if (rc != OK) {
			assert_int_equal(e.code, rc);
			assert_non_null(strstr(e.text, "observer"));
		}
	}
}

static void fingerprint_text(void **state)
{
	struct server_facts f = { .version = "4.86.2",
				  .user_id = 3,
				  .role = "observer",
				  .scope = SCOPE_GLOBAL,
				  .teams = "ignored",
				  .tier = "premium" };
	char out[512];
	(void)state;
	server_fingerprint(out, sizeof(out), &f, "https://fleet.acme.example", "id", "device_mapping=true");
	assert_string_equal(out, "url=https://fleet.acme.example;role=observer;teams=*|user=3;tier=premium;"
				 "version=4.86.2;order=id;params=device_mapping=true");
	f.scope = SCOPE_TEAMS;
	snprintf(f.teams, sizeof(f.teams), "2:observer");
	server_fingerprint(out, sizeof(out), &f, "https://fleet.acme.example", "h.id", "");
	assert_string_equal(out, "url=https://fleet.acme.example;role=observer;teams=2:observer|user=3;"
				 "tier=premium;version=4.86.2;order=h.id;params=");
}

static const struct server_facts plain = { .version = "4.86.2",
					   .major = 4,
					   .minor = 86,
					   .user_id = 3,
					   .role = "observer",
					   .scope = SCOPE_GLOBAL,
					   .tier = "premium",
					   .premium = true };

static void scopes(void **state)
{
	static const struct {
		const char *what;
		const char *version, *role, *teams, *tier, *url, *order, *params;
		int64_t user_id;
		enum server_scope scope;
		bool same_scope;
	} rows[] = {
		{ "nothing", "4.86.2", "observer", "", "premium", "https://a.example", "id", "p", 3,
		  SCOPE_GLOBAL, true },
		{ "version", "4.93.0", "observer", "", "premium", "https://a.example", "id", "p", 3,
		  SCOPE_GLOBAL, true },
		{ "tier", "4.86.2", "observer", "", "free", "https://a.example", "id", "p", 3, SCOPE_GLOBAL,
		  true },
		{ "user", "4.86.2", "observer", "", "premium", "https://a.example", "id", "p", 4,
		  SCOPE_GLOBAL, true },
		{ "order", "4.86.2", "observer", "", "premium", "https://a.example", "h.id", "p", 3,
		  SCOPE_GLOBAL, true },
		{ "params", "4.86.2", "observer", "", "premium", "https://a.example", "id", "", 3,
		  SCOPE_GLOBAL, true },
		{ "role", "4.86.2", "admin", "", "premium", "https://a.example", "id", "p", 3, SCOPE_GLOBAL,
		  false },
		{ "global to a team", "4.86.2", "observer", "2:observer", "premium", "https://a.example",
		  "id", "p", 3, SCOPE_TEAMS, false },
		{ "unknown", "4.86.2", "", "", "premium", "https://a.example", "id", "p", 3, SCOPE_UNKNOWN,
		  false },
		{ "address", "4.86.2", "observer", "", "premium", "https://b.example", "id", "p", 3,
		  SCOPE_GLOBAL, false },
		{ "longer address", "4.86.2", "observer", "", "premium", "https://a.example/p", "id", "p", 3,
		  SCOPE_GLOBAL, false },
	};
	char a[1024], b[1024];
	(void)state;
	server_fingerprint(a, sizeof(a), &plain, "https://a.example", "id", "p");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_facts f = { .user_id = rows[i].user_id, .scope = rows[i].scope };
		snprintf(f.version, sizeof(f.version), "%s", rows[i].version);
		snprintf(f.role, sizeof(f.role), "%s", rows[i].role);
		snprintf(f.teams, sizeof(f.teams), "%s", rows[i].teams);
		snprintf(f.tier, sizeof(f.tier), "%s", rows[i].tier);
		server_fingerprint(b, sizeof(b), &f, rows[i].url, rows[i].order, rows[i].params);
		/* each change makes another fingerprint; only some another scope */
		if ((strcmp(a, b) == 0) != (i == 0))
			fail_msg("%s: %s", rows[i].what, b);
		if (server_same_scope(a, b) != rows[i].same_scope ||
		    server_same_scope(b, a) != rows[i].same_scope)
			fail_msg("%s: %s scope", rows[i].what, rows[i].same_scope ? "another" : "the same");
	}
}

static void scope_of_teams(void **state)
{
	static const char *const teams[] = { "2:observer", "2:maintainer",
					     "3:observer", "2:observer,3:observer",
					     "",           "2:observer,3:observ" };
	enum { TEAMS = sizeof(teams) / sizeof(teams[0]) };
	char text[TEAMS][512];
	(void)state;
	for (size_t i = 0; i < TEAMS; i++) {
		struct server_facts f = { .scope = SCOPE_TEAMS, .role = "observer" };
		snprintf(f.teams, sizeof(f.teams), "%s", teams[i]);
		server_fingerprint(text[i], sizeof(text[i]), &f, "https://a.example", "id", "");
	}
	for (size_t i = 0; i < TEAMS; i++)
		for (size_t k = 0; k < TEAMS; k++)
			assert_int_equal(server_same_scope(text[i], text[k]), i == k);
}

static void odd_fingerprints(void **state)
{
	struct server_facts admin = plain;
	char a[1024], b[1024];
	(void)state;
	/* a bar in the address hides neither role nor teams */
	snprintf(admin.role, sizeof(admin.role), "admin");
	server_fingerprint(a, sizeof(a), &plain, "https://a.example/x|y", "id", "p");
	server_fingerprint(b, sizeof(b), &admin, "https://a.example/x|y", "id", "p");
	assert_true(server_same_scope(a, a));
	assert_false(server_same_scope(a, b));
	/* where the scope is not whole, nothing is known to be the same */
	for (size_t room = 1; room < sizeof(a); room++) {
		char small[sizeof(a)];
		server_fingerprint(small, room, &plain, "https://a.example", "id", "p");
		assert_true(strlen(small) < room);
		assert_int_equal(server_same_scope(small, small), strchr(small, '|') != NULL);
	}
	assert_false(server_same_scope("", ""));
	assert_false(server_same_scope("", a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(at_least),
		cmocka_unit_test(me),
		cmocka_unit_test(many),
		cmocka_unit_test(me_without_memory),
		cmocka_unit_test(licences),
		cmocka_unit_test(roles),
		cmocka_unit_test(fingerprint_text),
		cmocka_unit_test(scopes),
		cmocka_unit_test(scope_of_teams),
		cmocka_unit_test(odd_fingerprints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
