#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "serve/words.h"

/* `words` are joined by "|", a quoted one has a "'" before it. */
static const struct {
	const char *line, *words;
} good[] = {
	{ "", "" },
	{ "   \t ", "" },
	{ "version", "version" },
	{ "  tenant\tshow  acme \r", "tenant|show|acme" },
	{ "sync acme --wait", "sync|acme|--wait" },
	{ "a\\b c:\\d", "a\\b|c:\\d" },
	{ "caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9|\xf0\x9f\x98\x80" },
	{ "\"\"", "'" },
	{ "\"two words\" x", "'two words|x" },
	{ "\"--wait\"", "'--wait" },
	{ "\"a\\\"b\\\\c\\/d\"", "'a\"b\\c/d" },
	{ "\"\\b\\f\\n\\r\\t\"", "'\b\f\n\r\t" },
	{ "\"\\u0041\\u00e9\\u20AC\"", "'A\xc3\xa9\xe2\x82\xac" },
	{ "\"\\ud83d\\ude00\"", "'\xf0\x9f\x98\x80" },
	{ "\"\\udbff\\udfff\"", "'\xf4\x8f\xbf\xbf" },
	{ "\"\\u0001\x7f\"", "'\x01\x7f" },
	{ "x \"y\"\t\"z\"", "x|'y|'z" },
};

static void joined(const struct words *w, char *out, size_t n)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < w->count; i++) {
		assert_int_equal(strlen(w->at[i].text), w->at[i].n);
		used += (size_t)snprintf(out + used, n - used, "%s%s%s", i ? "|" : "",
					 w->at[i].quoted ? "'" : "", w->at[i].text);
		assert_true(used < n);
	}
}

static void lines_become_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct words w;
		struct err e = { 0 };
		char text[256];
		assert_int_equal(words_parse(&w, slice_of(good[i].line), &e), OK);
		joined(&w, text, sizeof(text));
		assert_string_equal(text, good[i].words);
		words_release(&w);
	}
}

static const struct {
	const char *line;
	int column;
	const char *why;
} bad[] = {
	{ "\"abc", 1, "not closed" },
	{ "x \"", 3, "not closed" },
	{ "\"a\\\"", 1, "not closed" },
	{ "\"a\"b", 4, "comes a space" },
	{ "\"a\"\"b\"", 4, "comes a space" },
	{ "--url=\"x\"", 7, "inside a word" },
	{ "a\x01", 2, "control character" },
	{ "a\x7f", 2, "control character" },
	{ "\"a\tb\"", 3, "escape, as in JSON" },
	{ "\"\\x41\"", 2, "behind a backslash" },
	{ "\"\\", 2, "behind a backslash" },
	{ "\"\\u12\"", 2, "four hexadecimal" },
	{ "\"\\u12g4\"", 2, "four hexadecimal" },
	{ "\"ab\\u0000\"", 4, "character 0" },
	{ "\"\\ud83d\"", 2, "surrogate" },
	{ "\"\\ud83dx\"", 2, "surrogate" },
	{ "\"\\ud83d\\u0041\"", 2, "surrogate" },
	{ "\"\\ude00\\ud83d\"", 2, "surrogate" },
	{ "caf\xc3\xa9 \"", 6, "not closed" },
	{ "caf\xc3\xa9 \xff", 6, "not UTF-8" },
	{ "\xed\xa0\x80", 1, "not UTF-8" },
	{ "a\xc0\xaf", 2, "not UTF-8" },
	{ "a\xe2\x82", 2, "not UTF-8" },
};

static void errors_have_a_column(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct words w;
		struct err e = { 0 };
		char column[32];
		snprintf(column, sizeof(column), " column %d: ", bad[i].column);
		assert_int_equal(words_parse(&w, slice_of(bad[i].line), &e), E_SYNTAX);
		if (!strstr(e.text, column) || !strstr(e.text, bad[i].why))
			fail_msg("row %zu: %s", i, e.text);
		assert_null(w.memory);
		words_release(&w);
	}
}

static void a_nul_in_the_line_is_refused(void **state)
{
	(void)state;
	struct words w;
	struct err e = { 0 };
	assert_int_equal(words_parse(&w, (struct slice){ "ab\0cd", 5 }, &e), E_SYNTAX);
	assert_non_null(strstr(e.text, "column 3"));
	assert_int_equal(words_parse(&w, (struct slice){ "\"b\0d\"", 5 }, &e), E_SYNTAX);
}

static void many_words_and_long_ones(void **state)
{
	(void)state;
	enum { LONG = 1 << 20 };
	struct words w;
	struct err e = { 0 };
	char *line = malloc(LONG);
	for (int i = 0; i < WORDS_MAX + 1; i++)
		memcpy(line + 2 * i, "x ", 2);
	assert_int_equal(words_parse(&w, (struct slice){ line, 2 * WORDS_MAX }, &e), OK);
	assert_int_equal(w.count, WORDS_MAX);
	words_release(&w);
	assert_int_equal(words_parse(&w, (struct slice){ line, 2 * WORDS_MAX + 2 }, &e), E_LIMIT);
	memset(line, 'y', LONG);
	line[0] = line[LONG - 1] = '"';
	assert_int_equal(words_parse(&w, (struct slice){ line, LONG }, &e), OK);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.at[0].n, LONG - 2);
	words_release(&w);
	free(line);
}

static void no_memory(void **state)
{
	(void)state;
	struct words w;
	struct err e = { 0 };
	mem_fail_at(1, 0);
	assert_int_equal(words_parse(&w, SLICE("a b"), &e), E_NOMEM);
	mem_fail_at(0, 0);
	assert_int_equal(w.count, 0);
	words_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_words),
		cmocka_unit_test(errors_have_a_column),
		cmocka_unit_test(a_nul_in_the_line_is_refused),
		cmocka_unit_test(many_words_and_long_ones),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
