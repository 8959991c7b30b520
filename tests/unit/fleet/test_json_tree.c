#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fleet/json_tree.h"

#include <stdlib.h>
#include <string.h>

/* From a copy that ends where the text does, so that the sanitizer sees a read behind it. */
static struct json_tree *parse(const char *s, size_t n)
{
	char *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, s, n);
	struct json_tree *t = json_tree_parse(copy, n);
	free(copy);
	return t;
}

#define LIT(s) s, sizeof(s) - 1

static void what_is_a_tree(void **state)
{
	static const struct {
		const char *what, *text;
		size_t n;
		bool ok;
	} rows[] = {
		{ "empty object", LIT("{}"), true },
		{ "white space around", LIT(" \t\r\n{ } \n"), true },
		{ "escaped NUL in a text", LIT("{\"a\":\"x\\u0000y\"}"), true },
		{ "braces and slashes in a text", LIT("{\"a\":\"[[[{{{ // /* \\\\\\\" ]]]\"}"), true },
		{ "nothing", LIT(""), false },
		{ "white space only", LIT(" \n"), false },
		{ "array", LIT("[{}]"), false },
		{ "text", LIT("\"a\""), false },
		{ "number", LIT("7"), false },
		{ "null", LIT("null"), false },
		{ "HTML", LIT("<!DOCTYPE html><html></html>"), false },
		{ "cut", LIT("{\"a\":{\"b\":1}"), false },
		{ "cut in a text", LIT("{\"a\":\"b"), false },
		{ "cut after a backslash", LIT("{\"a\":\"b\\"), false },
		{ "second document", LIT("{}{}"), false },
		{ "garbage behind", LIT("{} x"), false },
		{ "raw NUL between", LIT("{\"a\":1\0}"), false },
		{ "raw NUL in a text", LIT("{\"a\":\"b\0c\"}"), false },
		{ "raw NUL behind", LIT("{}\0"), false },
		{ "raw control character", LIT("{\"a\":\"b\x01\"}"), false },
		{ "ill-formed UTF-8", LIT("{\"a\":\"\xff\"}"), false },
		{ "cut UTF-8", LIT("{\"a\":\"\xe2\x82\"}"), false },
		{ "byte order mark", LIT("\xef\xbb\xbf{}"), false },
		{ "comment", LIT("{/* a */}"), false },
		{ "line comment", LIT("{} // a\n"), false },
		{ "number cut", LIT("{\"a\":-}"), false },
		{ "closing too often", LIT("{}}}]"), false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_tree *t = parse(rows[i].text, rows[i].n);
		if ((t != NULL) != rows[i].ok)
			fail_msg("%s: %s", rows[i].what, t ? "taken" : "refused");
		json_tree_free(t);
	}
	assert_null(json_tree_parse(NULL, 0));
	json_tree_free(NULL);
}

/* {"a":[[...]]}: `depth` brackets in all, the outer one included. */
static bool nested(size_t depth, const char *first, char open, char close)
{
	struct buf b;
	buf_init(&b, JSON_TREE_MAX_BYTES);
	buf_puts(&b, first);
	for (size_t i = 1; i < depth; i++)
		buf_puts(&b, open == '[' ? "[" : "{\"a\":");
	if (open == '{')
		buf_puts(&b, "1");
	for (size_t i = 1; i < depth; i++)
		buf_putc(&b, close);
	buf_puts(&b, "}");
	assert_int_equal(b.failed, 0);
	struct json_tree *t = json_tree_parse(b.data, b.len);
	bool ok = t != NULL;
	json_tree_free(t);
	buf_release(&b);
	return ok;
}

static void depth(void **state)
{
	static const char *const hiding[] = { "{\"a\":/*\"*/", "{\"a\":/*\\\"*/", "{\"a\"://\"\n" };
	(void)state;
	assert_true(nested(JSON_TREE_MAX_DEPTH, "{\"a\":", '[', ']'));
	assert_false(nested(JSON_TREE_MAX_DEPTH + 1, "{\"a\":", '[', ']'));
	assert_true(nested(JSON_TREE_MAX_DEPTH, "{\"a\":", '{', '}'));
	assert_false(nested(JSON_TREE_MAX_DEPTH + 1, "{\"a\":", '{', '}'));
	assert_false(nested(1000000, "{\"a\":", '[', ']'));
	/* a tree this deep would end the stack when it is freed */
	for (size_t i = 0; i < sizeof(hiding) / sizeof(hiding[0]); i++)
		assert_false(nested(1000000, hiding[i], '[', ']'));
}

static void breadth_is_not_depth(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{\"a\":[{}");
	for (int i = 0; i < 1000; i++)
		buf_puts(&b, ",{},[]");
	buf_puts(&b, "]}");
	struct json_tree *t = json_tree_parse(b.data, b.len);
	assert_non_null(t);
	json_tree_free(t);
	buf_release(&b);
}

static void size_limit(void **state)
{
	size_t n = (size_t)JSON_TREE_MAX_BYTES + 1;
	char *s = malloc(n);
	(void)state;
	assert_non_null(s);
	memset(s, ' ', n);
	s[0] = '{';
	s[1] = '}';
	struct json_tree *t = json_tree_parse(s, n - 1);
	assert_non_null(t);
	json_tree_free(t);
	assert_null(json_tree_parse(s, n));
	free(s);
}

static const char everything[] =
	"{\"text\":\"t\",\"empty\":\"\",\"nul\":\"x\\u0000y\",\"int\":-7,\"max\":9223372036854775807,"
	"\"over\":9223372036854775808,\"real\":1.5,\"whole\":1.0,\"yes\":true,\"no\":false,\"null\":null,"
	"\"object\":{\"in\":{\"text\":\"deep\",\"int\":1}},\"array\":[{\"text\":\"first\"},{\"text\":"
	"\"second\"}],"
	"\"none\":[],\"bare\":[1,\"a\",null],\"a.b\":\"dotted\"}";

static void members(void **state)
{
	static const struct {
		const char *path;
		char kind; /* t text, i integer, b boolean, x something else, - not there */
		const char *text;
		int64_t value;
	} rows[] = {
		{ "text", 't', "t", 0 },
		{ "empty", 't', "", 0 },
		{ "nul", 't', "x", 0 },
		{ "int", 'i', NULL, -7 },
		{ "max", 'i', NULL, INT64_MAX },
		{ "over", 'x', NULL, 0 },
		{ "real", 'x', NULL, 0 },
		{ "whole", 'x', NULL, 0 },
		{ "yes", 'b', NULL, true },
		{ "no", 'b', NULL, false },
		{ "null", '-', NULL, 0 },
		{ "object", 'x', NULL, 0 },
		{ "array", 'x', NULL, 0 },
		{ "object.in.text", 't', "deep", 0 },
		{ "object.in.int", 'i', NULL, 1 },
		{ "object.in.other", '-', NULL, 0 },
		{ "object.text", '-', NULL, 0 },
		{ "text.in", '-', NULL, 0 },
		{ "array.text", '-', NULL, 0 },
		{ "null.in", '-', NULL, 0 },
		{ "a.b", '-', NULL, 0 },
		{ "", '-', NULL, 0 },
		{ ".", '-', NULL, 0 },
		{ "tex", '-', NULL, 0 },
	};
	struct json_tree *t = parse(everything, sizeof(everything) - 1);
	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t number = 0;
		bool yes = false;
		const char *text = json_tree_text(t, rows[i].path);
		bool is_int = json_tree_int(t, rows[i].path, &number);
		bool is_bool = json_tree_bool(t, rows[i].path, &yes);
		bool has = json_tree_has(t, rows[i].path);
		char kind = text ? 't' : is_int ? 'i' : is_bool ? 'b' : has ? 'x' : '-';
		if (kind != rows[i].kind || has != (kind != '-') || !!text + is_int + is_bool > 1)
			fail_msg("%s: kind %c", rows[i].path, kind);
		if (text)
			assert_string_equal(text, rows[i].text);
		if (is_int)
			assert_int_equal(number, rows[i].value);
		if (is_bool)
			assert_int_equal(yes, rows[i].value);
	}
	json_tree_free(t);
}

static void long_paths_are_not_there(void **state)
{
	char path[400];
	struct json_tree *t = parse(LIT("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":7}}}}}}}}"));
	int64_t seven = 0;
	(void)state;
	assert_non_null(t);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(json_tree_has(t, path));
	path[128] = '\0';
	assert_false(json_tree_has(t, path));
	assert_true(json_tree_has(t, "a.a.a.a.a.a.a"));
	assert_false(json_tree_has(t, "a.a.a.a.a.a.a.a.a"));
	assert_false(json_tree_int(t, "a.a.a.a.a.a.a.a.a", &seven));
	json_tree_free(t);
}

static void failures_leave_the_result_alone(void **state)
{
	struct json_tree *t = parse(everything, sizeof(everything) - 1);
	int64_t number = 42;
	bool yes = true;
	(void)state;
	assert_non_null(t);
	assert_false(json_tree_int(t, "text", &number));
	assert_false(json_tree_int(t, "null", &number));
	assert_false(json_tree_bool(t, "int", &yes));
	assert_false(json_tree_bool(t, "absent", &yes));
	assert_int_equal(number, 42);
	assert_true(yes);
	json_tree_free(t);
}

static void first_text(void **state)
{
	struct json_tree *t = parse(everything, sizeof(everything) - 1);
	(void)state;
	assert_non_null(t);
	assert_string_equal(json_tree_first_text(t, "array", "text"), "first");
	assert_null(json_tree_first_text(t, "array", "other"));
	assert_null(json_tree_first_text(t, "none", "text"));
	assert_null(json_tree_first_text(t, "bare", "text"));
	assert_null(json_tree_first_text(t, "object", "text"));
	assert_null(json_tree_first_text(t, "null", "text"));
	assert_null(json_tree_first_text(t, "absent", "text"));
	json_tree_free(t);
}

static void note(void *arg, int64_t id, const char *text)
{
	buf_printf(arg, "%lld=%s;", (long long)id, text ? text : "(none)");
}

static void each(void **state)
{
	static const struct {
		const char *array, *want; /* NULL: no array */
	} rows[] = {
		{ "[]", "" },
		{ "[{\"id\":1,\"role\":\"a\"},{\"role\":\"b\",\"id\":2}]", "1=a;2=b;" },
		{ "[{\"id\":1},{\"id\":2,\"role\":null},{\"id\":3,\"role\":7}]",
		  "1=(none);2=(none);3=(none);" },
		{ "[{\"role\":\"a\"},{\"id\":null},{\"id\":\"1\"},{\"id\":1.5},{\"id\":9223372036854775808}]",
		  "" },
		{ "[1,null,\"a\",[{\"id\":1}],{\"id\":-4,\"role\":\"\"}]", "-4=;" },
		{ "{\"id\":1}", NULL },
		{ "null", NULL },
		{ "\"a\"", NULL },
	};
	struct buf text, got;
	(void)state;
	buf_init(&text, 4096);
	buf_init(&got, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&text);
		buf_reset(&got);
		buf_printf(&text, "{\"u\":{\"teams\":%s}}", rows[i].array);
		struct json_tree *t = json_tree_parse(text.data, text.len);
		assert_non_null(t);
		bool is_array = json_tree_each(t, "u.teams", "id", "role", note, &got);
		if (is_array != (rows[i].want != NULL) ||
		    (is_array && strcmp(buf_cstr(&got), rows[i].want) != 0))
			fail_msg("%s: %s", rows[i].array, buf_cstr(&got));
		json_tree_free(t);
	}
	buf_release(&text);
	buf_release(&got);
}

static void no_memory(void **state)
{
	unsigned long n = 1;
	(void)state;
	for (; n < 100; n++) {
		mem_fail_at(n, 0);
		struct json_tree *t = json_tree_parse(everything, sizeof(everything) - 1);
		mem_fail_at(0, 0);
		if (t) {
			json_tree_free(t);
			break;
		}
	}
	assert_in_range(n, 2, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_tree),
		cmocka_unit_test(depth),
		cmocka_unit_test(breadth_is_not_depth),
		cmocka_unit_test(size_limit),
		cmocka_unit_test(members),
		cmocka_unit_test(long_paths_are_not_there),
		cmocka_unit_test(failures_leave_the_result_alone),
		cmocka_unit_test(first_text),
		cmocka_unit_test(each),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
