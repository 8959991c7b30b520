#include "daemon/runtime_secrets.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *const headers[] = { "X-One: a \"b\"", "X-Two: \\\t\x01", NULL };
static const struct conf_secrets full = {
	.token = "t\"o\\k",
	.headers = headers,
	.proxy = "http://user:pass@proxy.example.com:3128",
	.ca_pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
	.client_cert_pem = "cert\r\n",
	.client_key_pem = "k\xc3\xa9y",
};

static void same(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void round_trip(const struct conf_secrets *s, size_t header_count)
{
	struct runtime_secrets back;
	struct buf json;
	assert_int_equal(runtime_secrets_write(s, &json), OK);
	assert_int_equal(runtime_secrets_read(&back, buf_slice(&json)), OK);
	same(back.secrets.token, s->token);
	same(back.secrets.proxy, s->proxy);
	same(back.secrets.ca_pem, s->ca_pem);
	same(back.secrets.client_cert_pem, s->client_cert_pem);
	same(back.secrets.client_key_pem, s->client_key_pem);
	assert_int_equal(!back.secrets.headers, !header_count);
	for (size_t i = 0; i < header_count; i++)
		assert_string_equal(back.secrets.headers[i], s->headers[i]);
	if (header_count)
		assert_null(back.secrets.headers[header_count]);
	wiped_release(&json);
	runtime_secrets_release(&back);
}

static void comes_back_as_it_was(void **state)
{
	(void)state;
	const struct conf_secrets token = { .token = "t" };
	const struct conf_secrets none = { 0 };
	round_trip(&full, 2);
	round_trip(&token, 0);
	round_trip(&none, 0);
}

/* One reservation for all of it: a buffer that grows leaves a copy behind. */
static void never_grows(void **state)
{
	(void)state;
	enum { LONG = 100000 };
	struct runtime_secrets back;
	struct buf json;
	char *text = malloc(LONG + 1);
	for (size_t i = 0; i < LONG; i++)
		text[i] = (char)(i % 2 ? '\n' : 1 + i % 120);
	text[LONG] = '\0';
	struct conf_secrets s = { .token = text, .client_key_pem = text };
	mem_fail_at(2, 1);
	assert_int_equal(runtime_secrets_write(&s, &json), OK);
	mem_fail_at(2, 1);
	assert_int_equal(runtime_secrets_read(&back, buf_slice(&json)), OK);
	mem_fail_at(0, 0);
	assert_string_equal(back.secrets.token, text);
	assert_string_equal(back.secrets.client_key_pem, text);
	runtime_secrets_release(&back);
	wiped_release(&json);
	free(text);
}

static void memory_that_is_missing(void **state)
{
	(void)state;
	struct runtime_secrets back;
	struct buf json;
	mem_fail_at(1, 1);
	assert_int_equal(runtime_secrets_write(&full, &json), E_NOMEM);
	assert_int_equal(runtime_secrets_read(&back, SLICE("{\"token\":\"t\"}")), E_NOMEM);
	mem_fail_at(0, 0);
	assert_null(back.secrets.token);
	runtime_secrets_release(&back);
	wiped_release(&json);
}

static void too_many_headers_are_cut(void **state)
{
	(void)state;
	struct runtime_secrets back;
	struct buf json;
	const char *many[RUNTIME_HEADERS_MAX + 3];
	struct conf_secrets s = { .headers = many };
	for (size_t i = 0; i < RUNTIME_HEADERS_MAX + 2; i++)
		many[i] = "A: b";
	many[RUNTIME_HEADERS_MAX + 2] = NULL;
	assert_int_equal(runtime_secrets_write(&s, &json), OK);
	assert_int_equal(runtime_secrets_read(&back, buf_slice(&json)), OK);
	assert_string_equal(back.secrets.headers[RUNTIME_HEADERS_MAX - 1], "A: b");
	assert_null(back.secrets.headers[RUNTIME_HEADERS_MAX]);
	runtime_secrets_release(&back);
	wiped_release(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(never_grows),
		cmocka_unit_test(memory_that_is_missing),
		cmocka_unit_test(too_many_headers_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
