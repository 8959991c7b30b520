#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "net/http_header.h"

static struct http_headers taken(const char *const *lines)
{
	struct http_headers h = { 0 };
	for (; *lines; lines++)
		http_headers_take(&h, *lines, strlen(*lines));
	return h;
}

static void lines_are_kept(void **state)
{
	(void)state;
	static const struct {
		const char *lines[4];
		const char *type, *location, *encoding;
		int64_t date;
	} rows[] = {
		{ { "Content-Type: Text/HTML; charset=x\r\n" }, "text/html", "", "", 0 },
		{ { "content-type:application/json" }, "application/json", "", "", 0 },
		{ { "content-type:\t application/json ;x\n" }, "application/json", "", "", 0 },
		{ { "Content-Type: a/b", "Content-Type: c/d" }, "a/b", "", "", 0 },
		{ { "Content-Types: a/b", "Content-Type a/b", "Content-Type" }, "", "", "", 0 },
		{ { "Location: https://x.example/\x01\x80z\r\n" }, "", "https://x.example/\?\?z", "", 0 },
		{ { "Content-Encoding: identity", "Transfer-Encoding: Chunked" }, "", "", "", 0 },
		{ { "Content-Encoding: gzip" }, "", "", "gzip", 0 },
		{ { "Transfer-Encoding: gzip, chunked" }, "", "", "gzip, chunked", 0 },
		{ { "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" }, "", "", "", 784111777 },
		{ { "Date: Sunday, 06-Nov-94 08:49:37 GMT\r\n" }, "", "", "", 784111777 },
		{ { "Date: yesterday", ":", "" }, "", "", "", 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_headers h = taken(rows[i].lines);
		assert_string_equal(h.content_type, rows[i].type);
		assert_string_equal(h.location, rows[i].location);
		assert_string_equal(h.encoding, rows[i].encoding);
		assert_int_equal(h.date, rows[i].date);
	}
}

static void long_values_are_cut(void **state)
{
	(void)state;
	char line[2000] = "Location: ";
	const char *lines[] = { line, NULL };
	memset(line + 10, 'x', sizeof(line) - 11);
	struct http_headers h = taken(lines);
	assert_int_equal(strlen(h.location), sizeof(h.location) - 1);
}

static void time_to_wait(void **state)
{
	(void)state;
	enum { NOW = 784111777 };
	static const struct {
		const char *lines[3];
		int64_t seconds;
	} rows[] = {
		{ { "Retry-After: 120" }, 120 },
		{ { "Retry-After: 0" }, 0 },
		{ { "Retry-After:" }, -1 },
		{ { "Retry-After: -5" }, -1 },
		{ { "Retry-After: 1.5" }, -1 },
		{ { "Retry-After: later" }, -1 },
		{ { "X-Other: 1" }, -1 },
		{ { "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT" }, 60 },
		{ { "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT" }, 0 },
		/* The server's clock is an hour ahead of ours. */
		{ { "Retry-After: Sun, 06 Nov 1994 09:50:37 GMT", "Date: Sun, 06 Nov 1994 09:49:37 GMT" },
		  60 },
		{ { "Date: Sun, 06 Nov 1994 09:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 09:50:37 GMT" },
		  60 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_headers h = taken(rows[i].lines);
		assert_int_equal(http_headers_retry_after_s(&h, NOW), rows[i].seconds);
	}
	static const char *const huge[] = { "Retry-After: 999999999999999999999999999999999999999", NULL };
	struct http_headers h = taken(huge);
	assert_true(http_headers_retry_after_s(&h, NOW) > 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_kept),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(time_to_wait),
	};
	return cmocka_run_group_tests_name("net/header", tests, NULL, NULL);
}
