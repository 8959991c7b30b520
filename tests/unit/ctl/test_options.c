#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ctl/options.h"

enum { ARGS_MAX = 8 };

static int parse(struct ctl_options *o, const char *const *args, struct err *e)
{
	char *argv[ARGS_MAX + 2] = { (char *)"musterctl" };
	int argc = 1;
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	*e = (struct err){ 0 };
	return options_parse(o, argc, argv, e);
}

static void good(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		size_t words;
		uint64_t given;
	} rows[] = {
		{ { NULL }, 0, 0 },
		{ { "tenants", NULL }, 1, 0 },
		{ { "--store", "x", "tenants", NULL }, 1, OPTION_STORE },
		{ { "tenants", "--store=x", NULL }, 1, OPTION_STORE },
		{ { "devices", "--state", "noncompliant", "acme", NULL }, 2, OPTION_STATE },
		{ { "device", "acme", "--", "--json", NULL }, 3, 0 },
		{ { "device", "acme", "-", NULL }, 3, 0 },
		{ { "changes", "acme", "--since=0", "--json", NULL }, 2, OPTION_SINCE | OPTION_JSON },
		{ { "--json", "--json", NULL }, 0, OPTION_JSON },
		{ { "-h", NULL }, 0, OPTION_HELP },
		{ { "--owner=", "devices", NULL }, 1, OPTION_OWNER },
		{ { "sync", "--all", "--wait", NULL }, 1, OPTION_ALL | OPTION_WAIT },
		{ { "--header", "a: b", "--header=c: d", NULL }, 0, OPTION_HEADER },
		{ { "--socket", "s", "status", NULL }, 1, OPTION_SOCKET },
		{ { "summary", "--stale-after", "12h", NULL }, 1, OPTION_STALE_AFTER },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ctl_options o;
		struct err e;
		assert_int_equal(parse(&o, rows[i].args, &e), OK);
		assert_int_equal(o.word_count, rows[i].words);
		assert_true(o.given == rows[i].given);
	}
}

static void values(void **state)
{
	static const char *const args[] = { "devices", "acme",        "--store=s",
					    "--owner", "a@b.example", "--stale-after=2d",
					    "--csv",   NULL };
	static const char *const since[] = { "changes", "--since", "18446744073709551615", NULL };
	struct ctl_options o;
	struct err e;
	(void)state;
	assert_int_equal(parse(&o, args, &e), OK);
	assert_string_equal(o.store, "s");
	assert_string_equal(o.owner, "a@b.example");
	assert_string_equal(o.words[1], "acme");
	assert_int_equal(o.stale_after_s, 172800);
	assert_int_equal(o.format, OUTPUT_CSV);
	assert_int_equal(parse(&o, since, &e), OK);
	assert_int_equal(o.since, UINT64_MAX);
	assert_int_equal(o.stale_after_s, 0);
}

static void refused(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *says;
	} rows[] = {
		{ { "--jsn", NULL }, "did you mean \"--json\"?" },
		{ { "--plattform", "macos", NULL }, "did you mean \"--platform\"?" },
		{ { "--frobnicate", NULL }, "unknown option \"--frobnicate\"" },
		{ { "-j", NULL }, "two dashes" },
		{ { "--store", NULL }, "has no value" },
		{ { "--store=", NULL }, "is empty" },
		{ { "--json=yes", NULL }, "takes no value" },
		{ { "--json", "--csv", NULL }, "exclude each other" },
		{ { "--since", "-1", NULL }, "wants a sequence number" },
		{ { "--since", "12x", NULL }, "wants a sequence number" },
		{ { "--since", "", NULL }, "wants a sequence number" },
		{ { "--since", "18446744073709551616", NULL }, "wants a sequence number" },
		{ { "--stale-after", "soon", NULL }, "wants a time" },
		{ { "--stale-after", "0", NULL }, "wants a time" },
		{ { "--state", "noncompilant", NULL }, "did you mean \"noncompliant\"?" },
		{ { "--store", "a", "--socket", "b", NULL }, "exclude each other" },
		{ { "--socket=", NULL }, "is empty" },
		{ { "--count", "many", NULL }, "wants the number" },
		{ { "--token", "secret", NULL }, "unknown option \"--token\"" },
		{ { "--yes=no", NULL }, "takes no value" },
		{ { "a", "b", "c", "d", "e", NULL }, "too many words" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ctl_options o;
		struct err e;
		assert_int_equal(parse(&o, rows[i].args, &e), E_CONFIG);
		if (!strstr(e.text, rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, rows[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(values),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
