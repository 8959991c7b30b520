#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/url.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SAME     "https://fleet.example.com"

static void repaired(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "https://fleet.example.com", SAME },
		{ "  https://fleet.example.com \t", SAME },
		{ "fleet.example.com", SAME },
		{ "//fleet.example.com", SAME },
		{ "https://fleet.example.com///", SAME },
		{ "HTTPS://Fleet.EXAMPLE.com/", SAME },
		{ "https://fleet.example.com:443", SAME },
		{ "https://fleet.example.com:0443/", SAME },
		{ "https://fleet.example.com:", SAME },
		{ "https://fleet.example.com/api", SAME },
		{ "https://fleet.example.com/api/", SAME },
		{ "https://fleet.example.com/api/v1", SAME },
		{ "https://fleet.example.com/api/v1/fleet", SAME },
		{ "https://fleet.example.com/api/v1/fleet/", SAME },
		{ "https://fleet.example.com/api/v1/fleet/hosts", SAME },
		{ "https://fleet.example.com/api/latest/fleet", SAME },
		{ "https://fleet.example.com/api/2022-04/fleet/hosts/5", SAME },
		{ "https://fleet.example.com//api//v1//fleet", SAME },
		{ "https://fleet.example.com/dashboard", SAME },
		{ "https://fleet.example.com/hosts/manage", SAME },
		{ "https://fleet.example.com/hosts/12/policies", SAME },
		{ "https://fleet.example.com/login", SAME },
		{ "https://fleet.example.com/settings/users", SAME },
		{ "https://fleet.example.com:8443", SAME ":8443" },
		{ "https://fleet.example.com:80", SAME ":80" },
		{ "fleet.example.com:8412/", SAME ":8412" },
		{ "https://fleet.example.com/Prefix", SAME "/Prefix" },
		{ "https://example.com/fleet/api/v1/fleet", "https://example.com/fleet" },
		{ "https://example.com/a%20b/c/dashboard", "https://example.com/a%20b/c" },
		{ "https://example.com/api/fleet", "https://example.com/api/fleet" },
		{ "https://example.com/api/v1/other", "https://example.com/api/v1/other" },
		{ "https://192.0.2.1", "https://192.0.2.1" },
		{ "https://[2001:DB8::1]:8443/x/", "https://[2001:db8::1]:8443/x" },
		{ "[::1]", "https://[::1]" },
		{ "https://host_1.example.com", "https://host_1.example.com" },
		{ "fleet", "https://fleet" },
		{ "https://fleet.example.com.", "https://fleet.example.com." },
		{ "https://4.example", "https://4.example" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[URL_BYTES], again[URL_BYTES];
		struct err e = { 0 };
		if (url_repair(slice_of(rows[i].text), false, out, &e))
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(url_repair(slice_of(out), false, again, &e), OK);
		assert_string_equal(out, again);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "is empty" },
		{ "   ", "is empty" },
		{ "https://", "has no host name" },
		{ "https:///x", "has no host name" },
		{ "://fleet.example.com", "begins with ://" },
		{ "https:fleet.example.com", "has no // behind its scheme" },
		{ "https:/fleet.example.com", "has no // behind its scheme" },
		{ "http://fleet.example.com", "is plain http" },
		{ "ftp://fleet.example.com", "has a scheme other than https" },
		{ "file:///etc/hosts", "has a scheme other than https" },
		{ "https://user:pass@fleet.example.com", "holds a user name or password" },
		{ "https://user@fleet.example.com", "holds a user name or password" },
		{ "https://@fleet.example.com", "holds a user name or password" },
		{ "https://fleet.example.com/?a=b", "has a query" },
		{ "https://fleet.example.com?a=b", "has a query" },
		{ "https://fleet.example.com/hosts/manage?page=1#top", "has a query" },
		{ "https://fleet.example.com/#top", "has a fragment" },
		{ "https://fleet.example.com:0", "has a port" },
		{ "https://fleet.example.com:65536", "has a port" },
		{ "https://fleet.example.com:99999999999999999999", "has a port" },
		{ "https://fleet.example.com:80x", "has a port" },
		{ "https://fleet.example.com:-1", "has a port" },
		{ "https://2001:db8::1", "more than one colon" },
		{ "https://[2001:db8::1", "has a [ without its ]" },
		{ "https://[2001:db8::1]x", "has text behind the ]" },
		{ "https://[fleet]", "no IPv6 address" },
		{ "https://[]", "no IPv6 address" },
		{ "https://[fe80::1%eth0]", "no IPv6 address" },
		{ "https://fleet..example.com", "neither a name nor an address" },
		{ "https://.example.com", "neither a name nor an address" },
		{ "https://-fleet.example.com", "neither a name nor an address" },
		{ "https://fleet-.example.com", "neither a name nor an address" },
		{ "https://fleet,example.com", "neither a name nor an address" },
		{ "https://2130706433", "neither a name nor an address" },
		{ "https://10.1", "neither a name nor an address" },
		{ "https://192.0.2.256", "neither a name nor an address" },
		{ "https://fleet example.com", "has a space" },
		{ "https://fleet.example.com/a\nb", "has a space or a control character" },
		{ "https://fl\xc3\xa9"
		  "et.example.com",
		  "not ASCII" },
		{ "https:\\\\fleet.example.com", "has the character \\" },
		{ "https://fleet.example.com/../x", "has a . or .." },
		{ "https://fleet.example.com/%zz", "two hexadecimal digits" },
		{ "https://fleet.example.com/%2", "two hexadecimal digits" },
	};
	char out[URL_BYTES];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		int rc = url_repair(slice_of(rows[i].text), false, out, &e);
		if (rc != E_CONFIG || !strstr(e.text, rows[i].why))
			fail_msg("%s: rc=%d \"%s\"", rows[i].text, rc, e.text);
		if (strstr(e.text, "pass@") || strstr(e.text, "a=b"))
			fail_msg("the message repeats a secret: %s", e.text);
	}
}

static void plain_http_on_request(void **state)
{
	char out[URL_BYTES];
	(void)state;
	assert_int_equal(url_repair(SLICE("HTTP://fleet.example.com:80/api"), true, out, NULL), OK);
	assert_string_equal(out, "http://fleet.example.com");
	assert_int_equal(url_repair(SLICE("http://fleet.example.com:443"), true, out, NULL), OK);
	assert_string_equal(out, "http://fleet.example.com:443");
	assert_int_equal(url_repair(SLICE("fleet.example.com"), true, out, NULL), OK);
	assert_string_equal(out, SAME);
}

static void length(void **state)
{
	char text[400] = SAME "/", out[URL_BYTES];
	size_t begin = strlen(text);
	(void)state;
	memset(text + begin, 'a', URL_BYTES - 1 - begin);
	text[URL_BYTES - 1] = '\0';
	assert_int_equal(url_repair(slice_of(text), false, out, NULL), OK);
	assert_string_equal(text, out);
	memcpy(text + URL_BYTES - 1, "a", 2);
	struct err e;
	assert_int_equal(url_repair(slice_of(text), false, out, &e), E_CONFIG);
	assert_string_equal(e.text, "is longer than 255 bytes; shorten it");
}

static void proxies(void **state)
{
	static const struct {
		const char *text, *want, *why;
	} rows[] = {
		{ "proxy.example.com:3128", "http://proxy.example.com:3128", NULL },
		{ "http://proxy.example.com:3128/", "http://proxy.example.com:3128", NULL },
		{ "HTTPS://Proxy.example.com", "https://proxy.example.com", NULL },
		{ "socks5h://u:P@proxy.example.com:1080", "socks5h://u:P@proxy.example.com:1080", NULL },
		{ "socks5://[::1]:1080", "socks5://[::1]:1080", NULL },
		{ "ftp://proxy.example.com", NULL, "a scheme that is no proxy's" },
		{ "http://proxy.example.com/pac", NULL, "has a path" },
		{ "http://proxy.example.com?x", NULL, "has a path" },
		{ "http://proxy.example.com:0", NULL, "has a port" },
		{ "http://", NULL, "has no host name" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[URL_BYTES];
		struct err e = { 0 };
		int rc = url_repair_proxy(slice_of(rows[i].text), out, &e);
		if (rows[i].want ? rc || strcmp(out, rows[i].want) != 0
				 : rc != E_CONFIG || !strstr(e.text, rows[i].why))
			fail_msg("%s: rc=%d %s", rows[i].text, rc, rc ? e.text : out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repaired),
		cmocka_unit_test(refused),
		cmocka_unit_test(plain_http_on_request),
		cmocka_unit_test(length),
		cmocka_unit_test(proxies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
