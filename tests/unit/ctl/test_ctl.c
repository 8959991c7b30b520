#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "muster/exit.h"
#include "unit/ctl/lines.h"
#include "unit/query/small_store.h"

#include <locale.h>
#include <stdlib.h>

/* ---- running a command line ---- */

struct ran {
	char *out, *complaints;
	int code;
};

static struct ran run(const char *const *args, const char *store, unsigned width)
{
	struct ran r;
	size_t out_n, complaints_n;
	char *argv[10] = { (char *)"musterctl" };
	int argc = 1;
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	static const char *const no_sockets[] = { "/nowhere/admin.sock", NULL };
	struct ctl_surroundings s = {
		.out = open_memstream(&r.out, &out_n),
		.complaints = open_memstream(&r.complaints, &complaints_n),
		.terminal = width > 0,
		.width = width,
		.in = -1,
		.usual_sockets = no_sockets,
		.usual_store = store,
		.now = NOW,
	};
	r.code = ctl_run(argc, argv, &s);
	fclose(s.out);
	fclose(s.complaints);
	return r;
}

static void ran_free(struct ran *r)
{
	free(r->out);
	free(r->complaints);
}

static void says(const struct ran *r, const char *text, const char *what)
{
	if (what && !strstr(text, what))
		fail_msg("no \"%s\" in:\n%s%s", what, r->out, r->complaints);
}

enum { ARGS_MAX = 8, WORDS_MAX = 8 };

static void commands(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		int code;
		const char *says[WORDS_MAX];
		const char * not ;
	} rows[] = {
		{ { "tenants" },
		  1,
		  { "acme", "4.76.0", "observer", "premium", "globex",
		    "globex: the last sync failed: the token was refused by" },
		  NULL },
		{ { "tenants", "--json" },
		  1,
		  { "{\"tenant\":\"acme\",\"devices\":3,", "\"result\":\"failed\",\"error\":\"token\"" },
		  "REASON" },
		{ { "summary" }, 1, { "Compliance\nTENANT", "Disk encryption", "(all)" }, NULL },
		{ { "summary", "acme" }, 0, { "acme" }, "(all)" },
		{ { "summary", "acme", "--json" },
		  0,
		  { "\"compliance\":{", "\"compliant\":2", "\"online\":3", "\"missing\":1", "\"held\":1" },
		  NULL },
		{ { "summary", "--csv" },
		  1,
		  { "tenant,devices,compliant,noncompliant", "acme,3,2,0" },
		  "(all)" },
		{ { "devices", "acme" }, 0, { "mac-1", "C02XA1", "jane@acme.example", "compliant" }, NULL },
		{ { "devices", "acme", "--state", "noncompliant" }, 0, { "0 of 3 devices" }, "mac-1" },
		{ { "devices", "acme", "--state", "compliant" },
		  0,
		  { "mac-1", "2 of 3 devices" },
		  "linux-3" },
		{ { "devices", "acme", "--platform", "macOS" }, 0, { "mac-1", "1 of 3 devices" }, "linux-3" },
		{ { "devices", "acme", "--platform", "ubuntu" },
		  0,
		  { "linux-3", "1 of 3 devices" },
		  "mac-1" },
		{ { "devices", "acme", "--owner", "Jane@acme.example" },
		  0,
		  { "mac-1", "1 of 3 devices" },
		  "linux-3" },
		{ { "devices", "acme", "--group", "work stations" },
		  0,
		  { "mac-1", "1 of 3 devices" },
		  "linux-3" },
		{ { "devices", "acme", "--group", "work" }, 0, { "0 of 3 devices" }, "mac-1" },
		{ { "devices", "acme", "--owner=jane@acme.example", "--platform=linux" },
		  0,
		  { "0 of 3 devices" },
		  NULL },
		{ { "devices", "acme", "--csv" },
		  0,
		  { "tenant,id,name,serial", "acme,12,\xef\xbf\xbd[31mwin 2,'=S2," },
		  NULL },
		{ { "devices", "acme", "--json" },
		  0,
		  { "{\"tenant\":\"acme\",\"id\":11,", "\\u001b[31mwin\\n2", "\"online\":true}" },
		  NULL },
		{ { "devices", "globex" }, 0, { "has no devices yet" }, NULL },
		{ { "device", "acme", "11" },
		  0,
		  { "mac-1 of tenant acme", "C02XA1", "jane@acme.example (custom)", "Work Stations" },
		  NULL },
		{ { "device", "acme", "c02xa1" }, 0, { "mac-1 of tenant acme" }, NULL },
		{ { "device", "acme", "aaaaaaaa-0000-4000-8000-000000000001" },
		  0,
		  { "mac-1 of tenant acme" },
		  NULL },
		{ { "device", "acme", "11", "--json" },
		  0,
		  { "{\"id\":1,\"result\":\"pass\",\"critical\":true,\"name\":\"Disk \\\"encrypted\\\"\"}" },
		  NULL },
		{ { "device", "acme", "14" },
		  1,
		  { "no device of tenant \"acme\" has the id, serial or uuid \"14\"" },
		  NULL },
		{ { "changes", "acme" },
		  0,
		  { "baseline", "3 devices", "changed", "mac-1",
		    "compliance.state: noncompliant -> compliant" },
		  NULL },
		{ { "changes", "acme", "--csv" },
		  0,
		  { "seq,at,kind,id,device,serial,fields,what\r\n1,", "\"compliance.state, " },
		  NULL },
		{ { "tenants", "--csv" },
		  1,
		  { "failed,token,\"the token was refused by "
		    "\xef\xbf\xbd[31m\"\"fleet.example\"\"\",none,0" },
		  NULL },
		{ { "changes", "acme", "--since", "1" }, 0, { "changed" }, "baseline" },
		{ { "changes", "acme", "--since", "2" },
		  0,
		  { "no changes after 2: tenant \"acme\" is at 2" },
		  NULL },
		{ { "changes", "acme", "--json" }, 0, { "{\"seq\":1," }, "what" },
		{ { "deletions" },
		  0,
		  { "acme", "held", "musterd --config muster.yaml --once --accept-deletions acme=1" },
		  "globex" },
		{ { "deletions", "acme" },
		  0,
		  { "linux-3", "S3", "1 h ago", "--accept-deletions acme=1" },
		  "mac-1" },
		{ { "deletions", "globex" }, 0, { "no device of tenant \"globex\" is missing" }, NULL },
		{ { "deletions", "acme", "--json" },
		  0,
		  { "{\"id\":13,", "\"device\":{\"name\":\"linux-3\",\"serial\":\"S3\",\"owner\":null}}" },
		  NULL },
		{ { "rejects", "acme" }, 0, { "99", "the id is no number" }, "\x01" },
		{ { "rejects", "globex" }, 0, { "no host was rejected of tenant \"globex\"" }, NULL },
		{ { "tombstones", "acme" }, 0, { "no device was deleted" }, NULL },
		{ { "verify" }, 0, { "the store is sound: 2 tenants, 3 devices" }, NULL },
		{ { "devices", "acne" },
		  1,
		  { "no tenant is called \"acne\": did you mean \"acme\"?" },
		  NULL },
		{ { "devices", "somebody-else" }, 1, { "\"musterctl tenants\" lists them" }, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ran r = run(rows[i].args, folder, 0);
		char *both;
		assert_true(asprintf(&both, "%s%s", r.out, r.complaints) >= 0);
		if (r.code != rows[i].code)
			fail_msg("%s: exit code %d\n%s", rows[i].args[0], r.code, both);
		for (size_t k = 0; k < WORDS_MAX && rows[i].says[k]; k++)
			says(&r, both, rows[i].says[k]);
		if (rows[i].not &&strstr(both, rows[i].not ))
			fail_msg("%s: \"%s\" is in:\n%s", rows[i].args[0], rows[i].not, both);
		assert_null(strchr(both, '\x1b'));
		free(both);
		ran_free(&r);
	}
}

static void without_a_store(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		int code;
		const char *says;
	} rows[] = {
		{ { NULL }, 2, "no command was given" },
		{ { "devcies" }, 2, "unknown command \"devcies\": did you mean \"devices\"?" },
		{ { "frobnicate" }, 2, "\"musterctl help\" lists them" },
		{ { "devices" }, 2, "\"devices\" misses an argument: musterctl devices TENANT" },
		{ { "tenants", "acme" }, 2, "\"acme\" is one argument too many" },
		{ { "tenants", "--state", "compliant" }, 2, "\"--state\" does not belong to \"tenants\"" },
		{ { "--jsno", "tenants" }, 2, "did you mean \"--json\"?" },
		{ { "help" }, 0, "Commands:" },
		{ { "--help" }, 0, "Commands:" },
		{ { "help", "devices" }, 0, "--owner EMAIL" },
		{ { "devices", "--help" }, 0, "Usage: musterctl devices TENANT" },
		{ { "help", "devcies" }, 2, "did you mean \"devices\"?" },
		{ { "version" }, 0, "musterctl " MUSTER_VERSION },
		{ { "--version" }, 0, "musterctl " MUSTER_VERSION },
		{ { "version", "--json" }, 0, "\"store_format\":4}" },
		{ { "tenants" }, 4, "/nowhere/store" },
		{ { "tenant" }, 2, "\"tenant\" alone is no command: it goes on with list, show, add" },
		{ { "tenant", "shwo" }, 2, "did you mean \"tenant show\"?" },
		{ { "tenant", "frobnicate" }, 2, "\"tenant\" goes on with list" },
		{ { "tenat", "list" }, 2, "did you mean \"tenant list\"?" },
		{ { "deletions", "accpet", "acme" }, 2, "did you mean \"deletions accept\"?" },
		{ { "tenant", "show" }, 2, "\"tenant show\" misses an argument" },
		{ { "tenant", "list", "acme" }, 2, "\"acme\" is one argument too many" },
		{ { "help", "tenant", "add" }, 0, "--token-file FILE" },
		{ { "help", "devices", "acme" }, 2, "not part of a command's name" },
		{ { "status" },
		  7,
		  "\"status\" needs the daemon, and none listens at /nowhere/admin.sock: start musterd" },
		{ { "status", "--socket", "/nowhere/s" }, 7, "no daemon listens at \"/nowhere/s\"" },
		{ { "tenants", "--socket", "/nowhere/s" }, 7, "no daemon listens at \"/nowhere/s\"" },
		{ { "status", "--store", "x" }, 2, "give --socket PATH instead of --store" },
		{ { "changes", "acme", "--follow", "--store", "x" },
		  2,
		  "\"changes --follow\" needs the daemon" },
		{ { "changes", "acme", "--follow" }, 7, "needs the daemon" },
		{ { "tenants", "--socket", "a", "--store", "b" }, 2, "exclude each other" },
		{ { "--store", "/nowhere/else", "tenants" }, 4, "/nowhere/else" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ran r = run(rows[i].args, "/nowhere/store", 0);
		if (r.code != rows[i].code)
			fail_msg("%s: exit code %d\n%s%s", rows[i].args[0], r.code, r.out, r.complaints);
		says(&r, rows[i].code ? r.complaints : r.out, rows[i].says);
		ran_free(&r);
	}
}

/* Every row of the command table shows its help, and no name stands twice. */
static void the_table_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		char first[40];
		const char *name = command_table[i].name, *second = strchr(name, ' ');
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(name, " "), name);
		struct ran r =
			run((const char *[]){ "help", first, second ? second + 1 : NULL, NULL }, "x", 0);
		assert_int_equal(r.code, MUSTER_EXIT_OK);
		says(&r, r.out, command_table[i].detail);
		ran_free(&r);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(command_table[i].name, command_table[k].name);
	}
}

static void tables_fit(void **state)
{
	static const char *const lines[][3] = { { "tenants", NULL, NULL },
						{ "devices", "acme", NULL },
						{ "changes", "acme", NULL },
						{ "summary", NULL, NULL },
						{ "deletions", "acme", NULL } };
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct ran r = run(lines[i], folder, 100);
		assert_true(widest_line(r.out) <= 100);
		ran_free(&r);
	}
}

/* Whichever allocation fails: all is well, or the exit code and a sentence say
 * what is not; never a crash, never a cut list that looks whole. */
static void memory_runs_out(void **state)
{
	static const char *const lines[][5] = {
		{ "tenants" },
		{ "summary" },
		{ "devices", "acme" },
		{ "devices", "acme", "--state", "compliant" },
		{ "devices", "acme", "--csv" },
		{ "device", "acme", "C02XA1" },
		{ "device", "acme", "11", "--json" },
		{ "changes", "acme" },
		{ "deletions" },
		{ "deletions", "acme" },
		{ "rejects", "acme" },
		{ "devices", "acne" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct ran whole = run(lines[i], folder, 0);
		unsigned long n = 1, failures = 0;
		for (bool reached = true; reached; n++) {
			mem_fail_at(n, 0);
			struct ran r = run(lines[i], folder, 0);
			reached = mem_count() >= n;
			mem_fail_at(0, 0);
			if (r.code == whole.code)
				assert_string_equal(r.out, whole.out);
			else if (r.code != MUSTER_EXIT_SYSTEM || !*r.complaints)
				fail_msg("%s, allocation %lu: exit code %d\n%s%s", lines[i][0], n, r.code,
					 r.out, r.complaints);
			failures += r.code == MUSTER_EXIT_SYSTEM;
			ran_free(&r);
			assert_true(n < 10000);
		}
		assert_true(failures > 0);
		ran_free(&whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),           cmocka_unit_test(without_a_store),
		cmocka_unit_test(the_table_is_whole), cmocka_unit_test(tables_fit),
		cmocka_unit_test(memory_runs_out),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
