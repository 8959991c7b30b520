#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "store/env.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t answers_waiting;

static void wake(void *arg)
{
	(void)arg;
	sem_post(&answers_waiting);
}

struct numbered_job {
	struct apply_tenant apply;
	char name[32];
	int *order;
	int number, rc;
};

static void done(struct store_job *job, int rc)
{
	struct numbered_job *mine = (struct numbered_job *)job;
	mine->rc = rc;
	mine->number = ++*mine->order;
}

static void submit(struct writer *w, struct numbered_job *job, const char *name, int *order)
{
	*job = (struct numbered_job){ .order = order };
	snprintf(job->name, sizeof(job->name), "%s", name);
	job->apply = (struct apply_tenant){ .job = { .run = apply_tenant_run, .done = done, .hosts = 1 },
					    .name = job->name };
	writer_submit(w, &job->apply.job);
}

/* Holds the writer until the test has queued what it wants in one group. */
struct gate {
	struct store_job job;
	sem_t open;
	bool passed;
};

/* A store with its writer, which waits at the gate. */
struct waiting_writer {
	struct fixture f;
	struct writer *w;
	struct gate gate;
	int order;
};

static int gate_run(struct store_job *job, struct store_txn *t)
{
	struct gate *gate = (struct gate *)job;
	(void)t;
	if (!gate->passed)
		sem_wait(&gate->open);
	gate->passed = true;
	return OK;
}

static void gate_done(struct store_job *job, int rc)
{
	(void)job;
	assert_int_equal(rc, OK);
}

static void begin(struct waiting_writer *t)
{
	*t = (struct waiting_writer){ .gate.job = { .run = gate_run, .done = gate_done } };
	fixture_open(&t->f);
	sem_init(&answers_waiting, 0, 0);
	sem_init(&t->gate.open, 0, 0);
	assert_int_equal(writer_start(&t->w, t->f.s, wake, NULL, &t->f.err), OK);
	writer_submit(t->w, &t->gate.job);
}

static void drain(struct writer *w)
{
	while (writer_queued(w)) {
		sem_wait(&answers_waiting);
		writer_answer(w);
	}
}

static void one_bad_job_spoils_no_other(void **state)
{
	struct waiting_writer t;
	struct writer_stat stat;
	struct numbered_job jobs[20];
	(void)state;
	begin(&t);
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), i == 7 ? "" : "tenant-%d", i);
		submit(t.w, &jobs[i], name, &t.order);
	}
	assert_int_equal(writer_queued(t.w), 21);
	sem_post(&t.gate.open);
	drain(t.w);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(jobs[i].number, i + 1);
		assert_int_equal(jobs[i].rc, i == 7 ? E_CONFIG : OK);
		if (i != 7)
			assert_int_equal(jobs[i].apply.row.number, i < 7 ? i + 2 : i + 1);
	}
	assert_has(jobs[7].apply.job.err.text, "is empty or longer");
	writer_stat(t.w, &stat);
	assert_int_equal(stat.jobs, 21);
	assert_true(stat.rollbacks >= 2);
	writer_stop(t.w);
	fixture_close(&t.f);
}

static void a_group_is_one_commit(void **state)
{
	struct waiting_writer t;
	struct writer_stat stat;
	struct numbered_job jobs[50];
	(void)state;
	begin(&t);
	for (int i = 0; i < 50; i++) {
		char name[32];
		snprintf(name, sizeof(name), "tenant-%d", i);
		submit(t.w, &jobs[i], name, &t.order);
		/* 40 fill the group; the others need a second one. */
		jobs[i].apply.job.hosts = 50;
	}
	sem_post(&t.gate.open);
	drain(t.w);
	writer_stat(t.w, &stat);
	assert_int_equal(stat.commits, 2);
	assert_int_equal(stat.rollbacks, 0);
	/* What is queued at the stop is still run and answered. */
	submit(t.w, &jobs[0], "late", &t.order);
	writer_stop(t.w);
	assert_int_equal(jobs[0].rc, OK);
	assert_int_equal(fixture_tenant(&t.f, "late"), 52);
	fixture_close(&t.f);
}

/* Readers in this process while the map grows under the writer. */
static void *read_all_the_time(void *arg)
{
	struct fixture *f = arg;
	struct tenant_row row;
	for (int i = 0; i < 2000; i++)
		if (store_tenant_by_name(f->s, "acme", &row))
			return f;
	return NULL;
}

static void growth_waits_for_readers(void **state)
{
	struct fixture f;
	pthread_t readers[2];
	void *failed;
	static struct row rows[1000];
	(void)state;
	fixture_folder(&f);
	assert_int_equal(fixture_open_map(&f, 256 << 10), OK);
	f.tenant = fixture_tenant(&f, "acme");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, &f), 0);
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	for (int page = 0; page < 5; page++) {
		for (size_t i = 0; i < 1000; i++)
			rows[i].id = (uint64_t)page * 1000 + i + 1;
		fixture_page(&f, rows, 1000, page == 4);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(readers[i], &failed);
		assert_null(failed);
	}
	fixture_walk_end(&f);
	fixture_close(&f);
}

/* ---- verify finds what does not fit ---- */

struct damage {
	struct store_job job;
	enum store_db db;
	bool put; /* else: the first row is deleted */
	uint64_t id;
};

static int damage_run(struct store_job *job, struct store_txn *t)
{
	struct damage *d = (struct damage *)job;
	struct row_key k;
	MDB_cursor *cursor;
	MDB_val key, value;
	if (d->put)
		return txn_put(t, d->db, row_key(&k, 1, d->id),
			       (MDB_val){ 24, (void *)"123456789012345678901234" });
	int rc = txn_cursor(t, d->db, &cursor);
	if (rc || mdb_cursor_get(cursor, &key, &value, MDB_FIRST))
		return E_CORRUPT;
	return mdb_cursor_del(cursor, 0) ? E_CORRUPT : OK;
}

static void keep_finding(void *arg, const char *text)
{
	snprintf(arg, 512, "%s", text);
}

static void verify_finds_damage(void **state)
{
	static const struct {
		enum store_db db;
		bool put;
		uint64_t id;
		const char *last_finding;
	} cases[] = {
		{ DB_DEVICES, false, 0, "tenant \"acme\": volatile has host 1, devices has not" },
		{ DB_DEVICES, true, 9, NULL },
		{ DB_VOLATILE, false, 0, "volatile has 2 rows, 3 were counted" },
		{ DB_VOLATILE, true, 9, "volatile has 4 rows, 3 were counted" },
		{ DB_DETAILS, true, 9, "details has 1 rows, 0 were counted" },
		{ DB_DETAILS, true, 1, "details has 1 rows, 0 were counted" },
		{ DB_INDEXES, false, 0, "index 1 lacks host 1" },
		{ DB_INDEXES, true, 9, "an index entry of host 9 does not belong to it" },
		{ DB_CHANGES, false, 0, "0 changes are there, of 1 to 1" },
		{ DB_CHANGES, true, 9, "the last change is 9, the sequence is at 1" },
		{ DB_MISSING, true, 2, "missing has 1 rows, 0 were counted" },
		{ DB_TOMBSTONES, true, 9, "tombstones has 1 rows, 0 were counted" },
		{ DB_REJECTS, true, 1, "rejects has 1 rows, 0 were counted" },
		{ DB_TENANTS, false, 0, "rows of tenant number 1, which does not exist" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		char found[512] = "";
		fixture_open(&f);
		fixture_walk(&f, (struct row[]){ { .id = 1 }, { .id = 2 }, { .id = 3 } }, 3);
		struct damage damage = {
			.job.run = damage_run, .db = cases[i].db, .put = cases[i].put, .id = cases[i].id
		};
		assert_int_equal(store_verify(f.s, keep_finding, found), OK);
		assert_int_equal(fixture_run(&f, &damage.job), OK);
		assert_int_equal(store_verify(f.s, keep_finding, found), E_CORRUPT);
		assert_true(found[0]);
		if (cases[i].last_finding && !strstr(found, cases[i].last_finding) &&
		    cases[i].db != DB_DEVICES)
			fail_msg("case %zu: %s", i, found);
		store_close(f.s);
		fixture_remove(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bad_job_spoils_no_other),
		cmocka_unit_test(a_group_is_one_commit),
		cmocka_unit_test(growth_waits_for_readers),
		cmocka_unit_test(verify_finds_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
