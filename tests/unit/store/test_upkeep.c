#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "store/backup.h"
#include "store/upkeep.h"

#include <sys/stat.h>

enum { DAY_S = 86400, MANY = 4096 };

static void fill(struct fixture *f, size_t count, int variant)
{
	struct row *rows = calloc(count, sizeof(*rows));
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct row){ .id = i + 1, .variant = variant };
	fixture_walk(f, rows, count);
	free(rows);
}

static void sound(struct fixture *f)
{
	assert_int_equal(store_verify(f->s, fixture_finding, NULL), OK);
}

static void reopen(struct fixture *f)
{
	store_close(f->s);
	if (fixture_open_map(f, 64 << 20))
		fail_msg("%s", f->err.text);
}

/* ---- pausing ---- */

static void a_pause_is_kept(void **state)
{
	struct fixture f;
	struct tenant_row row;
	(void)state;
	fixture_open(&f);
	struct apply_pause job = { .job.run = apply_pause_run, .tenant = f.tenant, .paused = true };
	assert_int_equal(fixture_run(&f, &job.job), OK);
	reopen(&f);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
	assert_true(row.paused);
	job.paused = false;
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
	assert_false(row.paused);
	fixture_close(&f);
}

/* ---- removing ---- */

static void others_stay(struct fixture *f, uint32_t other)
{
	struct tenant_row row;
	assert_int_equal(store_tenant_by_name(f->s, "globex", &row), OK);
	assert_int_equal(row.number, other);
	assert_int_equal(row.devices, 10);
}

static void removal_is_sliced_and_goes_on_after_a_restart(void **state)
{
	struct fixture f;
	struct tenant_row row;
	uint64_t devices = 0;
	int slices = 0;
	(void)state;
	fixture_open(&f);
	uint32_t acme = f.tenant;
	fill(&f, MANY, 0);
	fill(&f, MANY, 1); /* changes too */
	fill(&f, 100, 1);  /* and missing marks */
	f.tenant = fixture_tenant(&f, "globex");
	uint32_t globex = f.tenant;
	fill(&f, 10, 0);
	struct apply_remove job = { .job.run = apply_remove_run, .tenant = acme, .more = true };
	while (job.more) {
		assert_int_equal(fixture_run(&f, &job.job), OK);
		devices += job.devices;
		others_stay(&f, globex);
		sound(&f);
		if (++slices == 3) {
			reopen(&f);
			assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
			assert_true(row.removing);
			struct apply_tenant sync = { .job.run = apply_tenant_run, .name = "acme" };
			assert_int_equal(fixture_run(&f, &sync.job), E_CONFLICT);
		}
		assert_true(slices < 100);
	}
	assert_true(slices > 3);
	assert_int_equal(devices, MANY);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), E_NOT_FOUND);
	assert_int_equal(fixture_run(&f, &job.job), E_NOT_FOUND);
	reopen(&f);
	others_stay(&f, globex);
	/* the same name is another tenant, also when its number was the last one */
	uint32_t again = fixture_tenant(&f, "acme");
	assert_int_equal(again, globex + 1);
	job.tenant = again;
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_false(job.more);
	reopen(&f);
	assert_int_equal(fixture_tenant(&f, "acme"), again + 1);
	fixture_close(&f);
}

/* ---- retention ---- */

static uint64_t retain(struct fixture *f, struct store_retention r, uint64_t over, int *slices)
{
	struct apply_retention job = { .job.run = apply_retention_run,
				       .tenant = f->tenant,
				       .retention = r,
				       .changes_over = over,
				       .tombstones_from = 1,
				       .now = f->now };
	uint64_t dropped = 0;
	*slices = 0;
	do {
		assert_int_equal(fixture_run(f, &job.job), OK);
		dropped += job.dropped;
		job.changes_over = job.changes_left;
		job.tombstones_from = job.tombstones_next;
		assert_true(++*slices < 20);
		sound(f);
	} while (job.more);
	return dropped;
}

static int count_row(void *arg, uint64_t key, struct slice json)
{
	(void)key;
	(void)json;
	++*(uint64_t *)arg;
	return OK;
}

static uint64_t rows_of(struct fixture *f, enum store_rows what)
{
	uint64_t n = 0;
	assert_int_equal(store_rows(f->s, f->tenant, what, 0, count_row, &n), OK);
	return n;
}

static void sweep(struct fixture *f, uint64_t from, uint64_t to)
{
	for (uint64_t id = from; id <= to; id++) {
		struct apply_sweep job = { .job.run = apply_sweep_run,
					   .tenant = f->tenant,
					   .walk = f->walk,
					   .id = id,
					   .verdict = SWEEP_GONE,
					   .now = f->now };
		assert_int_equal(fixture_run(f, &job.job), OK);
	}
}

static const struct store_retention for_ever = { INT64_MAX, INT64_MAX, INT64_MAX };

static void what_is_old_is_dropped(void **state)
{
	struct fixture f;
	struct tenant_row row;
	int slices;
	(void)state;
	fixture_open(&f);
	fill(&f, 100, 0); /* event 1: the baseline */
	f.now += DAY_S;
	fill(&f, 100, 1); /* 2 to 101 */
	f.now += DAY_S;
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	fixture_page(&f, (struct row[]){ { .id = 0 }, { .id = 1, .variant = 1 } }, 2, false);
	fixture_page(&f, NULL, 0, true);
	fixture_walk_end(&f);
	assert_int_equal(rows_of(&f, ROWS_REJECTS), 1);

	struct store_retention r = { 10 * DAY_S, 10 * DAY_S, 10 * DAY_S };
	assert_int_equal(retain(&f, for_ever, 0, &slices), 0);
	assert_int_equal(retain(&f, r, 0, &slices), 0);
	f.now += 9 * DAY_S;
	assert_int_equal(retain(&f, r, 0, &slices), 1);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
	assert_int_equal(row.seq_dropped, 1);
	f.now += DAY_S - 1;
	assert_int_equal(retain(&f, r, 0, &slices), 100);
	f.now += DAY_S;
	assert_int_equal(retain(&f, r, 0, &slices), 1);
	assert_int_equal(rows_of(&f, ROWS_REJECTS), 0);
	assert_int_equal(rows_of(&f, ROWS_CHANGES), 0);
	/* the sequence goes on where it was */
	fill(&f, 100, 0);
	assert_int_equal(store_tenant_by_name(f.s, "acme", &row), OK);
	assert_int_equal(row.seq_dropped, 101);
	assert_true(row.seq > 101);
	assert_int_equal(rows_of(&f, ROWS_CHANGES), row.seq - 101);
	fixture_close(&f);
}

static void too_many_changes_lose_the_oldest(void **state)
{
	struct fixture f;
	int slices;
	(void)state;
	fixture_open(&f);
	fill(&f, MANY, 0);
	fill(&f, MANY, 1);
	assert_int_equal(rows_of(&f, ROWS_CHANGES), MANY + 1);
	assert_int_equal(retain(&f, for_ever, 3000, &slices), 3000);
	assert_int_equal(slices, 2);
	assert_int_equal(rows_of(&f, ROWS_CHANGES), MANY + 1 - 3000);
	fixture_close(&f);
}

static void tombstones_are_dropped_by_age(void **state)
{
	struct fixture f;
	int slices;
	(void)state;
	fixture_open(&f);
	fill(&f, MANY, 0);
	fill(&f, 10, 0);
	sweep(&f, 11, 2500);
	f.now += DAY_S;
	sweep(&f, 2501, MANY);
	f.now += DAY_S;
	struct store_retention r = for_ever;
	r.tombstones_s = 3 * DAY_S / 2;
	assert_int_equal(retain(&f, r, 0, &slices), 2490);
	assert_int_equal(slices, 3);
	assert_int_equal(rows_of(&f, ROWS_TOMBSTONES), MANY - 2500);
	f.now += 100 * DAY_S;
	assert_int_equal(retain(&f, r, 0, &slices), MANY - 2500);
	assert_int_equal(rows_of(&f, ROWS_TOMBSTONES), 0);
	fixture_close(&f);
}

/* ---- backup ---- */

static void a_backup_is_a_whole_store(void **state)
{
	struct fixture f, copy;
	struct stat st;
	(void)state;
	for (int compact = 0; compact < 2; compact++) {
		uint64_t bytes = 0;
		struct tenant_row row;
		fixture_open(&f);
		fixture_folder(&copy);
		fill(&f, 500, 0);
		assert_int_equal(store_backup(f.s, copy.folder, compact, &bytes, &f.err), E_CONFIG);
		assert_non_null(strstr(f.err.text, "exists already"));
		fixture_remove(&copy);
		if (store_backup(f.s, copy.folder, compact, &bytes, &f.err))
			fail_msg("%s", f.err.text);
		assert_true(bytes > 100000);
		assert_int_equal(stat(copy.folder, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0700);
		fill(&f, 500, 1); /* goes on */
		fixture_close(&f);
		if (fixture_open_map(&copy, 64 << 20))
			fail_msg("%s", copy.err.text);
		assert_int_equal(store_tenant_by_name(copy.s, "acme", &row), OK);
		assert_int_equal(row.devices, 500);
		assert_int_equal(row.seq, 1);
		fixture_close(&copy);
	}
}

static void a_backup_that_cannot_be_says_why(void **state)
{
	struct fixture f;
	uint64_t bytes;
	(void)state;
	fixture_open(&f);
	assert_int_equal(store_backup(f.s, "", false, &bytes, &f.err), E_CONFIG);
	assert_int_equal(store_backup(f.s, "/tmp/copy/", false, &bytes, &f.err), E_CONFIG);
	assert_int_equal(store_backup(f.s, "/nowhere/at/all", false, &bytes, &f.err), E_IO);
	assert_non_null(strstr(f.err.text, "No such file"));
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pause_is_kept),
		cmocka_unit_test(removal_is_sliced_and_goes_on_after_a_restart),
		cmocka_unit_test(what_is_old_is_dropped),
		cmocka_unit_test(too_many_changes_lose_the_oldest),
		cmocka_unit_test(tombstones_are_dropped_by_age),
		cmocka_unit_test(a_backup_is_a_whole_store),
		cmocka_unit_test(a_backup_that_cannot_be_says_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
