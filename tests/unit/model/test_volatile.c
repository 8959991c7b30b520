#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "model/record.h"
#include "unit/model/sample.h"

#include <stdlib.h>

static struct device sample_device(void)
{
	static struct sample s;
	static struct derive_settings settings;
	struct device d;
	sample_init(&s);
	settings = sample_settings();
	derive(&d, &s.host, NULL, NULL, &settings, SAMPLE_NOW);
	return d;
}

static void round_trip(void **state)
{
	struct device d = sample_device();
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_volatile v;
	(void)state;
	size_t n = record_pack_volatile(packed, &d);
	print_message("volatile part: %zu bytes\n", n);
	assert_true(n <= 60);
	assert_int_equal(record_unpack_volatile(&v, packed, n), OK);
	assert_int_equal(v.last_seen, SAMPLE_NOW - 60);
	assert_int_equal(v.restarted, SAMPLE_NOW - 256356);
	assert_int_equal(v.detail_updated, SAMPLE_NOW - 1800);
	assert_int_equal(v.policy_updated, SAMPLE_NOW - 1700);
	assert_int_equal(v.software_updated, SAMPLE_NOW - 1900);
	assert_int_equal(v.evaluated_at, SAMPLE_NOW - 1700);
	assert_int_equal(v.uptime_s, 20807520);
	assert_int_equal(v.disk_available_bytes, 174980000000);
	assert_string_equal(v.primary_ip, "192.0.2.45");
	assert_string_equal(v.public_ip, "203.0.113.25");
	assert_string_equal(v.primary_mac, "36:34:a5:6b:7b:5c");
}

static void numbers(void **state)
{
	static const int64_t rows[] = { 0,         1,           127,       128,       9999999,    10000000,
					174980001, 17498000000, 1ll << 62, INT64_MAX, HOST_NO_INT };
	static const struct {
		int64_t time, want;
	} times[] = {
		{ 978307200, 978307200 },
		{ 978307199, HOST_NEVER },
		{ HOST_NEVER, HOST_NEVER },
		{ 978307200 + (int64_t)UINT32_MAX, 978307200 + (int64_t)UINT32_MAX },
		{ 978307201 + (int64_t)UINT32_MAX, HOST_NEVER },
		{ INT64_MAX / 2, HOST_NEVER },
	};
	struct device d = sample_device();
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_volatile v;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		d.uptime_s = d.disk_available_bytes = rows[i];
		size_t n = record_pack_volatile(packed, &d);
		assert_int_equal(record_unpack_volatile(&v, packed, n), OK);
		assert_true(v.uptime_s == rows[i]);
		assert_true(v.disk_available_bytes == rows[i]);
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		d.last_seen = d.policy_updated = d.evaluated_at = times[i].time;
		size_t n = record_pack_volatile(packed, &d);
		assert_int_equal(record_unpack_volatile(&v, packed, n), OK);
		assert_true(v.last_seen == times[i].want);
		assert_true(v.policy_updated == times[i].want);
		assert_true(v.evaluated_at == times[i].want);
	}
	d.policy_updated = SAMPLE_NOW;
	d.evaluated_at = HOST_NEVER;
	assert_int_equal(record_unpack_volatile(&v, packed, record_pack_volatile(packed, &d)), OK);
	assert_int_equal(v.policy_updated, SAMPLE_NOW);
	assert_int_equal(v.evaluated_at, HOST_NEVER);
}

static void addresses(void **state)
{
	static const struct {
		const char *ip, *mac;
		bool ip_lost, mac_lost;
	} rows[] = {
		{ "0.0.0.1", "00:00:00:00:00:01", false, false },
		{ "255.255.255.255", "AA:BB:CC:DD:EE:FF", false, false },
		{ "2001:db8::1", "aa-bb-cc-dd-ee-ff", false, false },
		{ "fe80::1%en0", "aabbccddeeff", false, false },
		{ "2001:DB8:0:0::1", "x", false, false },
		{ "::ffff:192.0.2.1", "aa:bb:cc:dd:ee:fg", false, false },
		{ "192.12.345.678", "36:34:a5:6b:7b:5c:00", false, true },
		{ "192.168.001.001", "36:34:a5:6b:7b:5", false, false },
		{ "1.2.3", "", false, false },
		{ "1.2.3.4.5", "\xf0\x9f\x92\xbb", false, false },
		{ "1.2.3.4 ", "36:34:a5:6b:7b-5c", false, false },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", false, false },
		{ "0123456789012345678901234567890123456789012345x", "", false, false },
		{ "0123456789012345678901234567890123456789012345xy", "0123456789abcdefg", true, false },
	};
	struct device d = sample_device();
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_volatile v;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		d.primary_ip = d.public_ip = slice_of(rows[i].ip);
		d.primary_mac = slice_of(rows[i].mac);
		size_t n = record_pack_volatile(packed, &d);
		assert_true(n <= RECORD_VOLATILE_MAX);
		assert_int_equal(record_unpack_volatile(&v, packed, n), OK);
		assert_string_equal(v.primary_ip, rows[i].ip_lost ? "" : rows[i].ip);
		assert_string_equal(v.public_ip, rows[i].ip_lost ? "" : rows[i].ip);
		assert_string_equal(v.primary_mac, rows[i].mac_lost ? "" : rows[i].mac);
	}
}

static void largest(void **state)
{
	struct device d = sample_device();
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_volatile v;
	char text[47];
	(void)state;
	memset(text, 'x', sizeof(text));
	d.evaluated_at = SAMPLE_NOW;
	d.uptime_s = INT64_MAX;
	d.disk_available_bytes = INT64_MAX;
	d.primary_ip = d.public_ip = (struct slice){ text, 47 };
	d.primary_mac = (struct slice){ text, 17 };
	size_t n = record_pack_volatile(packed, &d);
	assert_in_range(n, 150, RECORD_VOLATILE_MAX);
	assert_int_equal(record_unpack_volatile(&v, packed, n), OK);
	assert_int_equal(strlen(v.public_ip), 47);
}

static void damaged(void **state)
{
	struct device d = sample_device();
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_volatile v;
	struct random random = { 11 };
	(void)state;
	d.primary_ip = SLICE("no address");
	d.primary_mac = SLICE("no mac");
	size_t n = record_pack_volatile(packed, &d);
	for (size_t cut = 0; cut < n; cut++) {
		unsigned char *copy = malloc(cut ? cut : 1);
		memcpy(copy, packed, cut);
		assert_int_equal(record_unpack_volatile(&v, copy, cut), E_CORRUPT);
		free(copy);
	}
	for (int i = 0; i < 20000; i++) {
		unsigned char *copy = malloc(n);
		memcpy(copy, packed, n);
		for (int j = 0; j < 3; j++)
			copy[random_below(&random, n)] = (unsigned char)random_next(&random);
		record_unpack_volatile(&v, copy, n);
		assert_true(memchr(v.primary_ip, '\0', sizeof(v.primary_ip)) != NULL);
		assert_true(memchr(v.primary_mac, '\0', sizeof(v.primary_mac)) != NULL);
		free(copy);
	}
	packed[0]++;
	assert_int_equal(record_unpack_volatile(&v, packed, n), E_CORRUPT);
}

static void join(void **state)
{
	static const struct {
		enum os_family family;
		int64_t seen_ago, evaluated_ago; /* -1: never */
		int64_t stale_after;
		const char *want;
	} rows[] = {
		{ OS_MACOS, 60, 3600, 604800, "\"stale\":false,\"online\":true}" },
		{ OS_MACOS, 900, 604800, 604800, "\"stale\":false,\"online\":true}" },
		{ OS_MACOS, 901, 604801, 604800, "\"stale\":true,\"online\":false}" },
		{ OS_LINUX, -1, -1, 604800, "\"stale\":null,\"online\":null}" },
		{ OS_WINDOWS, 60, 604801, 0, "\"stale\":null,\"online\":true}" },
		{ OS_IOS, 60, 60, 604800, "\"stale\":false,\"online\":null}" },
		{ OS_IPADOS, 60, 60, 604800, "\"stale\":false,\"online\":null}" },
		{ OS_ANDROID, 6000, 60, 604800, "\"stale\":false,\"online\":null}" },
		{ OS_CHROMEOS, 6000, 60, 604800, "\"stale\":false,\"online\":false}" },
	};
	struct device d = { .uptime_s = HOST_NO_INT, .disk_available_bytes = HOST_NO_INT };
	unsigned char packed[RECORD_VOLATILE_MAX];
	struct record_now now = { SAMPLE_NOW, 0 };
	struct buf out, stable;
	(void)state;
	buf_init(&out, 4096);
	buf_init(&stable, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		d.last_seen = rows[i].seen_ago < 0 ? HOST_NEVER : SAMPLE_NOW - rows[i].seen_ago;
		d.evaluated_at = rows[i].evaluated_ago < 0 ? HOST_NEVER : SAMPLE_NOW - rows[i].evaluated_ago;
		now.stale_after_s = rows[i].stale_after;
		buf_reset(&out);
		buf_reset(&stable);
		d.family = rows[i].family;
		assert_int_equal(record_write_stable(&stable, &d, NULL), OK);
		size_t n = record_pack_volatile(packed, &d);
		assert_int_equal(record_join(&out, "acme", 1, buf_slice(&stable), packed, n, &now), OK);
		assert_non_null(strstr(buf_cstr(&out), rows[i].want));
	}
	d = sample_device();
	buf_reset(&out);
	size_t n = record_pack_volatile(packed, &d);
	buf_reset(&stable);
	assert_int_equal(record_write_stable(&stable, &d, NULL), OK);
	struct slice whole = buf_slice(&stable), cut = { whole.p, whole.n - 1 };
	assert_int_equal(record_join(&out, "acme", 1, whole, packed, n, &now), OK);
	static const char want[] =
		"\"enrolled\":\"2025-10-20T10:20:18Z\","
		"\"volatile\":{\"last_seen\":\"2026-01-21T00:32:38Z\",\"restarted\":\"2026-01-18T01:21:02Z\","
		"\"detail_updated\":\"2026-01-21T00:03:38Z\",\"policy_updated\":\"2026-01-21T00:05:18Z\","
		"\"software_updated\":\"2026-01-21T00:01:58Z\",\"evaluated_at\":\"2026-01-21T00:05:18Z\","
		"\"uptime_s\":20807520,\"disk_available_bytes\":174980000000,\"primary_ip\":\"192.0.2.45\","
		"\"primary_mac\":\"36:34:a5:6b:7b:5c\",\"public_ip\":\"203.0.113.25\"},"
		"\"stale\":false,\"online\":true}";
	const char *text = buf_cstr(&out);
	assert_true(strlen(text) > sizeof(want));
	assert_string_equal(text + strlen(text) - (sizeof(want) - 1), want);
	assert_ptr_equal(strstr(text, "{\"tenant\":\"acme\",\"id\":1,\"identity\":{"), text);
	assert_int_equal(record_join(&out, "acme", 1, SLICE(""), packed, n, &now), E_CORRUPT);
	assert_int_equal(record_join(&out, "acme", 1, cut, packed, n, &now), E_CORRUPT);
	assert_int_equal(record_join(&out, "acme", 1, whole, packed, n - 1, &now), E_CORRUPT);
	buf_release(&stable);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(numbers), cmocka_unit_test(addresses),
		cmocka_unit_test(largest),    cmocka_unit_test(damaged), cmocka_unit_test(join),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
