/* Tenants in files of their own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "unit/conf/parsing.h"

#include <stdio.h>
#include <stdlib.h>

/* Whole lines, the folder as @. */
static void collect_all(void *arg, const char *text)
{
	struct buf *b = arg;
	size_t n = strlen(folder);
	assert_null(strstr(text, "s3cr3t"));
	for (; *text; text++)
		if (strncmp(text, folder, n) == 0) {
			buf_putc(b, '@');
			text += n - 1;
		} else {
			buf_putc(b, *text);
		}
	buf_putc(b, '\n');
}

static struct conf *load(const char *main_file, struct buf *complaints, int want)
{
	struct conf *c = NULL;
	put("muster.yaml", main_file, strlen(main_file), 0600);
	buf_init(complaints, 1 << 20);
	int rc = conf_load(&c, file, collect_all, complaints);
	if (rc != want)
		fail_msg("rc=%d for\n%s\n%s", rc, main_file, buf_cstr(complaints));
	return c;
}

static void complains(const char *main_file, const char *want)
{
	struct buf got;
	struct conf *c = load(main_file, &got, strstr(want, ": error: ") ? E_CONFIG : OK);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("for\n%s\nwanted\n%s\ngot\n%s", main_file, want, buf_cstr(&got));
	conf_free(c);
	buf_release(&got);
}

static const struct {
	const char *name, *text;
} files[] = {
	{ "d/b.yaml", "tenants:\n- {name: b, url: b.example, token_file: tok}\n" },
	{ "d/a.yaml",
	  "tenants:\n- {name: a, url: a.example, token_file: ../token, interval: 2h}\n- {name: a2, url: "
	  "a2.example, token_file: tok}\n" },
	{ "d/.hidden.yaml", "x: y\n" },
	{ "d/note.txt", "x: y\n" },
	{ "d/tok", "s3cr3t" },
	{ "d/empty.yaml", "# nothing yet\n" },
	{ "e/same.yaml", "tenants:\n- {name: a, url: m.example, token_env: MUSTER_TEST_TOKEN}\n" },
	{ "e/wrong.yaml", "store: {}\ntenants:\n- name: A\n  url: ftp://x\n  token_file: nope\n" },
	{ "e/bad.yaml", "tenants: [\n" },
};

static int make_all(void **state)
{
	char path[128];
	make_files(state);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, i == 0 ? "d" : i == 1 ? "e" : "none");
		if (mkdir(path, 0700))
			return 1;
	}
	for (size_t i = 0; i < COUNT(files); i++)
		put(files[i].name, files[i].text, strlen(files[i].text), 0600);
	return 0;
}

static void in_sorted_order(void **state)
{
	static const char *const names[] = { "m", "a", "a2", "b" };
	static const int64_t intervals[] = { 300, 7200, 300, 300 };
	struct buf b;
	char path[128];
	struct conf *c =
		load("include: [d/b.yaml, d/*.yaml]\n"
		     "tenants: [{name: m, url: m.example, token_file: token}]\ndefaults: {interval: 5m}\n",
		     &b, OK);
	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(c->tenant_count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(c->tenants[i].name, names[i]);
		assert_int_equal(c->tenants[i].interval_s, intervals[i]);
	}
	assert_string_equal(c->tenants[1].token, "s3cr3t+/tok==");
	assert_string_equal(c->tenants[3].token, "s3cr3t");
	snprintf(path, sizeof(path), "%s/d/b.yaml", folder);
	assert_string_equal(c->tenants[3].file, path);
	assert_int_equal(c->tenants[3].line, 2);
	conf_free(c);
	buf_release(&b);
}

static void complaints_name_the_file(void **state)
{
	(void)state;
	complains("include: e/wrong.yaml\nx: 1\n", "@/muster.yaml:2:1: error: unknown setting \"x\" in the "
						   "file; known are store, admin, http, secrets, "
						   "defaults, limits, retention, log, include, tenants\n"
						   "@/e/wrong.yaml:1:1: error: unknown setting \"store\" in "
						   "an included file; known are tenants\n"
						   "@/e/wrong.yaml:3:9: error: \"name\" is \"A\"; write 1 to "
						   "64 of a-z, 0-9, dot, - and _, beginning "
						   "with a letter or digit\n"
						   "@/e/wrong.yaml:4:8: error: \"url\" has a scheme other "
						   "than https; write https:// in front of the "
						   "host\n"
						   "@/e/wrong.yaml:5:15: error: \"token_file\" names "
						   "\"@/e/nope\", which does not exist; put the token "
						   "there, or mend the path\n");
	complains("include: e/bad.yaml\n",
		  "@/e/bad.yaml:2:1: error: not well-formed YAML: did not find expected node content; "
		  "mend the spelling here or in the line above\n");
}

static void names_and_servers_are_compared(void **state)
{
	(void)state;
	complains(
		"include: [d/a.yaml, e/same.yaml]\ntenants: [{name: m, url: m.example, token_file: token}]\n",
		"@/e/same.yaml:2:10: error: \"name\" is \"a\" like that of the tenant in line 2 of "
		"@/d/a.yaml; give "
		"each tenant its own\n"
		"@/e/same.yaml:2:18: warning: \"url\" is https://m.example like that of the tenant in line 2 "
		"of "
		"@/muster.yaml; remove one, unless their tokens see different hosts\n");
}

#define NO_TENANTS                                                                                           \
	"the file has no \"tenants\", nor have the files of \"include\"; give a list of 1 to 10000 "         \
	"tenants, "                                                                                          \
	"each with name, url and token_file\n"
static void what_cannot_be_included(void **state)
{
	(void)state;
	complains("include: none/*.yaml\n", "@/muster.yaml:1:1: error: " NO_TENANTS);
	complains("include: d/empty.yaml\n", "@/muster.yaml:1:1: error: " NO_TENANTS);
	complains("include: none/*.yaml\nsecrets: {key_file: key}\n", "");
	complains("include: nowhere/*.yaml\n", "@/muster.yaml:1:10: error: \"include\" names the folder "
					       "\"@/nowhere/\", which does not exist; mend "
					       "the path or its permissions\n");
	complains("include: d/c.yaml\n", "@/muster.yaml:1:10: error: \"include\" names \"@/d/c.yaml\", which "
					 "does not exist; mend the path or "
					 "the file's permissions\n");
	complains("include: '*/a.yaml'\n", "@/muster.yaml:1:10: error: \"include\" is \"*/a.yaml\"; "
					   "wildcards are for its last part only, write "
					   "the folder out\n");
	complains("include: '*.yaml'\n", "@/muster.yaml:1:10: error: \"include\" names this file itself; put "
					 "the others into a folder of "
					 "their own\n");
	complains("include: {a: b}\n", "@/muster.yaml:1:10: error: \"include\" is a map where a list is "
				       "wanted; give files with tenants, "
				       "such as tenants.d/*.yaml, or a list of such\n");
	complains("include: 'd/[ab]*'\nx: 1\n", /* a folder in place of a file is no trap either */
		  "@/muster.yaml:2:1: error: unknown setting \"x\" in the file; known are store, admin, "
		  "http, secrets, "
		  "defaults, limits, retention, log, include, tenants\n");
	complains("include: 'no[n]e'\n", "@/none:1:1: error: the file is not a plain file; mend its path or "
					 "permissions\n");
}

static void no_memory(void **state)
{
	static const char text[] = "include: [d/*.yaml, e/same.yaml]\n";
	put("muster.yaml", text, sizeof(text) - 1, 0600);
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct conf *c = NULL;
		mem_fail_at(n, n % 2);
		int rc = conf_load(&c, file, ignore, NULL);
		unsigned long used = mem_count();
		mem_fail_at(0, 0);
		assert_null(c);
		if (used < n) {
			assert_int_equal(rc, E_CONFIG);
			assert_true(n > 10);
			return;
		}
		assert_int_equal(rc, E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_sorted_order),
		cmocka_unit_test(complaints_name_the_file),
		cmocka_unit_test(names_and_servers_are_compared),
		cmocka_unit_test(what_cannot_be_included),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, make_all, remove_files);
}
