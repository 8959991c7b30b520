#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/suggest.h"
#include "base/utf8.h"

#include <stdio.h>
#include <time.h>

static void rfc3339_table(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t want;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "2000-01-01T00:00:00Z", true, 946684800 },
		{ "2026-01-21T00:33:38.178036Z", true, 1768955618 },
		{ "2024-02-29T23:59:60Z", true, 1709251200 },
		{ "0001-01-01T00:00:00Z", true, -62135596800 },
		{ "2026-11-22T20:40:00+02:00", true, 1795372800 },
		{ "2026-11-22t18:40:00z", true, 1795372800 },
		{ "2023-02-29T00:00:00Z", false, 0 },
		{ "2026-11-22 20:40:00Z", false, 0 },
		{ "2026-11-22T20:40:00", false, 0 },
		{ "2026-11-22T20:40:00.Z", false, 0 },
		{ "2026-13-22T20:40:00Z", false, 0 },
		{ "2026-11-22T24:40:00Z", false, 0 },
		{ "2026-11-22T20:40:00Zx", false, 0 },
		{ "", false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t got = 0;
		bool ok = clock_parse_rfc3339(slice_of(rows[i].text), &got);
		if (ok != rows[i].ok || (ok && got != rows[i].want))
			fail_msg("%s: ok=%d got=%lld", rows[i].text, ok, (long long)got);
	}
	assert_false(clock_parse_rfc3339(SLICE_NONE, &(int64_t){ 0 }));
}

static void rfc3339_round_trip(void **state)
{
	struct random r = { 7 };
	char text[CLOCK_RFC3339_BYTES];
	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t t = (int64_t)random_below(&r, 253402300799u), back;
		clock_format_rfc3339(t, text);
		assert_true(clock_parse_rfc3339(slice_of(text), &back));
		assert_int_equal(t, back);
	}
	clock_format_rfc3339(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	clock_format_rfc3339(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void http_dates(void **state)
{
	static const char *const same[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
					    "Sun Nov  6 08:49:37 1994" };
	static const char *const bad[] = { "", "7", "Sun, 06 Foo 1994 08:49:37 GMT",
					   "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 36 Nov 1994 08:49:37 GMT" };
	int64_t t;
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(clock_parse_http_date(same[i], &t));
		assert_int_equal(t, 784111777);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(clock_parse_http_date(bad[i], &t));
}

static void utf8_table(void **state)
{
	static const struct {
		const char *in, *out;
		size_t n, replaced;
	} rows[] = {
		{ "plain", "plain", 5, 0 },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, 0 },
		{ "a\xff"
		  "b",
		  "a\xef\xbf\xbd"
		  "b",
		  3, 1 },
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", 2, 2 },                 /* overlong NUL */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3, 3 }, /* lone surrogate */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 4, 4 },
		{ "x\xe2\x82", "x\xef\xbf\xbd", 3, 1 }, /* cut short: one replacement */
		{ "\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3, 3 },
		{ "12345678\x80", "12345678\xef\xbf\xbd", 9, 1 },
	};
	struct buf b;
	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		assert_int_equal(utf8_valid(rows[i].in, rows[i].n), rows[i].replaced == 0);
		assert_int_equal(utf8_repair(&b, rows[i].in, rows[i].n), rows[i].replaced);
		assert_string_equal(buf_cstr(&b), rows[i].out);
		assert_true(utf8_valid(b.data, b.len));
	}
	buf_release(&b);
}

static void suggestions(void **state)
{
	static const char *const known[] = { "tenants", "devices", "store", "url" };
	static const struct {
		const char *word, *want;
	} rows[] = { { "tenant", "tenants" }, { "tennats", "tenants" },
		     { "stoer", "store" },    { "device", "devices" },
		     { "zzzzzz", NULL },      { "", NULL },
		     { "ulr", "url" },        { "q", NULL } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = suggest(rows[i].word, known, 4);
		if (!got != !rows[i].want || (got && strcmp(got, rows[i].want) != 0))
			fail_msg("%s: got %s", rows[i].word, got ? got : "(none)");
	}
}

static void json_writing(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 4096);
	json_open(&b, '{');
	json_k(&b, "a");
	json_int(&b, INT64_MIN);
	json_k(&b, "b");
	json_text(&b, (struct slice){ "q\"\\\n\x01\0\xc3\xa9,", 9 });
	json_k(&b, "c");
	json_open(&b, '[');
	json_bool(&b, true);
	json_null(&b);
	json_text(&b, SLICE_NONE);
	json_text(&b, SLICE(""));
	json_int(&b, 0);
	json_close(&b, ']');
	json_close(&b, '}');
	assert_string_equal(buf_cstr(&b),
			    "{\"a\":-9223372036854775808,\"b\":\"q\\\"\\\\\\n\\u0001\\u0000\xc3\xa9,\","
			    "\"c\":[true,null,null,\"\",0]}");
	buf_release(&b);
}

static void buffers_have_ceilings(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 10);
	buf_puts(&b, "12345");
	buf_puts(&b, "678901");
	assert_int_equal(b.failed, E_LIMIT);
	assert_int_equal(b.len, 5);
	buf_reset(&b);
	buf_printf(&b, "%s", "1234567890");
	assert_true(b.failed == E_LIMIT || b.len == 10);
	buf_release(&b);
	buf_init(&b, 1 << 20);
	mem_fail_at(1, 0);
	buf_puts(&b, "x");
	mem_fail_at(0, 0);
	assert_int_equal(b.failed, E_NOMEM);
	buf_reset(&b);
	static char text[3001];
	memset(text, 'x', 3000);
	buf_printf(&b, "%s%s", text, "y");
	assert_int_equal(b.len, 3001);
	assert_int_equal(strlen(buf_cstr(&b)), 3001);
	buf_release(&b);
}

static void arenas_have_ceilings(void **state)
{
	struct arena *a = arena_new(200000);
	(void)state;
	assert_non_null(a);
	size_t taken = 0;
	while (arena_alloc(a, 1003))
		taken += 1003;
	assert_in_range(taken, 190000, 200000);
	assert_true(arena_at_ceiling(a));
	assert_non_null(arena_copy(a, "abc", 3).p); /* still usable below the ceiling */
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_false(arena_at_ceiling(a));
	void *p = arena_alloc(a, 3), *q = arena_alloc(a, 3);
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_int_equal((uintptr_t)q % 16, 0);
	mem_fail_at(1, 1);
	assert_null(arena_alloc(a, 150000));
	mem_fail_at(0, 0);
	assert_false(arena_at_ceiling(a));
	assert_null(arena_alloc(a, SIZE_MAX - 4));
	arena_free(a);
}

static void errors_have_names(void **state)
{
	struct err e;
	(void)state;
	assert_string_equal(err_name(E_NOMEM), "nomem");
	assert_string_equal(err_name(E_INTERNAL), "internal");
	assert_string_equal(err_name(12), "unknown");
	assert_int_equal(err_class(E_TIMEOUT), ERR_CLASS_RETRY);
	assert_int_equal(err_class(OK), ERR_CLASS_NONE);
	assert_true(E_NOMEM < 0 && E_INTERNAL < 0);
	assert_int_equal(err_set(&e, E_TLS, "it %s", "failed"), E_TLS);
	err_prefix(&e, "tenant \"%s\"", "acme");
	assert_string_equal(e.text, "tenant \"acme\": it failed");
	for (int i = 0; i < 100; i++)
		err_prefix(&e, "tenant \"%s\"", "acme");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3339_table),
		cmocka_unit_test(rfc3339_round_trip),
		cmocka_unit_test(http_dates),
		cmocka_unit_test(utf8_table),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(json_writing),
		cmocka_unit_test(buffers_have_ceilings),
		cmocka_unit_test(arenas_have_ceilings),
		cmocka_unit_test(errors_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
