#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/value.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *text;
	uint64_t want;
	const char *remedy; /* part of the refusal; NULL: accepted */
};

static void check(const struct row *rows, size_t count, int (*read)(struct slice, uint64_t *, struct err *))
{
	for (size_t i = 0; i < count; i++) {
		struct err e = { 0 };
		uint64_t got = 0;
		int rc = read(slice_of(rows[i].text), &got, &e);
		if (!rows[i].remedy ? rc || got != rows[i].want
				    : rc != E_CONFIG || !strstr(e.text, rows[i].remedy))
			fail_msg("\"%s\": rc=%d got=%llu \"%s\"", rows[i].text, rc, (unsigned long long)got,
				 e.text);
	}
}

static void durations(void **state)
{
	static const struct row rows[] = {
		{ "60s", 60, NULL },
		{ "7d", 604800, NULL },
		{ "1w", 604800, NULL },
		{ "1h30m", 5400, NULL },
		{ "1w2d3h4m5s", 788645, NULL },
		{ "90m", 5400, NULL },
		{ "0s", 0, NULL },
		{ "007s", 7, NULL },
		{ "99999999999999999999w", UINT64_MAX, NULL },
		{ "18446744073709551615s", UINT64_MAX, NULL },
		{ "20000000000000000000s1w", 0, "whole numbers" },
		{ "30000000000000w10000000000000d", UINT64_MAX, NULL },
		{ "60", 0, "needs a unit" },
		{ "0", 0, "needs a unit" },
		{ "1.5h", 0, "whole numbers" },
		{ "30m1h", 0, "whole numbers" },
		{ "1h1h", 0, "whole numbers" },
		{ "7D", 0, "whole numbers" },
		{ "7 d", 0, "whole numbers" },
		{ "7 days", 0, "whole numbers" },
		{ "-1s", 0, "whole numbers" },
		{ "s", 0, "whole numbers" },
		{ "1h5", 0, "whole numbers" },
		{ "60ms", 0, "whole numbers" },
		{ "", 0, "whole numbers" },
	};
	(void)state;
	check(rows, COUNT(rows), value_duration_s);
}

static void sizes(void **state)
{
	static const struct row rows[] = {
		{ "4096", 4096, NULL },
		{ "4096B", 4096, NULL },
		{ "0", 0, NULL },
		{ "1KiB", 1024, NULL },
		{ "8MiB", 8 << 20, NULL },
		{ "512MiB", 512 << 20, NULL },
		{ "2GiB", 2ull << 30, NULL },
		{ "1TiB", 1ull << 40, NULL },
		{ "99999999999999999999", UINT64_MAX, NULL },
		{ "99999999TiB", UINT64_MAX, NULL },
		{ "512MB", 0, "MB may mean 1000s or 1024s, write MiB" },
		{ "64k", 0, "k may mean 1000s or 1024s, write KiB" },
		{ "2G", 0, "write GiB" },
		{ "8mib", 0, "such as 512MiB" },
		{ "8 MiB", 0, "such as 512MiB" },
		{ "1.5GiB", 0, "such as 512MiB" },
		{ "-1", 0, "such as 512MiB" },
		{ "MiB", 0, "such as 512MiB" },
		{ "1e9", 0, "such as 512MiB" },
		{ "0x10", 0, "such as 512MiB" },
		{ "", 0, "such as 512MiB" },
	};
	(void)state;
	check(rows, COUNT(rows), value_size);
}

static void counts(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, NULL },
		{ "1000", 1000, NULL },
		{ "99999999999999999999", UINT64_MAX, NULL },
		{ "", 0, "whole number" },
		{ "-5", 0, "whole number" },
		{ "+5", 0, "whole number" },
		{ "5.0", 0, "whole number" },
		{ "five", 0, "whole number" },
		{ "1_000", 0, "whole number" },
	};
	(void)state;
	check(rows, COUNT(rows), value_count);
}

static void booleans(void **state)
{
	static const char *const refused[] = { "yes", "no", "on", "off", "True", "FALSE", "1", "0", "y", "" };
	bool b = false;
	(void)state;
	assert_int_equal(value_bool(SLICE("true"), &b, NULL), OK);
	assert_true(b);
	assert_int_equal(value_bool(SLICE("false"), &b, NULL), OK);
	assert_false(b);
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct err e;
		assert_int_equal(value_bool(slice_of(refused[i]), &b, &e), E_CONFIG);
		assert_string_equal(e.text, "write true or false");
	}
}

static void back_to_text(void **state)
{
	char text[VALUE_TEXT];
	(void)state;
	value_duration_text(5400, text);
	assert_string_equal(text, "90m");
	value_duration_text(3650 * 86400ull, text);
	assert_string_equal(text, "3650d");
	value_size_text(512 << 20, text);
	assert_string_equal(text, "512MiB");
	value_size_text(4097, text);
	assert_string_equal(text, "4097B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations), cmocka_unit_test(sizes),        cmocka_unit_test(counts),
		cmocka_unit_test(booleans),  cmocka_unit_test(back_to_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
