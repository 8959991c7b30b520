/* Bodies of real servers, through the parser and the derivation, against the
 * records in tests/golden that were checked by eye. With MUSTER_GOLDEN_WRITE=1
 * the records are written instead, to be looked at before they are kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "fleet/page_parser.h"
#include "model/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED MUSTER_SOURCE_DIR "/../shared/"
#define GOLDEN MUSTER_SOURCE_DIR "/tests/golden/"

enum { FILE_MAX = 1 << 20, DETAILS = 2 };
static const int64_t now = 1772409600; /* 2026-03-02T00:00:00Z */

struct golden {
	const char *name;
	const char *list;             /* file with the page */
	const char *details[DETAILS]; /* of its hosts, in that order; "" or NULL: none */
	bool wrap;                    /* the file is one element of a page */
	bool premium;
};

static const struct golden cases[] = {
	{ .name = "free-4.36-list", .list = "recordings/fleet-4.36-free__hosts_page_0.json" },
	{ .name = "free-4.36-list-and-details",
	  .list = "recordings/fleet-4.36-free__hosts_page_0.json",
	  .details = { "recordings/fleet-4.36-free__host_1_detail_macos.json",
		       "recordings/fleet-4.36-free__host_2_detail_ubuntu.json" } },
	{ .name = "premium-4.7x-macos",
	  .list = "recordings/fleet-4.7x-premium__list_item_macos.json",
	  .wrap = true,
	  .premium = true },
	{ .name = "premium-4.7x-ubuntu",
	  .list = "recordings/fleet-4.7x-premium__list_item_ubuntu.json",
	  .wrap = true,
	  .premium = true },
	{ .name = "documented-list", .list = "fleet-hosts-sample.json", .premium = true },
	{ .name = "documented-list-and-detail",
	  .list = "fleet-hosts-sample.json",
	  .details = { "fleet-hosts-sample.json" },
	  .premium = true },
};

/* The sample holds a page and, as its member `host_detail`, a detail. */
static const char detail_mark[] = "\"host_detail\": {";

static struct slice read_file(const char *folder, const char *name, char *bytes)
{
	char path[500];
	snprintf(path, sizeof(path), "%s%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (!f) {
		print_message("%s is missing: skipped\n", path);
		return SLICE_NONE;
	}
	size_t n = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	assert_true(n > 0 && n < FILE_MAX);
	bytes[n] = '\0';
	return (struct slice){ bytes, (uint32_t)n };
}

static struct page *parse(enum page_shape shape, struct slice text, bool wrap)
{
	struct page_limits limits = { .host_bytes = 1 << 20, .page_bytes = 8 << 20, .max_hosts = 100 };
	struct page_parser *p;
	struct page *page;
	struct err e = { 0 };
	assert_int_equal(page_parser_new(&p, shape, &limits), OK);
	if (wrap)
		page_parser_feed(p, "{\"hosts\":[", 10);
	page_parser_feed(p, text.p, text.n);
	if (wrap)
		page_parser_feed(p, "]}", 2);
	if (page_parser_finish(p, &page, &e))
		fail_msg("%s", e.text);
	page_parser_free(p);
	assert_int_equal(page->rejected, 0);
	assert_int_equal(page->bad_utf8, 0);
	return page;
}

static struct page *parse_detail(const char *name, char *bytes)
{
	struct slice text = read_file(SHARED, name, bytes);
	char *mark = strstr(bytes, detail_mark);
	if (mark) {
		mark += strlen(detail_mark) - 1;
		text = (struct slice){ mark, (uint32_t)(strrchr(mark, '}') - mark) };
	}
	return parse(PAGE_DETAIL, text, false);
}

static void add_record(struct buf *out, const struct golden *g, const struct page *page, uint32_t i,
		       const struct policy_table *names, struct page *detail)
{
	const struct derive_settings settings = {
		.owner_precedence = { OWNER_CUSTOM, OWNER_IDP, OWNER_MDM_IDP_ACCOUNTS,
				      OWNER_GOOGLE_CHROME_PROFILES },
		.owner_precedence_count = 4,
		.map_users = true,
		.map_teams = true,
		.premium = g->premium,
	};
	struct detail_facts facts = { 0 };
	struct device d;
	struct buf stable;
	unsigned char packed[RECORD_VOLATILE_MAX];
	const struct record_now when = { .now = now, .stale_after_s = 7 * 24 * 3600 };
	if (detail)
		detail_facts_of(&facts, detail->elements[0].host, now - 3600);
	derive(&d, page->elements[i].host, detail ? &facts : NULL, NULL, &settings, now);
	buf_init(&stable, 1 << 20);
	assert_int_equal(record_write_stable(&stable, &d, names), OK);
	size_t n = record_pack_volatile(packed, &d);
	assert_int_equal(record_join(out, "acme", d.id, buf_slice(&stable), packed, n, &when), OK);
	buf_putc(out, '\n');
	buf_release(&stable);
}

static void add_names(struct policy_table *names, const struct page *page)
{
	for (uint32_t i = 0; i < page->policy_count; i++) {
		const struct policy_name *p = &page->policies[i];
		assert_true(policy_table_set(names, p->id, p->name, p->critical) >= 0);
	}
}

/* One record a line; false when the body is not there. */
static bool records_of(struct buf *out, const struct golden *g)
{
	char *bytes = malloc(FILE_MAX + 1);
	struct policy_table names;
	assert_non_null(bytes);
	struct slice text = read_file(SHARED, g->list, bytes);
	if (!text.p) {
		free(bytes);
		return false;
	}
	struct page *page = parse(PAGE_LIST, text, g->wrap);
	policy_table_init(&names);
	add_names(&names, page);
	for (uint32_t i = 0; i < page->count; i++) {
		struct page *detail =
			i < DETAILS && g->details[i] ? parse_detail(g->details[i], bytes) : NULL;
		assert_non_null(page->elements[i].host);
		if (detail) {
			assert_int_equal(detail->elements[0].id, page->elements[i].id);
			add_names(&names, detail);
		}
		add_record(out, g, page, i, &names, detail);
		page_free(detail);
	}
	policy_table_release(&names);
	page_free(page);
	free(bytes);
	return true;
}

static void write_golden(const char *name, const struct buf *records)
{
	char path[500];
	snprintf(path, sizeof(path), GOLDEN "%s", name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(records->data, 1, records->len, f), records->len);
	fclose(f);
}

static void show_difference(const char *name, struct slice want, struct slice have)
{
	uint32_t at = 0;
	while (at < want.n && at < have.n && want.p[at] == have.p[at])
		at++;
	uint32_t from = at > 60 ? at - 60 : 0;
	print_error("%s differs at byte %u:\n  wanted %.160s\n  derived %.160s\n", name, at, want.p + from,
		    have.p + from);
}

static void same_as_golden(void **state)
{
	const struct golden *g = *state;
	char name[100], *bytes = malloc(FILE_MAX + 1);
	struct buf records;
	assert_non_null(bytes);
	snprintf(name, sizeof(name), "%s.ndjson", g->name);
	buf_init(&records, FILE_MAX);
	bool there = records_of(&records, g);
	if (there && getenv("MUSTER_GOLDEN_WRITE")) {
		write_golden(name, &records);
	} else if (there) {
		struct slice want = read_file(GOLDEN, name, bytes);
		buf_cstr(&records);
		assert_non_null(want.p);
		if (!slice_eq(want, buf_slice(&records))) {
			show_difference(name, want, buf_slice(&records));
			fail();
		}
	}
	buf_release(&records);
	free(bytes);
	if (!there)
		skip();
}

int main(void)
{
	enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
	struct CMUnitTest tests[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		tests[i] =
			(struct CMUnitTest){ cases[i].name, same_as_golden, NULL, NULL, (void *)&cases[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
