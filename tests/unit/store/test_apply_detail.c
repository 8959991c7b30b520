#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

static int detail(struct fixture *f, uint64_t id, const struct row *row, bool *changed)
{
	struct fixture_page *p = row ? fixture_page_of(row, 1) : NULL;
	if (p) {
		p->hosts[0].seen =
			HOST_SEEN_POLICIES | HOST_SEEN_ISSUES | HOST_SEEN_TEAM | HOST_SEEN_OS_SETTINGS;
		p->hosts[0].mapping_count = 0;
		p->hosts[0].orbit_version = SLICE("1.37.0");
	}
	struct apply_detail job = { .job.run = apply_detail_run,
				    .tenant = f->tenant,
				    .id = id,
				    .page = p ? &p->page : NULL,
				    .settings = &fixture_settings,
				    .now = f->now };
	int rc = fixture_run(f, &job.job);
	*changed = job.changed;
	free(p);
	return rc;
}

static void detail_is_kept_beside_the_list(void **state)
{
	struct fixture f;
	uint64_t ids[4], next;
	size_t n;
	bool changed;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	assert_int_equal(store_details_due(f.s, f.tenant, 0, 0, ids, 4, &n, &next, &f.err), OK);
	assert_int_equal(n, 2);
	assert_int_equal(next, 0);
	assert_int_equal(detail(&f, 1, &(struct row){ .id = 1 }, &changed), OK);
	assert_true(changed);
	assert_int_equal(detail(&f, 2, NULL, &changed), OK);
	assert_false(changed);
	assert_int_equal(detail(&f, 77, &(struct row){ .id = 77 }, &changed), OK);
	assert_int_equal(store_details_due(f.s, f.tenant, 0, 0, ids, 4, &n, &next, &f.err), OK);
	assert_int_equal(n, 0);
	assert_int_equal(store_details_due(f.s, f.tenant, f.now + 1, 0, ids, 1, &n, &next, &f.err), OK);
	assert_int_equal(n, 1);
	assert_int_equal(next, 2);
	struct fixture_text *t = fixture_rows(&f, ROWS_CHANGES, 1);
	assert_int_equal(t->rows, 1);
	assert_has(t->text, "agent.orbit");
	/* The next list page does not take the detail's facts away, nor the
	 * detail the list's owner. */
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	assert_int_equal(f.counts.unchanged, 2);
	fixture_walk(&f, NULL, 0);
	fixture_sweep(&f, 1, SWEEP_GONE);
	fixture_close(&f);
}

/* A page of the list filtered by `word`. */
static int listed(struct fixture *f, const char *word, const struct row *rows, size_t count,
		  uint64_t *changed)
{
	struct fixture_page *p = fixture_page_of(rows, count);
	struct apply_encryption job = { .job.run = apply_encryption_run,
					.tenant = f->tenant,
					.page = &p->page,
					.word = word,
					.settings = &fixture_settings,
					.now = f->now };
	int rc = fixture_run(f, &job.job);
	*changed = job.changed;
	free(p);
	return rc;
}

static void round_ended(struct fixture *f, int64_t begun_at)
{
	struct apply_encryption_end job = { .job.run = apply_encryption_end_run,
					    .tenant = f->tenant,
					    .begun_at = begun_at };
	assert_int_equal(fixture_run(f, &job.job), OK);
	assert_int_equal(fixture_row(f).encryption_at, begun_at);
}

static int copy_record(void *arg, const struct store_device *d)
{
	struct buf *b = arg;
	buf_reset(b);
	return record_expand(b, "acme", d->id, d->stable);
}

static void assert_encryption(struct fixture *f, uint64_t id, const char *state)
{
	char want[64];
	struct buf b;
	buf_init(&b, 1 << 20);
	assert_int_equal(store_device(f->s, f->tenant, id, copy_record, &b), OK);
	snprintf(want, sizeof(want), "\"encryption\":{\"state\":\"%s\"", state);
	assert_has(buf_cstr(&b), want);
	buf_release(&b);
}

static void filtered_list_is_kept_beside_the_detail(void **state)
{
	static const struct row all[] = { { .id = 1 }, { .id = 2 }, { .id = 3 } };
	struct fixture f;
	uint64_t changed, ids[4], next;
	size_t n;
	bool by_detail;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, all, 3);
	/* 3 became another machine, 77 is new: the next walk's to tell */
	assert_int_equal(listed(&f, "verified",
				(struct row[]){ { .id = 1 },
						{ .id = 2, .rejected = true },
						{ .id = 3, .created = 1750000000 },
						{ .id = 0 },
						{ .id = 77 } },
				5, &changed),
			 OK);
	assert_int_equal(changed, 1);
	assert_encryption(&f, 1, "on");
	assert_encryption(&f, 2, "unknown");
	assert_encryption(&f, 3, "unknown");
	assert_int_equal(fixture_row(&f).devices, 3);
	struct fixture_text *t = fixture_rows(&f, ROWS_CHANGES, 1);
	assert_int_equal(t->rows, 1);
	assert_has(t->text, "\"to\":{\"encryption.state\":\"on\"}");
	/* said again, and by the next walk: nothing differs */
	assert_int_equal(listed(&f, "verified", all, 1, &changed), OK);
	assert_int_equal(changed, 0);
	fixture_walk(&f, all, 3);
	assert_int_equal(f.counts.unchanged, 3);
	assert_encryption(&f, 1, "on");
	/* its detail was never tried all the same */
	assert_int_equal(store_details_due(f.s, f.tenant, 0, 0, ids, 4, &n, &next, &f.err), OK);
	assert_int_equal(n, 3);
	assert_int_equal(store_details_due(f.s, f.tenant, f.now + 1, 0, ids, 4, &n, &next, &f.err), OK);
	assert_int_equal(n, 0);
	/* the detail comes, says nothing of it, and is newer from then on */
	f.now += 10;
	assert_int_equal(detail(&f, 2, NULL, &by_detail), OK);
	assert_int_equal(listed(&f, "failed", (struct row[]){ { .id = 2 } }, 1, &changed), OK);
	assert_encryption(&f, 2, "failed");
	assert_int_equal(detail(&f, 1, all, &by_detail), OK);
	assert_encryption(&f, 1, "unknown");
	f.now += 10;
	assert_int_equal(listed(&f, "enforcing", all, 1, &changed), OK);
	assert_encryption(&f, 1, "enforcing");
	/* a detail that fails takes nothing away */
	assert_int_equal(detail(&f, 1, NULL, &by_detail), OK);
	fixture_walk(&f, all, 3);
	assert_int_equal(f.counts.unchanged, 3);
	fixture_close(&f);
}

static void word_of_an_earlier_round_is_dropped(void **state)
{
	static const struct row all[] = { { .id = 1 }, { .id = 2 } };
	struct fixture f;
	uint64_t changed;
	bool by_detail;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, all, 2);
	int64_t first = f.now;
	f.now += 5;
	assert_int_equal(listed(&f, "verified", all, 2, &changed), OK);
	assert_int_equal(changed, 2);
	round_ended(&f, first);
	fixture_walk(&f, all, 2);
	assert_int_equal(f.counts.unchanged, 2);
	/* the next round lists only one of them */
	f.now += 86400;
	int64_t second = f.now;
	assert_int_equal(listed(&f, "verified", &all[1], 1, &changed), OK);
	assert_int_equal(changed, 0);
	fixture_walk(&f, all, 2);
	assert_int_equal(f.counts.unchanged, 2);
	round_ended(&f, second);
	fixture_walk(&f, all, 2);
	assert_int_equal(f.counts.changed, 1);
	assert_encryption(&f, 1, "unknown");
	assert_encryption(&f, 2, "on");
	/* nor does a detail bring it back */
	assert_int_equal(detail(&f, 1, NULL, &by_detail), OK);
	fixture_walk(&f, all, 2);
	assert_encryption(&f, 1, "unknown");
	store_close(f.s);
	assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
	assert_int_equal(fixture_row(&f).encryption_at, second);
	fixture_close(&f);
}

static void details_cursor_is_kept(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 } }, 2);
	/* 0 leaves it as it is */
	static const uint64_t steps[][2] = { { 0, 0 }, { 2, 2 }, { 0, 2 }, { 1, 1 } };
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct apply_detail job = { .job.run = apply_detail_run,
					    .tenant = f.tenant,
					    .id = 1,
					    .settings = &fixture_settings,
					    .cursor = steps[i][0],
					    .now = f.now };
		assert_int_equal(fixture_run(&f, &job.job), OK);
		assert_int_equal(fixture_row(&f).details_cursor, steps[i][1]);
	}
	store_close(f.s);
	assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
	assert_int_equal(fixture_row(&f).details_cursor, 1);
	fixture_close(&f);
}

/* Without memory the page of a filtered list is refused whole, with a sentence. */
static void filtered_list_without_memory(void **state)
{
	static const struct row all[] = { { .id = 1 }, { .id = 2 } };
	int failed = 0;
	(void)state;
	for (unsigned long n = 1; n < 500; n++) {
		struct fixture f;
		uint64_t changed;
		fixture_open(&f);
		fixture_walk(&f, all, 2);
		store_close(f.s);
		assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
		mem_fail_at(n, 0);
		int rc = listed(&f, "verified", all, 2, &changed);
		bool reached = mem_count() >= n;
		mem_fail_at(0, 0);
		if (rc) {
			failed++;
			assert_int_equal(rc, E_NOMEM);
			assert_true(f.err.text[0]);
			assert_encryption(&f, 1, "unknown");
			assert_int_equal(listed(&f, "verified", all, 2, &changed), OK);
		}
		assert_encryption(&f, 2, "on");
		fixture_close(&f);
		if (!reached)
			break;
		assert_true(n < 499);
	}
	assert_true(failed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detail_is_kept_beside_the_list),
		cmocka_unit_test(filtered_list_is_kept_beside_the_detail),
		cmocka_unit_test(word_of_an_earlier_round_is_dropped),
		cmocka_unit_test(details_cursor_is_kept),
		cmocka_unit_test(filtered_list_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
