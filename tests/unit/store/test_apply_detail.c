#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

static const char *detail_word; /* what details say of the setting, and of the disk */
static enum host_tristate detail_flag;

static int detail(struct fixture *f, uint64_t id, const struct row *row, bool *changed)
{
	struct fixture_page *p = row ? fixture_page_of(row, 1) : NULL;
	if (p) {
		p->hosts[0].seen =
			HOST_SEEN_POLICIES | HOST_SEEN_ISSUES | HOST_SEEN_TEAM | HOST_SEEN_OS_SETTINGS;
		p->hosts[0].mapping_count = 0;
		p->hosts[0].orbit_version = SLICE("1.37.0");
		p->hosts[0].os_settings_disk_encryption = slice_of(detail_word);
		p->hosts[0].disk_encryption_enabled = detail_flag;
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

/* Rows of the fixture are of team 1. */
static void round_over(struct fixture *f, enum encryption_round round, int64_t begun_at, uint64_t team)
{
	struct apply_encryption_end job = { .job.run = apply_encryption_end_run,
					    .tenant = f->tenant,
					    .round = round,
					    .begun_at = begun_at,
					    .teams = &team,
					    .team_count = 1 };
	do
		assert_int_equal(fixture_run(f, &job.job), OK);
	while (job.more);
}

static void round_ended(struct fixture *f, int64_t begun_at)
{
	round_over(f, ENCRYPTION_ROUND_COMPLETE, begun_at, 1);
	assert_int_equal(fixture_row(f).encryption_at, begun_at);
	assert_int_equal(fixture_row(f).encryption_tried_at, begun_at);
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

/* Being in no list is told of hosts whose team was listed, against the detail
 * too, and only where it was not newer. */
static void absence_is_told_of_listed_teams(void **state)
{
	static const struct row all[] = { { .id = 1 }, { .id = 2 }, { .id = 3 } };
	struct fixture f;
	bool changed;
	uint64_t listed_changed;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, all, 3);
	detail_word = "failed";
	detail_flag = HOST_YES;
	assert_int_equal(detail(&f, 1, &all[0], &changed), OK);
	int64_t begun = f.now += 10;
	assert_int_equal(detail(&f, 2, &all[1], &changed), OK);
	detail_word = NULL;
	detail_flag = HOST_UNKNOWN;
	assert_int_equal(listed(&f, "enforcing", &all[2], 1, &listed_changed), OK);
	/* of another team: nothing */
	round_over(&f, ENCRYPTION_ROUND_COMPLETE, begun, 7);
	fixture_walk(&f, all, 3);
	assert_int_equal(f.counts.unchanged, 3);
	assert_encryption(&f, 1, "failed");
	/* failed: nothing but when it was tried */
	round_over(&f, ENCRYPTION_ROUND_FAILED, begun + 1, 1);
	assert_int_equal(fixture_row(&f).encryption_at, begun);
	assert_int_equal(fixture_row(&f).encryption_tried_at, begun + 1);
	fixture_walk(&f, all, 3);
	assert_int_equal(f.counts.unchanged, 3);
	round_ended(&f, begun);
	fixture_walk(&f, all, 3);
	assert_int_equal(f.counts.changed, 1);
	assert_encryption(&f, 1, "on"); /* by the flag */
	assert_encryption(&f, 2, "failed");
	assert_encryption(&f, 3, "enforcing");
	/* a host that is missing could not be listed */
	fixture_walk(&f, all, 2);
	round_ended(&f, begun + 20);
	fixture_walk(&f, all, 3);
	assert_encryption(&f, 2, "on");
	assert_encryption(&f, 3, "enforcing");
	fixture_close(&f);
}

static void needless_round_forgets_the_lists(void **state)
{
	static const struct row all[] = { { .id = 1 }, { .id = 2 } };
	struct fixture f;
	bool changed;
	uint64_t listed_changed;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, all, 2);
	detail_word = "failed";
	assert_int_equal(detail(&f, 1, &all[0], &changed), OK);
	detail_word = NULL;
	f.now += 10;
	assert_int_equal(listed(&f, "failed", all, 2, &listed_changed), OK);
	round_ended(&f, f.now);
	assert_encryption(&f, 2, "failed");
	round_over(&f, ENCRYPTION_ROUND_NEEDLESS, f.now + 1, 1);
	assert_int_equal(fixture_row(&f).encryption_at, 0);
	assert_int_equal(fixture_row(&f).encryption_tried_at, 0);
	fixture_walk(&f, all, 2);
	assert_encryption(&f, 1, "failed"); /* the detail said it too */
	assert_encryption(&f, 2, "unknown");
	fixture_close(&f);
}

static void words_are_not_believed_for_ever(void **state)
{
	enum { DAY = 86400 };
	static const struct row all[] = { { .id = 1 }, { .id = 2 } };
	struct fixture f;
	bool changed;
	uint64_t listed_changed;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, all, 2);
	detail_word = "enforcing";
	assert_int_equal(detail(&f, 1, &all[0], &changed), OK);
	detail_word = NULL;
	f.now += 10;
	int64_t begun = f.now;
	assert_int_equal(listed(&f, "verified", all, 2, &listed_changed), OK);
	round_ended(&f, begun);
	for (int i = 0; i < 2; i++) {
		f.now = begun + 2 * DAY;
		fixture_walk(&f, all, 2);
		assert_int_equal(f.counts.unchanged, 2);
		assert_encryption(&f, 2, "on");
		/* a round that completed without their team keeps them */
		round_over(&f, ENCRYPTION_ROUND_COMPLETE, begun + DAY, 7);
	}
	f.now = begun + 2 * DAY + 1;
	fixture_walk(&f, all, 2);
	assert_encryption(&f, 1, "on");
	f.now = begun + 3 * DAY + 1;
	round_over(&f, ENCRYPTION_ROUND_FAILED, f.now, 1);
	fixture_walk(&f, all, 2);
	assert_encryption(&f, 1, "unknown"); /* nor does the older word of the detail come back */
	assert_encryption(&f, 2, "unknown");
	fixture_close(&f);
}

/* More rows than one step takes. */
static void round_ends_in_steps(void **state)
{
	enum { HOSTS = 2500 };
	static struct row all[HOSTS];
	struct fixture f;
	uint64_t changed;
	(void)state;
	for (size_t i = 0; i < HOSTS; i++)
		all[i].id = i + 1;
	fixture_open(&f);
	fixture_walk(&f, all, HOSTS);
	assert_int_equal(listed(&f, "verified", all, HOSTS, &changed), OK);
	assert_int_equal(changed, HOSTS);
	f.now += 10;
	struct apply_encryption_end job = { .job.run = apply_encryption_end_run,
					    .tenant = f.tenant,
					    .begun_at = f.now,
					    .teams = (const uint64_t[]){ 0, 1, 9 },
					    .team_count = 3 };
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_true(job.more);
	assert_int_equal(fixture_row(&f).encryption_at, 0);
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_false(job.more);
	fixture_walk(&f, all, HOSTS);
	assert_int_equal(f.counts.changed, HOSTS);
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
		cmocka_unit_test(absence_is_told_of_listed_teams),
		cmocka_unit_test(needless_round_forgets_the_lists),
		cmocka_unit_test(words_are_not_believed_for_ever),
		cmocka_unit_test(round_ends_in_steps),
		cmocka_unit_test(details_cursor_is_kept),
		cmocka_unit_test(filtered_list_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
