/* Files made to be too much: for the reader, for the memory, for who reads the complaints. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "unit/conf/parsing.h"

static size_t lines_of(struct buf *b)
{
	size_t n = 0;
	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void repeated(const char *head, const char *part, size_t times, const char *tail, const char *want)
{
	struct buf text, got;
	buf_init(&text, 2 << 20);
	buf_puts(&text, head);
	for (size_t i = 0; i < times; i++)
		buf_puts(&text, part);
	buf_puts(&text, tail);
	assert_int_equal(text.failed, 0);
	assert_null(parse(text.data, text.len, &got, E_CONFIG));
	if (!strstr(buf_cstr(&got), want))
		fail_msg("wanted \"%s\" in\n%.2000s", want, buf_cstr(&got));
	assert_in_range(lines_of(&got), 1, 201);
	buf_release(&got);
	buf_release(&text);
}

static void ceilings(void **state)
{
	(void)state;
	repeated("", "# comment\n", 104858, "", "1:1: error: the file is larger than 1MiB");
	repeated("", "[", 1000000, "", "1:17: error: nested deeper than 16 levels");
	repeated("a: ", "{a: ", 200000, "", "1:64: error: nested deeper than 16 levels");
	repeated("tenants:\n", "- ", 400000, "", "nested deeper than 16 levels");
	repeated("a: [", "&a x,", 200000, "]", "more than 1000 anchors");
	repeated("", "a: 1\n", 200000, "", "more than 200 errors, the rest of the file was not read");
	repeated("tenants: [", "x,", 10001, "]", "\"tenants\" has more than 10000 members");
	repeated("tenants:\n- &t {name: a, url: a.example, token_file: token, x: [], compliance: "
		 "{ignore_policies: [",
		 "1,", 1000, "]}}\n", "unknown setting \"x\"");
	repeated("tenants:\n- {name: a, url: a.example, token_file: token, compliance: {ignore_policies: [",
		 "1,", 1001, "]}}\n", "\"ignore_policies\" has more than 1000 members");
	repeated("tenants:\n- {name: a, url: a.example, token_file: token, headers: [", "'X-A: b',", 33,
		 "]}\n", "\"headers\" has more than 32 members");
	repeated("tenants:\n- {name: a, url: a.example, token_file: token, headers: ['X-A: ", "a", 4094,
		 "']}\n", "the header \"X-A\" is longer than 4KiB; shorten it");
	/* ten thousand tenants by aliases: each costs memory, the arena has an end */
	repeated("tenants:\n- &t {name: a, url: a.example, token_env: MUSTER_TEST_TOKEN, headers: [&h 'X-A: "
		 "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
		 "123456789"
		 "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
		 "123456789'"
		 ",*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,*h,"
		 "*h]}\n",
		 "- *t\n", 9999, "", "the configuration needs more than 64MiB of memory");
}

static void many_tenants(void **state)
{
	struct buf text, got;
	(void)state;
	buf_init(&text, 1 << 20);
	buf_puts(&text, "tenants:\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "- {name: t%d, url: t%d.example, token_env: MUSTER_TEST_TOKEN}\n", i, i);
	struct conf *c = parse(text.data, text.len, &got, OK);
	assert_int_equal(c->tenant_count, 10000);
	assert_string_equal(c->tenants[9999].url, "https://t9999.example");
	assert_int_equal(got.len, 0);
	conf_free(c);
	buf_release(&got);
	buf_release(&text);
}

/* A thousand warnings are no error, and not a thousand lines. */
static void many_warnings(void **state)
{
	struct buf text, got;
	(void)state;
	buf_init(&text, 1 << 20);
	buf_puts(&text, "tenants:\n");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "- {name: t%d, url: same.example, token_file: token}\n", i);
	conf_free(parse(text.data, text.len, &got, OK));
	assert_int_equal(lines_of(&got), 51);
	assert_non_null(strstr(buf_cstr(&got),
			       ": warning: more than 50 warnings, the others are not shown; mend these "
			       "first\n"));
	buf_release(&got);
	buf_release(&text);
}

static void no_memory(void **state)
{
	static const char text[] = TENANT
		"  headers: [X-A: b]\n  ca_file: nope\n- {name: b, url: a.example, token_file: open}\n";
	(void)state;
	for (unsigned long n = 1;; n++) {
		struct conf *c = NULL;
		mem_fail_at(n, n % 2);
		int rc = conf_parse(&c, file, text, sizeof(text) - 1, ignore, NULL);
		unsigned long used = mem_count();
		mem_fail_at(0, 0);
		assert_null(c);
		if (used < n) {
			assert_int_equal(rc, E_CONFIG);
			assert_true(n > 5);
			return;
		}
		assert_int_equal(rc, E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ceilings),
		cmocka_unit_test(many_tenants),
		cmocka_unit_test(many_warnings),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
