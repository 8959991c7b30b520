#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "fleet/page_parser.h"
#include "unit/fleet/page_dump.h"

#include <stdio.h>
#include <stdlib.h>

static const struct page_limits usual = { .host_bytes = 8 << 20, .page_bytes = 16 << 20, .max_hosts = 1000 };

/* Pieces of `step` bytes (0: whole; -1: random). Answers the code; the dump or the error stands in `out`. */
static int parse(struct buf *out, const char *s, size_t n, enum page_shape shape, int step,
		 const struct page_limits *limits)
{
	struct page_parser *p;
	struct page *page = NULL;
	struct err e = { 0 };
	struct random r = { n };
	buf_reset(out);
	int rc = page_parser_new(&p, shape, limits);
	if (rc != OK)
		return rc;
	for (size_t i = 0, k; i < n && rc == OK; i += k) {
		k = step == 0 ? n : step > 0 ? (size_t)step : 1 + random_below(&r, 40);
		if (k > n - i)
			k = n - i;
		char *copy = malloc(k); /* so that reading past a piece is seen */
		memcpy(copy, s + i, k);
		rc = page_parser_feed(p, copy, k);
		free(copy);
	}
	rc = page_parser_finish(p, &page, &e);
	if (rc == OK) {
		dump_page(out, page);
		page_free(page);
	} else {
		buf_puts(out, e.text);
	}
	page_parser_free(p);
	return rc;
}

static const struct row {
	const char *what, *in;
	int rc;
	const char *out;
} rows[] = {
	{ "empty page, pretty", "{\n  \"hosts\": []\n}\n", OK, "" },
	{ "one host", "{\"hosts\":[{\"id\":7,\"hostname\":\"a\"}]}", OK, "7: hostname='a'\n" },
	{ "siblings before and after", "{\"software\":{\"hosts\":[1]},\"hosts\":[{\"id\":1}],\"x\":[[{}]]}",
	  OK, "1:\n" },
	{ "in-band error", "{\"hosts\":[{\"id\":1}],\"error\":\"context canceled\"}", E_INBAND,
	  "the server broke off the list with \"context canceled\"" },
	{ "in-band error that steers", "{\"hosts\":[],\"error\":\"a\\u001b\\u0000\\u009b1m\\u202eb\"}",
	  E_INBAND, "the server broke off the list with \"a    1m   b\"" },
	{ "in-band error that is a number", "{\"hosts\":[],\"error\":5}", E_INBAND,
	  "the server broke off the list with \"no text\"" },
	{ "in-band error that is true", "{\"error\":true,\"hosts\":[]}", E_INBAND,
	  "the server broke off the list with \"no text\"" },
	{ "in-band error that is an array", "{\"hosts\":[],\"error\":[]}", E_INBAND,
	  "the server broke off the list with \"an array\"" },
	{ "error before hosts", "{\"error\":\"x\",\"hosts\":[]}", E_INBAND,
	  "the server broke off the list with \"x\"" },
	{ "cut", "{\"hosts\":[{\"id\":1},{\"id\":2}", E_TRUNCATED, "the answer ends in the middle" },
	{ "cut before the last brace", "{\"hosts\":[{\"id\":1}]", E_TRUNCATED,
	  "the answer ends in the middle" },
	{ "nothing", "", E_TRUNCATED, "the answer is empty" },
	{ "html", "\n<!DOCTYPE html><html></html>", E_NOT_FLEET,
	  "the answer is HTML, not JSON; is the address that of a proxy or a login page?" },
	{ "other JSON", "{\"message\":\"hi\"}", E_NOT_FLEET,
	  "the answer has no list of hosts; is this a Fleet server?" },
	{ "hosts null", "{\"hosts\":null}", E_NOT_FLEET,
	  "the answer has no list of hosts; is this a Fleet server?" },
	{ "hosts an object", "{\"hosts\":{}}", E_NOT_FLEET,
	  "the answer has no list of hosts; is this a Fleet server?" },
	{ "array", "[]", E_NOT_FLEET, "the answer is JSON but no object; is this a Fleet server?" },
	{ "garbage", "{\"hosts\":[}", E_SYNTAX, NULL },
	{ "second document", "{\"hosts\":[]}{\"hosts\":[]}", E_SYNTAX, NULL },
	{ "backwards", "{\"hosts\":[{\"id\":5},{\"id\":4}]}", E_ORDER,
	  "host ids do not ascend: 4 came after 5, so the page proves nothing" },
	{ "duplicate", "{\"hosts\":[{\"id\":5},{\"id\":5}]}", E_ORDER, NULL },
	{ "rejects",
	  "{\"hosts\":[{\"id\":1},\"zwei\",{\"hostname\":\"x\"},[1,[2]],{\"id\":null},{\"id\":-4},{\"id\":9}]"
	  "}",
	  OK, NULL },
	{ "null everywhere",
	  "{\"hosts\":[{\"id\":3,\"hostname\":null,\"mdm\":null,\"issues\":null,\"policies\":null,"
	  "\"device_mapping\":null,\"team_id\":null,\"uptime\":null,\"seen_time\":null,"
	  "\"disk_encryption_enabled\":null}]}",
	  OK, "3: seen=259\n" },
	{ "wrong types",
	  "{\"hosts\":[{\"id\":3,\"hostname\":5,\"mdm\":\"x\",\"issues\":[],\"policies\":7,\"device_"
	  "mapping\":{\"a\":1},"
	  "\"team_id\":\"2\",\"uptime\":\"1\",\"seen_time\":true,\"memory\":1.5,\"uuid\":{\"a\":[{}]}}]}",
	  OK, "3: wrong_types=10\n" },
	{ "numbers",
	  "{\"hosts\":[{\"id\":3,\"uptime\":20807520000000000,\"memory\":9223372036854775807,"
	  "\"gigs_disk_space_available\":174.98,\"gigs_total_disk_space\":2.46e2,\"cpu_logical_cores\":-1}]}",
	  OK,
	  "3: uptime_ns=20807520000000000 memory_bytes=9223372036854775807 cores_logical=-1 "
	  "disk_total_bytes=246000000000 disk_available_bytes=174980000000\n" },
	{ "gigabytes",
	  "{\"hosts\":[{\"id\":1,\"gigs_total_disk_space\":0.5},{\"id\":2,\"gigs_total_disk_space\":71},"
	  "{\"id\":3,\"gigs_total_disk_space\":1.2345678919},{\"id\":4,\"gigs_total_disk_space\":999999999},"
	  "{\"id\":5,\"gigs_total_disk_space\":-1},{\"id\":6,\"gigs_total_disk_space\":1e300},"
	  "{\"id\":7,\"gigs_total_disk_space\":1234567890},{\"id\":8,\"gigs_total_disk_space\":2.5E1}]}",
	  OK,
	  "1: disk_total_bytes=500000000\n2: disk_total_bytes=71000000000\n3: disk_total_bytes=1234567891\n"
	  "4: disk_total_bytes=999999999000000000\n5: wrong_types=1\n6: wrong_types=1\n7: wrong_types=1\n"
	  "8: disk_total_bytes=25000000000\n" },
	{ "too large a number", "{\"hosts\":[{\"id\":3,\"memory\":9223372036854775808}]}", OK,
	  "3: wrong_types=1\n" },
	{ "times",
	  "{\"hosts\":[{\"id\":3,\"created_at\":\"2001-01-01T00:00:01Z\",\"seen_time\":\"2000-01-01T00:00:"
	  "00Z\","
	  "\"last_restarted_at\":\"0001-01-01T00:00:00Z\",\"detail_updated_at\":\"1970-01-02T00:00:00Z\","
	  "\"policy_updated_at\":\"\",\"software_updated_at\":\"yesterday\"}]}",
	  OK, "3: wrong_types=1 created_at=978307201\n" },
	{ "policies",
	  "{\"hosts\":[{\"id\":1,\"policies\":[{\"id\":4,\"name\":\"A\",\"query\":\"SELECT "
	  "1\",\"critical\":true,"
	  "\"response\":\"fail\",\"labels_include_any\":[{\"id\":77,\"name\":\"L\"}]},{\"id\":5,\"name\":"
	  "\"B\","
	  "\"critical\":false,\"response\":\"\"}]},{\"id\":2,\"policies\":[{\"id\":5,\"name\":\"B\","
	  "\"response\":\"pass\"},7,{\"id\":0}]},{\"id\":3,\"policies\":[]}]}",
	  OK,
	  "1: seen=2 policy=4:2:1 policy=5:0:0\n2: seen=2 wrong_types=2 policy=5:1:0\n3: seen=2\n"
	  "policy 4 critical=1 name='A'\npolicy 5 critical=0 name='B'\n" },
	{ "mapping and mdm",
	  "{\"hosts\":[{\"id\":1,\"device_mapping\":[{\"email\":\"a@b\",\"source\":\"custom\"},{\"source\":"
	  "\"idp\"}],"
	  "\"mdm\":{\"enrollment_status\":\"On (manual)\",\"connected_to_fleet\":true,"
	  "\"encryption_key_available\":false,\"device_status\":\"locked\",\"pending_action\":\"\","
	  "\"os_settings\":{\"disk_encryption\":{\"status\":\"verified\",\"detail\":\"\"}}}}]}",
	  OK,
	  "1: seen=89 mdm_connected_to_fleet=2 mdm_encryption_key_available=1 mdm_enrollment_status='On "
	  "(manual)' "
	  "mdm_device_status='locked' mdm_pending_action='' os_settings_disk_encryption='verified' "
	  "mapping='a@b' "
	  "from='custom'\n" },
	{ "teams by either name",
	  "{\"hosts\":[{\"id\":1,\"fleet_id\":2,\"fleet_name\":\"W\"},{\"id\":2,\"team_id\":3,"
	  "\"team_name\":\"X\",\"fleet_id\":3,\"fleet_name\":\"X\"}]}",
	  OK, "1: seen=256 team_id=2 team_name='W'\n2: seen=256 team_id=3 team_name='X'\n" },
	{ "escapes and bad UTF-8",
	  "{\"hosts\":[{\"id\":1,\"hostname\":\"q\\\"\\u0026\\ud83d\\ude00\",\"uuid\":\"a\xff\","
	  "\"computer_name\":\"\\ud800\"}]}",
	  OK, NULL },
	{ "raw control character", "{\"hosts\":[{\"id\":1,\"hostname\":\"a\nb\"}]}", E_SYNTAX, NULL },
};

static void table_in_every_split(void **state)
{
	struct buf whole, split;
	(void)state;
	buf_init(&whole, 1 << 20);
	buf_init(&split, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].in);
		int rc = parse(&whole, rows[i].in, n, PAGE_LIST, 0, &usual);
		if (rc != rows[i].rc || (rows[i].out && strcmp(buf_cstr(&whole), rows[i].out) != 0))
			fail_msg("%s: %s\n got: %s\nwant: %s", rows[i].what, err_name(rc), buf_cstr(&whole),
				 rows[i].out ? rows[i].out : "(any)");
		for (int step = -1; step <= 3; step++) {
			if (step == 0)
				continue;
			int again = parse(&split, rows[i].in, n, PAGE_LIST, step, &usual);
			if (again != rc || (rc == OK && strcmp(buf_cstr(&whole), buf_cstr(&split)) != 0))
				fail_msg("%s in pieces of %d: %s\n got: %s\nwant: %s", rows[i].what, step,
					 err_name(again), buf_cstr(&split), buf_cstr(&whole));
		}
	}
	buf_release(&whole);
	buf_release(&split);
}

static const struct row *find_row(const char *what)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].what, what) == 0)
			return &rows[i];
	return NULL;
}

static void rejects_are_counted(void **state)
{
	struct page_parser *p;
	struct page *page;
	const char *in = find_row("rejects")->in;
	(void)state;
	assert_int_equal(page_parser_new(&p, PAGE_LIST, &usual), OK);
	assert_int_equal(page_parser_feed(p, in, strlen(in)), OK);
	assert_int_equal(page_parser_finish(p, &page, NULL), OK);
	assert_int_equal(page->count, 7);
	assert_int_equal(page->rejected, 5);
	assert_true(page->rejected_without_id);
	assert_int_equal(page->elements[0].id, 1);
	assert_string_equal(page->elements[1].reason, "is not an object");
	assert_string_equal(page->elements[2].reason, "has no id");
	assert_memory_equal(page->elements[2].sample.p, "{\"hostname\":\"x\"}", 16);
	assert_int_equal(page->elements[2].sample.n, 16);
	assert_string_equal(page->elements[3].reason, "is not an object");
	assert_string_equal(page->elements[5].reason, "has no id");
	assert_int_equal(page->elements[6].id, 9);
	assert_int_equal(page_parser_last_id(p), 9);
	page_free(page);
	page_parser_free(p);
}

static void strings_are_repaired(void **state)
{
	struct page_parser *p;
	struct page *page;
	const char *in = find_row("escapes and bad UTF-8")->in;
	(void)state;
	assert_int_equal(page_parser_new(&p, PAGE_LIST, &usual), OK);
	page_parser_feed(p, in, strlen(in));
	assert_int_equal(page_parser_finish(p, &page, NULL), OK);
	const struct host *h = page->elements[0].host;
	assert_true(slice_is(h->hostname, "q\"&\xf0\x9f\x98\x80"));
	assert_true(slice_is(h->uuid, "a\xef\xbf\xbd"));
	assert_int_equal(page->bad_utf8, h->bad_utf8);
	assert_true(h->bad_utf8 >= 1);
	page_free(page);
	page_parser_free(p);
}

static void limits_hold(void **state)
{
	struct buf out, in;
	struct page_limits l = usual;
	(void)state;
	buf_init(&out, 1 << 20);
	buf_init(&in, 200 << 20);

	l.max_hosts = 2;
	const char *three = "{\"hosts\":[{\"id\":1},{\"id\":2},{\"id\":3}]}";
	assert_int_equal(parse(&out, three, strlen(three), PAGE_LIST, 0, &l), E_LIMIT);
	l = usual;
	l.after = 1;
	assert_int_equal(parse(&out, three, strlen(three), PAGE_LIST, 0, &l), E_ORDER);

	l = usual;
	l.host_bytes = 100;
	buf_puts(&in, "{\"hosts\":[{\"id\":1},{\"id\":2,\"x\":\"");
	for (int i = 0; i < 200; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\"},{\"id\":3}]}");
	assert_int_equal(parse(&out, in.data, in.len, PAGE_LIST, 7, &l), OK);
	assert_non_null(strstr(buf_cstr(&out), "2: rejected: is larger than limits.host_bytes"));
	assert_non_null(strstr(buf_cstr(&out), "3:"));

	/* depth 10,000 in one host: it is rejected alone */
	buf_reset(&in);
	buf_puts(&in, "{\"hosts\":[{\"id\":1},{\"id\":2,\"x\":");
	for (int i = 0; i < 10000; i++)
		buf_putc(&in, '[');
	for (int i = 0; i < 10000; i++)
		buf_putc(&in, ']');
	buf_puts(&in, "},{\"id\":3}]}");
	assert_int_equal(parse(&out, in.data, in.len, PAGE_LIST, 0, &usual), OK);
	assert_non_null(strstr(buf_cstr(&out), "2: rejected: is nested deeper than 64 levels"));

	/* a string of 100 MB: the page fails, memory does not grow */
	buf_reset(&in);
	buf_puts(&in, "{\"hosts\":[{\"id\":1,\"hostname\":\"");
	assert_true(buf_reserve(&in, 100000000));
	memset(in.data + in.len, 'x', 100000000);
	in.len += 100000000;
	buf_puts(&in, "\"}]}");
	assert_int_equal(parse(&out, in.data, in.len, PAGE_LIST, 0, &usual), E_LIMIT);

	/* facts beyond the page's memory */
	l = usual;
	l.page_bytes = 200000;
	buf_reset(&in);
	buf_puts(&in, "{\"hosts\":[");
	for (int i = 1; i <= 900; i++)
		buf_printf(&in, "%s{\"id\":%d}", i > 1 ? "," : "", i);
	buf_puts(&in, "]}");
	assert_int_equal(parse(&out, in.data, in.len, PAGE_LIST, 0, &l), E_LIMIT);
	buf_release(&out);
	buf_release(&in);
}

static void many_policies(void **state)
{
	struct buf in, out;
	(void)state;
	buf_init(&in, 8 << 20);
	buf_init(&out, 8 << 20);
	buf_puts(&in, "{\"hosts\":[");
	for (int h = 1; h <= 3; h++) {
		buf_printf(&in, "%s{\"id\":%d,\"policies\":[", h > 1 ? "," : "", h);
		for (int i = 1; i <= (h == 2 ? 5000 : 300); i++)
			buf_printf(&in, "%s{\"id\":%d,\"name\":\"policy %d\",\"response\":\"pass\"}",
				   i > 1 ? "," : "", i, i);
		buf_puts(&in, "]}");
	}
	buf_puts(&in, "]}");
	assert_int_equal(parse(&out, in.data, in.len, PAGE_LIST, 1000, &usual), OK);
	assert_non_null(strstr(buf_cstr(&out), "2: rejected: has more than 4,096 policies or owners"));
	assert_non_null(strstr(buf_cstr(&out), "policy 300 critical=0 name='policy 300'"));
	buf_release(&in);
	buf_release(&out);
}

static void detail_shape(void **state)
{
	struct buf out;
	const char *in = "{\"host\":{\"id\":4,\"orbit_version\":\"1.2\",\"disk_encryption_enabled\":false,"
			 "\"end_users\":[{\"idp_username\":\"u@x\",\"other_emails\":[{\"email\":\"c@x\","
			 "\"source\":\"google_chrome_profiles\"}]},{\"other_emails\":null}]}}";
	(void)state;
	buf_init(&out, 1 << 20);
	for (int step = 0; step < 3; step++) {
		assert_int_equal(parse(&out, in, strlen(in), PAGE_DETAIL, step, &usual), OK);
		assert_string_equal(
			buf_cstr(&out),
			"4: seen=160 disk_encryption_enabled=1 orbit_version='1.2' end_user='c@x' "
			"from='google_chrome_profiles' end_user='u@x' from='idp'\n");
	}
	in = "{\"host\":[]}";
	assert_int_equal(parse(&out, in, strlen(in), PAGE_DETAIL, 0, &usual), E_NOT_FLEET);
	buf_release(&out);
}

/* Every n-th allocation refused: the parser answers E_NOMEM or E_LIMIT, leaks nothing, and never lies. */
static void allocation_failures(void **state)
{
	struct buf out, want;
	const struct row *r = find_row("policies");
	size_t n = strlen(r->in);
	(void)state;
	buf_init(&out, 1 << 20);
	buf_init(&want, 1 << 20);
	assert_true(buf_reserve(&out, 4000));
	assert_int_equal(parse(&want, r->in, n, PAGE_LIST, 5, &usual), OK);
	int failed = 0, done = 0;
	for (unsigned long at = 1; at < 500 && !done; at++) {
		mem_fail_at(at, 0);
		int rc = parse(&out, r->in, n, PAGE_LIST, 5, &usual);
		done = mem_count() < at;
		mem_fail_at(0, 0);
		if (rc == OK)
			assert_string_equal(buf_cstr(&out), buf_cstr(&want));
		else
			assert_int_equal(rc, E_NOMEM);
		failed += rc != OK;
	}
	assert_true(done);
	assert_true(failed >= 5);
	buf_release(&out);
	buf_release(&want);
}

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	char *s = malloc(*n + 1);
	*n = fread(s, 1, *n, f);
	fclose(f);
	return s;
}

static void recordings(void **state)
{
	static const struct {
		const char *file;
		enum page_shape shape;
		uint32_t count;
		const char *has;
	} files[] = {
		{ "fleet-4.36-free__hosts_page_0.json", PAGE_LIST, 2, "os_version='macOS 13.5'" },
		{ "fleet-4.36-free__hosts_page_1_empty.json", PAGE_LIST, 0, "" },
		{ "fleet-4.36-free__host_1_detail_macos.json", PAGE_DETAIL, 1, "disk_encryption_enabled=2" },
		{ "fleet-4.36-free__host_2_detail_ubuntu.json", PAGE_DETAIL, 1, "policy=7:2:0" },
	};
	struct buf whole, split;
	(void)state;
	buf_init(&whole, 4 << 20);
	buf_init(&split, 4 << 20);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[1024];
		size_t n;
		snprintf(path, sizeof(path), MUSTER_SOURCE_DIR "/../shared/recordings/%s", files[i].file);
		char *body = read_file(path, &n);
		if (!body) {
			print_message("skipped: %s is not here\n", path);
			skip();
		}
		assert_int_equal(parse(&whole, body, n, files[i].shape, 0, &usual), OK);
		assert_non_null(strstr(buf_cstr(&whole), files[i].has));
		assert_null(strstr(buf_cstr(&whole), "wrong_types"));
		assert_null(strstr(buf_cstr(&whole), "rejected"));
		assert_int_equal(parse(&split, body, n, files[i].shape, 1, &usual), OK);
		assert_string_equal(buf_cstr(&whole), buf_cstr(&split));
		free(body);
	}
	buf_release(&whole);
	buf_release(&split);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_in_every_split), cmocka_unit_test(rejects_are_counted),
		cmocka_unit_test(strings_are_repaired), cmocka_unit_test(limits_hold),
		cmocka_unit_test(many_policies),        cmocka_unit_test(detail_shape),
		cmocka_unit_test(allocation_failures),  cmocka_unit_test(recordings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
