#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "fleet/list_request.h"

#include <string.h>

enum { ALL_FEATURES = LIST_DEVICE_MAPPING | LIST_POLICIES | LIST_DEVICE_STATUS, HOST_BYTES = 5300 };

static void paths(void **state)
{
	static const struct {
		enum list_order order;
		unsigned features;
		uint64_t after;
		uint32_t page, page_hosts;
		const char *want;
	} rows[] = {
		{ LIST_BY_ID, 0, 0, 0, 0, "/api/v1/fleet/hosts?per_page=100&order_key=id&after=0" },
		{ LIST_BY_ID, ALL_FEATURES, 41, 9, 0,
		  "/api/v1/fleet/hosts?per_page=100&order_key=id&after=41"
		  "&device_mapping=true&populate_policies=true&include_device_status=true" },
		{ LIST_BY_H_ID, LIST_DEVICE_MAPPING, 18446744073709551615u, 0, 1,
		  "/api/v1/fleet/hosts?per_page=1&order_key=h.id&after=18446744073709551615"
		  "&device_mapping=true" },
		{ LIST_BY_H_ID, LIST_POLICIES, 7, 3, 250,
		  "/api/v1/fleet/hosts?per_page=250&order_key=h.id&after=7&populate_policies=true" },
		{ LIST_BY_PAGE, LIST_DEVICE_STATUS, 7, 3, 0,
		  "/api/v1/fleet/hosts?per_page=100&order_key=id&page=3&include_device_status=true" },
		{ LIST_BY_PAGE, LIST_DEVICE_MAPPING | LIST_DEVICE_STATUS, 0, 0, 1000,
		  "/api/v1/fleet/hosts?per_page=1000&order_key=id&page=0"
		  "&device_mapping=true&include_device_status=true" },
	};
	struct buf b;
	(void)state;
	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_request r;
		buf_reset(&b);
		list_request_init(&r, rows[i].order, rows[i].features, rows[i].after, rows[i].page_hosts);
		r.page = rows[i].page;
		list_request_path(&b, &r);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
	/* appended: what stood before stays */
	struct list_request r;
	list_request_init(&r, LIST_BY_ID, 0, 0, 0);
	buf_reset(&b);
	buf_puts(&b, "https://fleet.acme.example");
	list_request_path(&b, &r);
	assert_string_equal(buf_cstr(&b), "https://fleet.acme.example/api/v1/fleet/hosts"
					  "?per_page=100&order_key=id&after=0");
	buf_release(&b);
}

static void paths_by_disk_encryption(void **state)
{
	static const struct {
		enum list_order order;
		unsigned features;
		uint64_t team;
		const char *word, *want;
	} rows[] = {
		/* no team parameter: hosts of no team */
		{ LIST_BY_ID, 0, 0, "verified",
		  "/api/v1/fleet/hosts?per_page=100&order_key=id&after=41"
		  "&os_settings_disk_encryption=verified" },
		{ LIST_BY_H_ID, LIST_DEVICE_MAPPING | LIST_POLICIES, 3, "removing_enforcement",
		  "/api/v1/fleet/hosts?per_page=100&order_key=h.id&after=41"
		  "&device_mapping=true&populate_policies=true"
		  "&team_id=3&os_settings_disk_encryption=removing_enforcement" },
		/* a team is no filter of its own */
		{ LIST_BY_ID, 0, 3, NULL, "/api/v1/fleet/hosts?per_page=100&order_key=id&after=41" },
	};
	struct buf b;
	(void)state;
	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_request r;
		buf_reset(&b);
		list_request_init(&r, rows[i].order, rows[i].features, 41, 0);
		r.team = rows[i].team;
		r.disk_encryption = rows[i].word;
		list_request_path(&b, &r);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
	buf_release(&b);
	for (size_t i = 0; i < LIST_ENCRYPTION_WORDS; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(list_encryption_words[i], list_encryption_words[k]);
}

static void features_of_versions(void **state)
{
	static const struct {
		int major, minor;
		unsigned want;
	} rows[] = {
		{ 0, 0, ALL_FEATURES }, /* not understood: all are tried */
		{ 3, 99, LIST_DEVICE_MAPPING },
		{ 4, 36, LIST_DEVICE_MAPPING },
		{ 4, 46, LIST_DEVICE_MAPPING },
		{ 4, 47, LIST_DEVICE_MAPPING | LIST_POLICIES },
		{ 4, 79, LIST_DEVICE_MAPPING | LIST_POLICIES },
		{ 4, 80, ALL_FEATURES },
		{ 4, 100, ALL_FEATURES },
		{ 5, 0, ALL_FEATURES },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_facts f = { .major = rows[i].major, .minor = rows[i].minor };
		if (list_features_of(&f) != rows[i].want)
			fail_msg("%d.%d: %u", rows[i].major, rows[i].minor, list_features_of(&f));
	}
}

static void features_as_text(void **state)
{
	char out[128];
	(void)state;
	list_features_text(out, sizeof(out), 0);
	assert_string_equal(out, "");
	list_features_text(out, sizeof(out), LIST_POLICIES);
	assert_string_equal(out, "populate_policies=true");
	list_features_text(out, sizeof(out), ALL_FEATURES);
	assert_string_equal(out, "device_mapping=true&populate_policies=true&include_device_status=true");
	for (size_t room = 1; room < sizeof(out); room++) {
		char small[sizeof(out)];
		memset(small, '#', sizeof(small));
		list_features_text(small, room, ALL_FEATURES);
		size_t n = strnlen(small, room);
		assert_true(n < room);
		assert_memory_equal(small, out, n);
		assert_int_equal(small[room], '#');
	}
}

static void order_keys(void **state)
{
	(void)state;
	assert_string_equal(list_order_key(LIST_BY_ID), "id");
	assert_string_equal(list_order_key(LIST_BY_H_ID), "h.id");
	assert_string_equal(list_order_key(LIST_BY_PAGE), "id");
}

static void advance(void **state)
{
	struct list_request r;
	(void)state;
	list_request_init(&r, LIST_BY_ID, 0, 10, 0);
	list_request_advance(&r, 200);
	assert_int_equal(r.after, 200);
	list_request_advance(&r, 150);
	assert_int_equal(r.after, 200);
	list_request_init(&r, LIST_BY_PAGE, 0, 0, 0);
	list_request_advance(&r, 5);
	list_request_advance(&r, 9);
	assert_int_equal(r.page, 2);
	assert_int_equal(r.after, 9);
}

/* A server that takes base_ms a request and host_us a host. */
struct server {
	uint32_t base_ms, host_us;
};

static uint32_t took(const struct server *s, uint32_t hosts)
{
	return s->base_ms + (uint32_t)((uint64_t)hosts * s->host_us / 1000);
}

static void one_page(struct list_request *r, const struct server *s)
{
	uint32_t before = r->per_page;
	list_request_adapt(r, r->per_page, (uint64_t)r->per_page * HOST_BYTES, took(s, r->per_page));
	assert_in_range(r->per_page, LIST_MIN_HOSTS, LIST_MAX_HOSTS);
	assert_true(r->per_page <= 2 * before);
}

static void adapts_to_servers(void **state)
{
	static const struct {
		const char *what;
		struct server server;
		uint32_t low, high; /* where it settles */
		uint32_t never_above;
	} rows[] = {
		{ "fast: the bytes decide", { 5, 40 }, 785, 792, 792 },
		{ "half a second a page", { 500, 0 }, 785, 792, 792 },
		{ "4 s a page whatever it holds", { 4000, 0 }, 250, 250, 250 },
		{ "1 s a page whatever it holds", { 1000, 0 }, 250, 250, 250 },
		{ "2 ms a host: a second is 450", { 100, 2000 }, 380, 500, 800 },
		{ "10 ms a host: 250 take 2.5 s", { 0, 10000 }, 250, 250, 250 },
		{ "40 ms a host: 125 take 5 s", { 0, 40000 }, 125, 125, 125 },
		{ "a second a host", { 0, 1000000 }, 20, 20, 100 },
		{ "a minute a page", { 60000, 0 }, 20, 20, 100 },
		{ "no time at all", { 0, 0 }, 785, 792, 792 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_request r;
		list_request_init(&r, LIST_BY_ID, 0, 0, 0);
		for (int page = 0; page < 60; page++) {
			one_page(&r, &rows[i].server);
			if (r.per_page > rows[i].never_above ||
			    (page >= 30 && (r.per_page < rows[i].low || r.per_page > rows[i].high)))
				fail_msg("%s: page %d: %u", rows[i].what, page, r.per_page);
		}
		if (rows[i].high == 792)
			assert_in_range(r.per_page * HOST_BYTES, 0, 4 << 20);
	}
}

static void grows_by_doubling(void **state)
{
	static const uint32_t want[] = { 200, 400, 791, 791, 791 };
	static const struct server fast = { 5, 40 };
	struct list_request r;
	(void)state;
	list_request_init(&r, LIST_BY_ID, 0, 0, 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		one_page(&r, &fast);
		assert_int_equal(r.per_page, want[i]);
	}
	/* the server becomes slow: back to calm pages at once, no lower than needed */
	static const struct server slow = { 4000, 0 };
	for (int i = 0; i < 10; i++) {
		one_page(&r, &slow);
		assert_int_equal(r.per_page, LIST_CALM_HOSTS);
	}
	/* and quick again */
	one_page(&r, &fast);
	assert_int_equal(r.per_page, 500);
}

static void adapt_bounds(void **state)
{
	static const struct {
		uint32_t per_page, hosts;
		uint64_t bytes;
		uint32_t ms, want;
	} rows[] = {
		{ 100, 0, 12, 3, 100 },                   /* an empty page says nothing */
		{ 100, 100, 0, 0, 200 },                  /* nothing measured */
		{ 1000, 1000, 1, 1, 1000 },               /* most */
		{ 900, 900, 900 * 1000, 300, 1000 },      /* most, of 1 kB hosts */
		{ 20, 20, 100 << 20, 100, 20 },           /* least */
		{ 100, 1, UINT64_MAX, UINT32_MAX, 20 },   /* absurd */
		{ 20, UINT32_MAX, 1, 1, 40 },             /* far more than asked for */
		{ 100, 100, 100 * 250000, 200, 20 },      /* 250 kB a host */
		{ 100, 100, 100 * 50000, 200, 83 },       /* 4 MiB of 50 kB hosts */
		{ 100, 100, 100 * HOST_BYTES, 999, 200 }, /* just quick */
		{ 200, 200, 200 * HOST_BYTES, 999, 400 },
		{ 200, 200, 200 * HOST_BYTES, 1000, 250 },
		{ 249, 249, 249 * 1000, 4000, 250 },
		{ 250, 250, 250 * 1000, 4000, 250 },
		{ 250, 250, 250 * 1000, 5000, 250 },
		{ 250, 250, 250 * 1000, 5001, 249 },
		{ 251, 251, 251 * 1000, 4000, 250 },
		{ 1000, 1000, 1000 * 1000, 1250, 800 },
		{ 1000, 1000, 1000 * 1000, 4000, 250 },
		{ 1000, 1000, 1000 * 1000, 50000, 100 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_request r;
		list_request_init(&r, LIST_BY_H_ID, 0, 0, 0);
		r.per_page = rows[i].per_page;
		list_request_adapt(&r, rows[i].hosts, rows[i].bytes, rows[i].ms);
		if (r.per_page != rows[i].want)
			fail_msg("row %zu: %u", i, r.per_page);
	}
}

static void adapt_never_leaves_the_bounds(void **state)
{
	struct random rnd = { 3 };
	struct list_request r;
	(void)state;
	list_request_init(&r, LIST_BY_ID, 0, 0, 0);
	for (int i = 0; i < 100000; i++) {
		uint32_t before = r.per_page, ms = (uint32_t)random_below(&rnd, 1 << random_below(&rnd, 31));
		uint32_t hosts = 1 + (uint32_t)random_below(&rnd, 1500);
		if (random_below(&rnd, 20) == 0)
			list_request_shrink(&r);
		else
			list_request_adapt(&r, hosts, random_below(&rnd, 1u << 31), ms);
		assert_in_range(r.per_page, LIST_MIN_HOSTS, LIST_MAX_HOSTS);
		assert_true(r.per_page <= 2 * before);
	}
}

static void what_does_not_adapt(void **state)
{
	struct list_request r;
	(void)state;
	list_request_init(&r, LIST_BY_ID, 0, 0, 77);
	list_request_adapt(&r, 77, 77, 1);
	assert_int_equal(r.per_page, 77);
	list_request_adapt(&r, 77, 100 << 20, 90000);
	assert_int_equal(r.per_page, 77);
	list_request_init(&r, LIST_BY_PAGE, 0, 0, 0);
	list_request_adapt(&r, 100, 100, 1);
	assert_int_equal(r.per_page, 100);
	list_request_adapt(&r, 100, 100 << 20, 90000);
	assert_int_equal(r.per_page, 100);
}

static void shrink(void **state)
{
	static const struct {
		enum list_order order;
		uint32_t page_hosts, page, want_hosts, want_page;
	} rows[] = {
		{ LIST_BY_ID, 0, 0, 50, 0 },       { LIST_BY_ID, 1000, 3, 500, 3 },
		{ LIST_BY_ID, 101, 3, 50, 3 },     { LIST_BY_H_ID, 40, 3, 20, 3 },
		{ LIST_BY_ID, 39, 3, 20, 3 },      { LIST_BY_ID, 21, 3, 20, 3 },
		{ LIST_BY_ID, 20, 3, 20, 3 },      { LIST_BY_ID, 5, 3, 5, 3 },
		{ LIST_BY_PAGE, 0, 0, 50, 0 },     { LIST_BY_PAGE, 0, 7, 50, 14 },
		{ LIST_BY_PAGE, 1000, 3, 500, 6 }, { LIST_BY_PAGE, 101, 3, 101, 3 },
		{ LIST_BY_PAGE, 40, 3, 20, 6 },    { LIST_BY_PAGE, 38, 3, 38, 3 },
		{ LIST_BY_PAGE, 20, 3, 20, 3 },    { LIST_BY_PAGE, 4, 3, 4, 3 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_request r;
		list_request_init(&r, rows[i].order, 0, 9, rows[i].page_hosts);
		r.page = rows[i].page;
		list_request_shrink(&r);
		if (r.per_page != rows[i].want_hosts || r.page != rows[i].want_page)
			fail_msg("row %zu: %u hosts, page %u", i, r.per_page, r.page);
		assert_int_equal(r.after, 9);
	}
}

/* Whatever is shrunk when, page mode asks for every row once. */
static void shrink_keeps_the_offset(void **state)
{
	struct random rnd = { 5 };
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct list_request r;
		uint64_t next = 0;
		list_request_init(&r, LIST_BY_PAGE, 0, 0, (uint32_t)random_below(&rnd, 1001));
		for (int i = 0; i < 40; i++) {
			if (random_below(&rnd, 6) == 0)
				list_request_shrink(&r);
			assert_int_equal((uint64_t)r.page * r.per_page, next);
			list_request_adapt(&r, r.per_page, 1, 1);
			assert_int_equal((uint64_t)r.page * r.per_page, next);
			next += r.per_page;
			list_request_advance(&r, next);
		}
	}
}

static void drop_feature_order(void **state)
{
	struct list_request r;
	(void)state;
	list_request_init(&r, LIST_BY_ID, ALL_FEATURES, 0, 0);
	assert_true(list_request_drop_feature(&r, SLICE_NONE));
	assert_int_equal(r.features, LIST_DEVICE_MAPPING | LIST_POLICIES);
	assert_true(list_request_drop_feature(&r, SLICE("<html></html>")));
	assert_int_equal(r.features, LIST_DEVICE_MAPPING);
	assert_true(list_request_drop_feature(&r, SLICE("")));
	assert_int_equal(r.features, 0);
	assert_false(list_request_drop_feature(&r, SLICE("device_mapping")));
	assert_int_equal(r.features, 0);
}

static void drop_feature_by_name(void **state)
{
	static const struct {
		unsigned have;
		const char *body;
		unsigned left;
	} rows[] = {
		{ ALL_FEATURES, "{\"errors\":[{\"reason\":\"Invalid device_mapping: true\"}]}",
		  LIST_POLICIES | LIST_DEVICE_STATUS },
		{ ALL_FEATURES, "Invalid populate_policies: true", LIST_DEVICE_MAPPING | LIST_DEVICE_STATUS },
		{ ALL_FEATURES, "Invalid include_device_status: true", LIST_DEVICE_MAPPING | LIST_POLICIES },
		{ ALL_FEATURES, "device_mapping, populate_policies",
		  LIST_DEVICE_MAPPING | LIST_DEVICE_STATUS },
		/* names one that was not sent */
		{ LIST_DEVICE_MAPPING | LIST_POLICIES, "include_device_status", LIST_DEVICE_MAPPING },
		{ LIST_DEVICE_MAPPING, "populate_policies", 0 },
		{ ALL_FEATURES, "device_mappin", LIST_DEVICE_MAPPING | LIST_POLICIES },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_request r;
		list_request_init(&r, LIST_BY_ID, rows[i].have, 0, 0);
		assert_true(list_request_drop_feature(&r, slice_of(rows[i].body)));
		if (r.features != rows[i].left)
			fail_msg("%s: %u", rows[i].body, r.features);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(paths_by_disk_encryption),
		cmocka_unit_test(features_of_versions),
		cmocka_unit_test(features_as_text),
		cmocka_unit_test(order_keys),
		cmocka_unit_test(advance),
		cmocka_unit_test(adapts_to_servers),
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(adapt_bounds),
		cmocka_unit_test(adapt_never_leaves_the_bounds),
		cmocka_unit_test(what_does_not_adapt),
		cmocka_unit_test(shrink),
		cmocka_unit_test(shrink_keeps_the_offset),
		cmocka_unit_test(drop_feature_order),
		cmocka_unit_test(drop_feature_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
