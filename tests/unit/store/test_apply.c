#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

/* What a second walk makes of a first one of hosts 1, 2 and 3. */
static void merge_table(void **state)
{
	static const struct {
		const char *what;
		struct row rows[4];
		size_t count;
		struct apply_counts want;
		uint64_t missing;
		const char *events; /* kinds and ids after the baseline */
	} cases[] = {
		{ "unchanged", { { .id = 1 }, { .id = 2 }, { .id = 3 } }, 3, { .unchanged = 3 }, 0, "" },
		{ "volatile",
		  { { .id = 1, .moved = 5 }, { .id = 2 }, { .id = 3 } },
		  3,
		  { .unchanged = 2, .volatile_only = 1 },
		  0,
		  "" },
		{ "created last",
		  { { .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 4 } },
		  4,
		  { .unchanged = 3, .created = 1 },
		  0,
		  "created 4;" },
		{ "changed",
		  { { .id = 1 }, { .id = 2, .variant = 2 }, { .id = 3 } },
		  3,
		  { .unchanged = 2, .changed = 1 },
		  0,
		  "changed 2;" },
		{ "missing first",
		  { { .id = 2 }, { .id = 3 } },
		  2,
		  { .unchanged = 2, .marked_missing = 1 },
		  1,
		  "" },
		{ "missing last",
		  { { .id = 1 }, { .id = 2 } },
		  2,
		  { .unchanged = 2, .marked_missing = 1 },
		  1,
		  "" },
		{ "all missing", { { 0 } }, 0, { .marked_missing = 3 }, 3, "" },
		{ "another machine",
		  { { .id = 1 }, { .id = 2, .created = 1750000000 }, { .id = 3 } },
		  3,
		  { .unchanged = 2, .created = 1, .replaced = 1 },
		  0,
		  "deleted 2;created 2;" },
		{ "rejected with id",
		  { { .id = 1 }, { .id = 2, .rejected = true }, { .id = 3 } },
		  3,
		  { .unchanged = 2, .rejected = 1 },
		  0,
		  "" },
		{ "rejected unknown id",
		  { { .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 9, .rejected = true } },
		  4,
		  { .unchanged = 3, .rejected = 1 },
		  0,
		  "" },
		{ "rejected without id",
		  { { .id = 1 }, { .id = 0 }, { .id = 3 } },
		  3,
		  { .unchanged = 2, .rejected = 1 },
		  0,
		  "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		char events[256] = "";
		fixture_open(&f);
		fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 }, { .id = 3 } }, 3);
		assert_int_equal(f.counts.created, 3);
		uint64_t missing = fixture_walk(&f, cases[i].rows, cases[i].count);
		if (memcmp(&f.counts, &cases[i].want, sizeof(f.counts)) || missing != cases[i].missing)
			fail_msg("%s: created %d changed %d unchanged %d volatile %d rejected %d marked %d "
				 "missing %d",
				 cases[i].what, (int)f.counts.created, (int)f.counts.changed,
				 (int)f.counts.unchanged, (int)f.counts.volatile_only, (int)f.counts.rejected,
				 (int)f.counts.marked_missing, (int)missing);
		char *rest = fixture_rows(&f, ROWS_CHANGES, 1)->text;
		for (char *line; (line = strtok_r(NULL, "\n", &rest));) {
			char kind[32];
			unsigned id;
			assert_int_equal(sscanf(strstr(line, "\"kind\":\""),
						"\"kind\":\"%31[a-z_]\",\"id\":%u", kind, &id),
					 2);
			snprintf(events + strlen(events), sizeof(events) - strlen(events), "%s %u;", kind,
				 id);
		}
		if (strcmp(events, cases[i].events))
			fail_msg("%s: events %s", cases[i].what, events);
		fixture_close(&f);
	}
}

static void baseline_is_one_event(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	struct fixture_text *t = fixture_rows(&f, ROWS_CHANGES, 0);
	assert_int_equal(t->rows, 1);
	assert_has(t->text, "\"seq\":1");
	assert_has(t->text, "\"kind\":\"baseline\",\"devices\":2");
	fixture_close(&f);
}

static void changed_tells_fields_and_states(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 } }, 1);
	fixture_walk(&f, (struct row[]){ { .id = 1, .variant = 1, .owner = "bo@example.com" } }, 1);
	struct fixture_text *t = fixture_rows(&f, ROWS_CHANGES, 1);
	assert_int_equal(t->rows, 1);
	assert_has(t->text, "\"seq\":2");
	assert_has(t->text,
		   "\"from\":{\"compliance.state\":\"compliant\",\"owner.email\":\"ann@example.com\"}");
	assert_has(t->text,
		   "\"to\":{\"compliance.state\":\"noncompliant\",\"owner.email\":\"bo@example.com\"}");
	assert_has(t->text, "\"compliance.state\"");
	fixture_close(&f);
}

static void gone_buried_and_revived(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 }, { .id = 3 } }, 3);
	assert_int_equal(fixture_walk(&f, (struct row[]){ { .id = 1 } }, 1), 2);
	fixture_sweep(&f, 2, SWEEP_GONE);
	fixture_sweep(&f, 3, SWEEP_OUT_OF_SCOPE);
	struct tenant_row row = fixture_row(&f);
	assert_int_equal(row.devices, 1);
	assert_int_equal(row.missing, 0);
	assert_int_equal(tenant_row_deleted_24h(&row, f.now), 2);
	assert_int_equal(tenant_row_deleted_24h(&row, f.now + 25 * 3600), 0);
	struct fixture_text *t = fixture_rows(&f, ROWS_TOMBSTONES, 0);
	assert_int_equal(t->rows, 2);
	assert_has(t->text, "\"kind\":\"out_of_scope\"");
	assert_has(t->text, "\"record\":{");
	t = fixture_rows(&f, ROWS_CHANGES, 1);
	assert_has(t->text, "\"kind\":\"deleted\",\"id\":2,\"serial\":\"SN000002\"");
	assert_has(t->text, "\"kind\":\"out_of_scope\",\"id\":3");
	/* 2 returns as it was, 3 as another machine. */
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 }, { .id = 3, .created = 1760000000 } }, 3);
	assert_int_equal(f.counts.revived, 1);
	assert_int_equal(f.counts.created, 1);
	t = fixture_rows(&f, ROWS_CHANGES, 3);
	assert_has(t->text, "\"kind\":\"revived\",\"id\":2");
	assert_has(t->text, "\"kind\":\"created\",\"id\":3");
	assert_int_equal(fixture_rows(&f, ROWS_TOMBSTONES, 0)->rows, 1);
	fixture_close(&f);
}

static void returned_and_present_lose_their_mark(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	assert_int_equal(fixture_walk(&f, NULL, 0), 2);
	fixture_sweep(&f, 1, SWEEP_PRESENT);
	assert_int_equal(fixture_row(&f).missing, 1);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	assert_int_equal(f.counts.returned, 1);
	assert_int_equal(f.counts.unchanged, 2);
	assert_int_equal(fixture_row(&f).missing, 0);
	assert_int_equal(fixture_rows(&f, ROWS_CHANGES, 1)->rows, 0);
	/* A verdict that comes after the device returned changes nothing. */
	fixture_sweep(&f, 2, SWEEP_GONE);
	assert_int_equal(fixture_row(&f).devices, 2);
	fixture_close(&f);
}

static void pages_mode_needs_two_walks(void **state)
{
	struct fixture f;
	uint64_t ids[4], count;
	size_t n;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	for (int walk = 0; walk < 3; walk++) {
		fixture_walk_begin_mode(&f, WALK_PAGES, false);
		fixture_page(&f, (struct row[]){ { .id = 1 } }, 1, true);
		/* The second walk is given up before its end: it confirms nothing. */
		if (walk == 1)
			continue;
		assert_int_equal(fixture_walk_end(&f), walk == 0 ? 0 : 1);
	}
	assert_int_equal(store_missing(f.s, f.tenant, f.walk, true, 0, ids, 4, &n, &f.err), OK);
	assert_int_equal(n, 1);
	assert_int_equal(ids[0], 2);
	assert_int_equal(store_missing_count(f.s, f.tenant, f.walk - 1, false, &count), OK);
	assert_int_equal(count, 0);
	fixture_close(&f);
}

static void replaced_device_is_named(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f,
		     (struct row[]){
			     { .id = 1, .serial = "C02XYZ", .uuid = "4C4C4544-0001-4000-8000-00000000000A" },
			     { .id = 2 } },
		     2);
	fixture_walk(&f,
		     (struct row[]){
			     { .id = 2 },
			     { .id = 7, .serial = "C02XYZ", .uuid = "4c4c4544-0001-4000-8000-00000000000a" },
			     { .id = 8 } },
		     3);
	struct fixture_text *t = fixture_rows(&f, ROWS_CHANGES, 1);
	assert_int_equal(t->rows, 2);
	assert_has(t->text, "\"replaces\":1}");
	fixture_close(&f);
}

static void first_walk_resumes_and_restarts(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	fixture_page(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2, false);
	store_close(f.s);
	assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, true);
	assert_int_equal(f.walk, 1);
	assert_int_equal(f.cursor, 2);
	fixture_page(&f, (struct row[]){ { .id = 4 } }, 1, false);
	/* Given up; the new walk sees 2 changed, 4 not at all and 5 new. */
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	assert_int_equal(f.walk, 2);
	fixture_page(&f, (struct row[]){ { .id = 1 }, { .id = 2, .variant = 1 }, { .id = 5 } }, 3, true);
	assert_int_equal(f.counts.changed, 1);
	assert_int_equal(f.counts.marked_missing, 1);
	fixture_walk_end(&f);
	assert_int_equal(fixture_rows(&f, ROWS_CHANGES, 0)->rows, 1);
	fixture_close(&f);
}

static void quiet_cursor_is_kept_in_memory(void **state)
{
	struct fixture f;
	struct tenant_row row;
	struct store_stat before, after;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	store_stat(f.s, &before);
	fixture_page(&f, (struct row[]){ { .id = 1 } }, 1, false);
	store_stat(f.s, &after);
	assert_int_equal(before.used_bytes, after.used_bytes);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
	assert_int_equal(row.cursor, 0);
	/* A failing job takes nothing back that was proven. */
	struct apply_hold bad = { .job.run = apply_hold_run, .tenant = 99 };
	assert_int_equal(fixture_run(&f, &bad.job), E_NOT_FOUND);
	f.now += 31;
	fixture_page(&f, (struct row[]){ { .id = 2 } }, 1, false);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
	assert_int_equal(row.cursor, 2);
	assert_int_equal(row.walk_hosts, 2);
	fixture_page(&f, NULL, 0, false);
	store_close(f.s);
	assert_int_equal(fixture_open_map(&f, 0), OK);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, true);
	assert_int_equal(f.cursor, 2);
	fixture_close(&f);
}

static void wrong_pages_are_refused(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	assert_int_equal(fixture_try_page(&f, (struct row[]){ { .id = 2 }, { .id = 1 } }, 2, false), E_ORDER);
	assert_has(f.err.text, "host 1 of \"acme\" came after host 2");
	assert_int_equal(fixture_try_page(&f, (struct row[]){ { .id = 2 }, { .id = 2 } }, 2, false), E_ORDER);
	assert_int_equal(fixture_row(&f).devices, 0);
	f.walk++;
	assert_int_equal(fixture_try_page(&f, (struct row[]){ { .id = 1 } }, 1, false), E_CONFLICT);
	fixture_close(&f);
}

/* The one before it failed, and this one was already waiting. */
static void page_behind_a_failed_one_is_refused(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	f.cursor = 2;
	assert_int_equal(fixture_try_page(&f, (struct row[]){ { .id = 3 } }, 1, false), E_CONFLICT);
	assert_has(f.err.text, "a page of \"acme\" begins after host 2, but its walk has come to host 0");
	f.cursor = 0;
	fixture_page(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2, false);
	fixture_page(&f, (struct row[]){ { .id = 3 } }, 1, true);
	assert_int_equal(fixture_row(&f).devices, 3);
	fixture_close(&f);
}

static void rejects_are_kept_up_to_a_limit(void **state)
{
	struct fixture f;
	static struct row rows[1200];
	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < 1200; i++)
		rows[i] = (struct row){ .id = i + 1, .rejected = true };
	fixture_walk(&f, rows, 1200);
	struct fixture_text *t = fixture_rows(&f, ROWS_REJECTS, 0);
	assert_int_equal(t->rows, 1000);
	assert_has(t->text, "\"id\":201,\"reason\":\"not an object\",\"sample\":\"{\\\"id\\\":\\\"x\\\"\"}");
	fixture_close(&f);
}

static void hold_keeps_its_time(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	struct apply_hold hold = { .job.run = apply_hold_run,
				   .tenant = f.tenant,
				   .reason = HOLD_TOO_MANY,
				   .count = 30,
				   .now = f.now };
	assert_int_equal(fixture_run(&f, &hold.job), OK);
	hold.count = 31;
	hold.now = f.now + 100;
	assert_int_equal(fixture_run(&f, &hold.job), OK);
	assert_int_equal(fixture_row(&f).hold_since, f.now);
	assert_int_equal(fixture_row(&f).hold_count, 31);
	hold.reason = HOLD_NONE;
	assert_int_equal(fixture_run(&f, &hold.job), OK);
	assert_int_equal(fixture_row(&f).hold_since, 0);
	fixture_close(&f);
}

/* Whatever allocation fails, the page is refused whole and a second attempt
 * succeeds. */
static void every_allocation_may_fail(void **state)
{
	static const struct row second[] = {
		{ .id = 1, .variant = 1 }, { .id = 3, .moved = 1 }, { .id = 4 }, { .id = 0 }
	};
	int failed = 0;
	(void)state;
	for (unsigned long n = 1; n < 500; n++) {
		struct fixture f;
		fixture_open(&f);
		fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 }, { .id = 3 } }, 3);
		store_close(f.s);
		assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
		fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
		mem_fail_at(n, 0);
		int rc = fixture_try_page(&f, second, 4, true);
		bool reached = mem_count() >= n;
		mem_fail_at(0, 0);
		if (rc) {
			failed++;
			assert_int_equal(rc, E_NOMEM);
			assert_true(f.err.text[0]);
			assert_int_equal(store_verify(f.s, fixture_finding, NULL), OK);
			assert_int_equal(fixture_row(&f).cursor, 0);
			fixture_page(&f, second, 4, true);
		}
		fixture_walk_end(&f);
		assert_int_equal(fixture_rows(&f, ROWS_CHANGES, 1)->rows, 2);
		fixture_close(&f);
		if (!reached)
			break;
		assert_true(n < 499);
	}
	assert_true(failed > 0);
}

static int count_up(void *arg, const struct store_device *d)
{
	uint64_t *last = arg;
	return d->id == ++*last ? OK : E_CORRUPT;
}

/* The first tenant's rows go in before the second's: nothing can be appended. */
static void tenants_load_side_by_side(void **state)
{
	static const size_t pages[] = { 1, 2, 3, 40, 7 };
	struct row rows[40];
	struct fixture f[2];
	uint64_t last[2] = { 0, 0 };
	(void)state;
	fixture_open(&f[0]);
	f[1] = f[0];
	f[1].tenant = fixture_tenant(&f[0], "zeta");
	for (int i = 0; i < 2; i++)
		fixture_walk_begin_mode(&f[i], WALK_CURSOR_ID, false);
	for (size_t page = 0; page < 50; page++) {
		size_t n = pages[page % 5];
		for (int i = 1; i >= 0; i--) {
			for (size_t k = 0; k < n; k++)
				rows[k] = (struct row){ .id = f[i].cursor + 1 + k };
			fixture_page(&f[i], rows, n, page == 49);
		}
	}
	for (int i = 0; i < 2; i++) {
		fixture_walk_end(&f[i]);
		assert_int_equal(store_devices(f[0].s, f[i].tenant, 0, count_up, &last[i]), OK);
		assert_int_equal(last[i], 530);
	}
	fixture_close(&f[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_table),
		cmocka_unit_test(baseline_is_one_event),
		cmocka_unit_test(changed_tells_fields_and_states),
		cmocka_unit_test(gone_buried_and_revived),
		cmocka_unit_test(returned_and_present_lose_their_mark),
		cmocka_unit_test(pages_mode_needs_two_walks),
		cmocka_unit_test(replaced_device_is_named),
		cmocka_unit_test(first_walk_resumes_and_restarts),
		cmocka_unit_test(quiet_cursor_is_kept_in_memory),
		cmocka_unit_test(wrong_pages_are_refused),
		cmocka_unit_test(page_behind_a_failed_one_is_refused),
		cmocka_unit_test(rejects_are_kept_up_to_a_limit),
		cmocka_unit_test(hold_keeps_its_time),
		cmocka_unit_test(tenants_load_side_by_side),
		cmocka_unit_test(every_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
