#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "ctl/text.h"
#include "query/value.h"
#include "ctl/when.h"

#define FFFD "\xef\xbf\xbd"

static void visible(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "plain-host.example", "plain-host.example" },
		{ "J\xc3\xbcrgen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x92\xbb",
		  "J\xc3\xbcrgen \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x92\xbb" },
		{ "\x1b[31mred\x1b[0m", FFFD "[31mred" FFFD "[0m" },
		{ "bell\a back\b", "bell" FFFD " back" FFFD },
		{ "a\tb\nc\rd", "a b c d" },
		{ "del\x7f", "del" FFFD },
		{ "csi\xc2\x9b"
		  "31m",
		  "csi" FFFD "31m" },
		{ "nbsp\xc2\xa0.", "nbsp\xc2\xa0." },
		{ "turn\xe2\x80\xae"
		  "txt.exe",
		  "turn" FFFD "txt.exe" },
		{ "isolate\xe2\x81\xa6", "isolate" FFFD },
		{ "line\xe2\x80\xa8", "line" FFFD },
		{ "mark\xef\xbb\xbf", "mark" FFFD },
		{ "bad\xff\xfe", "bad" FFFD FFFD },
		{ "cut\xe6\x97", "cut" FFFD },
		{ "raw c1 \x9b"
		  "31m",
		  "raw c1 " FFFD "31m" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out;
		buf_init(&out, 4096);
		text_visible(&out, slice_of(rows[i].in));
		assert_string_equal(buf_cstr(&out), rows[i].out);
		buf_release(&out);
	}
}

static void visible_keeps_nul_out(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 64);
	text_visible(&out, SLICE("a\0b"));
	assert_string_equal(buf_cstr(&out), "a" FFFD "b");
	buf_release(&out);
}

static void csv(void **state)
{
	static const struct {
		const char *in, *guarded, *unguarded;
	} rows[] = {
		{ "", "", "" },
		{ "plain", "plain", "plain" },
		{ "a,b", "\"a,b\"", "\"a,b\"" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"", "\"say \"\"hi\"\"\"" },
		{ "\"", "\"\"\"\"", "\"\"\"\"" },
		{ " lead", "\" lead\"", "\" lead\"" },
		{ "two\nlines", "two lines", "two lines" },
		{ "=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"", "\"=HYPERLINK(\"\"x\"\")\"" },
		{ "+1", "'+1", "+1" },
		{ "-1", "'-1", "-1" },
		{ "@sum", "'@sum", "@sum" },
		{ "\t=1", "' =1", "\" =1\"" },
		{ "a=1", "a=1", "a=1" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out;
		buf_init(&out, 4096);
		buf_puts(&out, "x,");
		text_csv(&out, slice_of(rows[i].in), true);
		assert_memory_equal(buf_cstr(&out), "x,", 2);
		if (rows[i].in[0] != '\t')
			assert_string_equal(buf_cstr(&out) + 2, rows[i].guarded);
		else
			assert_int_equal(buf_cstr(&out)[2], '\'');
		buf_reset(&out);
		text_csv(&out, slice_of(rows[i].in), false);
		assert_string_equal(buf_cstr(&out), rows[i].unguarded);
		buf_release(&out);
	}
}

static void json(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 4096);
	text_json(&out, SLICE("{\"a\":\"x\xc2\x9by\xe2\x80\xaez \x7f \xc3\xbc\"}"));
	assert_string_equal(buf_cstr(&out), "{\"a\":\"x\\u009by\\u202ez \\u007f \xc3\xbc\"}");
	buf_release(&out);
}

static void out_of_room(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 8);
	text_csv(&out, SLICE("much longer than eight, and quoted"), true);
	assert_int_equal(out.failed, E_LIMIT);
	buf_release(&out);
}

static void relative(void **state)
{
	static const struct {
		int64_t t, now;
		const char *text;
	} rows[] = {
		{ 0, 1000000, "never" },
		{ 1000000, 1000000, "now" },
		{ 999999, 1000000, "1 s ago" },
		{ 999941, 1000000, "59 s ago" },
		{ 999940, 1000000, "1 min ago" },
		{ 996401, 1000000, "59 min ago" },
		{ 996400, 1000000, "1 h ago" },
		{ 1700000000 - 2 * 86400 + 1, 1700000000, "47 h ago" },
		{ 1700000000 - 2 * 86400, 1700000000, "2 d ago" },
		{ 1700000000 - 100 * 86400, 1700000000, "100 d ago" },
		{ 1700000000 - 100 * 86400 - 1, 1700000000, "2023-08-06" },
		{ 1700000000 + 3 * 3600, 1700000000, "in 3 h" },
		{ INT64_MIN, INT64_MAX, "0000-01-01" },
		{ INT64_MAX, -1, "9999-12-31" },
	};
	char text[WHEN_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		when_relative(rows[i].t, rows[i].now, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void spans(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{ "90", 90 },
		{ "90s", 90 },
		{ "15m", 900 },
		{ "12h", 43200 },
		{ "7d", 604800 },
		{ "2w", 1209600 },
		{ "0", 0 },
		{ "", -1 },
		{ "d", -1 },
		{ "7 d", -1 },
		{ "7dd", -1 },
		{ "-7d", -1 },
		{ "1.5h", -1 },
		{ "7D", -1 },
		{ "99999999999999999999", -1 },
		{ "36500d", 36500LL * 86400 },
		{ "36501d", -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t seconds = -1;
		assert_int_equal(when_parse_span(rows[i].text, &seconds), rows[i].seconds >= 0);
		assert_int_equal(seconds, rows[i].seconds);
	}
}

static void span_words(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = { { -5, "0 s" },
		     { 59, "59 s" },
		     { 3599, "59 min" },
		     { 3600 * 7 + 720, "7 h 12 min" },
		     { 86400 * 12 + 14400, "12 d 4 h" } };
	char text[WHEN_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		when_span(rows[i].seconds, text);
		assert_string_equal(text, rows[i].text);
	}
}

static const char record[] =
	"{\"id\":7,\"os\":{\"name\":\"A \\\"B\\\"\",\"version\":null,\"deep\":{\"x\":[1,{\"y\":2}]}},"
	"\"empty\":\"\",\"list\":[\"a\",\"b]\",{}],\"yes\":true,\"big\":9223372036854775808}";

static void paths(void **state)
{
	static const struct {
		const char *path, *value; /* NULL: nothing */
	} rows[] = {
		{ "id", "7" },
		{ "os.name", "\"A \\\"B\\\"\"" },
		{ "os.version", NULL },
		{ "os.version|id", "7" },
		{ "empty", NULL },
		{ "empty|yes", "true" },
		{ "os.deep.x", "[1,{\"y\":2}]" },
		{ "os.deep.z", NULL },
		{ "list", "[\"a\",\"b]\",{}]" },
		{ "list.a", NULL },
		{ "id.id", NULL },
		{ "nothing", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct slice v = value_at(slice_of(record), rows[i].path);
		struct value_members members;
		assert_true(rows[i].value ? slice_is(v, rows[i].value) : !v.p);
		value_members(&members, slice_of(record));
		v = value_pick(&members, rows[i].path);
		assert_true(rows[i].value ? slice_is(v, rows[i].value) : !v.p);
	}
}

/* More members than are kept: the rest is found all the same. */
static void many_members(void **state)
{
	struct value_members members;
	struct buf object;
	(void)state;
	buf_init(&object, 4096);
	buf_putc(&object, '{');
	for (int i = 0; i < 100; i++)
		buf_printf(&object, "%s\"m%d\":{\"x\":%d}", i ? "," : "", i, i);
	buf_putc(&object, '}');
	value_members(&members, buf_slice(&object));
	assert_true(slice_is(value_pick(&members, "m0.x"), "0"));
	assert_true(slice_is(value_pick(&members, "m31.x"), "31"));
	assert_true(slice_is(value_pick(&members, "m32.x"), "32"));
	assert_true(slice_is(value_pick(&members, "nothing|m99.x"), "99"));
	assert_null(value_pick(&members, "m100").p);
	buf_release(&object);
}

static void texts(void **state)
{
	static const struct {
		const char *json, *text; /* NULL: no string */
	} rows[] = {
		{ "\"\"", "" },
		{ "\"a\\n\\t\\\\\\/\\\"b\"", "a\n\t\\/\"b" },
		{ "\"\\u00e9\\u65e5\"", "\xc3\xa9\xe6\x97\xa5" },
		{ "\"\\ud83d\\udcbb\"", "\xf0\x9f\x92\xbb" },
		{ "\"\\ud83d\"", FFFD },
		{ "\"\\udcbb\\ud83d\"", FFFD FFFD },
		{ "\"\\uZZ\"", FFFD "ZZ" },
		{ "7", NULL },
		{ "null", NULL },
		{ "\"", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out;
		buf_init(&out, 4096);
		assert_int_equal(value_text(&out, slice_of(rows[i].json)), rows[i].text != NULL);
		assert_string_equal(buf_cstr(&out), rows[i].text ? rows[i].text : "");
		buf_release(&out);
	}
}

static void integers(void **state)
{
	static const struct {
		const char *json;
		bool good;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "-12", true, -12 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "1.5", false, 0 },
		{ "-", false, 0 },
		{ "\"1\"", false, 0 },
		{ "null", false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t v = 0;
		assert_int_equal(value_int(slice_of(rows[i].json), &v), rows[i].good);
		assert_int_equal(v, rows[i].value);
	}
}

/* Every prefix of a record, in memory that ends where it does: the sanitizer
 * sees a read behind it. */
static void cut_short(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(record); n++) {
		char *exact = test_malloc(n + 1);
		struct slice cut = { exact + 1, (uint32_t)n };
		struct value_iter it;
		struct slice key, item;
		memcpy(exact + 1, record, n);
		for (int i = 0; value_open(&it, cut) && i < 100 && value_next(&it, &key, &item); i++)
			assert_true(item.p >= cut.p && item.p + item.n <= cut.p + cut.n);
		value_at(cut, "os.deep.x|list|nothing");
		test_free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(visible),     cmocka_unit_test(visible_keeps_nul_out),
		cmocka_unit_test(csv),         cmocka_unit_test(json),
		cmocka_unit_test(out_of_room), cmocka_unit_test(relative),
		cmocka_unit_test(spans),       cmocka_unit_test(span_words),
		cmocka_unit_test(paths),       cmocka_unit_test(many_members),
		cmocka_unit_test(texts),       cmocka_unit_test(integers),
		cmocka_unit_test(cut_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
