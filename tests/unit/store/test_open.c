#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int remove_any(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int open_ro(struct fixture *f, struct store **s)
{
	return store_open(s, &(struct store_options){ .path = f->folder, .read_only = true }, &f->err);
}

static void second_writer_is_told_the_pid(void **state)
{
	struct fixture f;
	char want[200];
	(void)state;
	fixture_open(&f);
	snprintf(want, sizeof(want),
		 "the store \"%s\" is in use by process %ld; stop it or choose another store", f.folder,
		 (long)getpid());
	pid_t child = fork();
	if (!child) {
		struct store *s;
		struct err e = { 0 };
		int rc = store_open(&s, &(struct store_options){ .path = f.folder }, &e);
		_exit(rc == E_LOCKED && !strcmp(e.text, want) ? 0 : 1);
	}
	int status = 1;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	fixture_close(&f);
}

/* In a process of its own: an environment is never opened twice in one. */
static void reader_beside_a_writer(void **state)
{
	struct fixture f;
	(void)state;
	fixture_open(&f);
	fixture_walk(&f, (struct row[]){ { .id = 1 } }, 1);
	pid_t child = fork();
	if (!child) {
		struct store *s;
		struct tenant_row row;
		bool good = !open_ro(&f, &s) && !store_tenant_by_name(s, "acme", &row) && row.devices == 1 &&
			    !store_verify(s, fixture_finding, NULL);
		if (good)
			store_close(s);
		_exit(good ? 0 : 1);
	}
	int status = 1;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	fixture_close(&f);
}

static void what_is_not_a_store_is_refused(void **state)
{
	struct fixture f;
	struct store *s;
	char path[200];
	(void)state;
	fixture_folder(&f);
	assert_int_equal(open_ro(&f, &s), E_NOT_FOUND);
	assert_null(s);
	snprintf(path, sizeof(path), "%s/notes.txt", f.folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(fixture_open_map(&f, 0), E_CORRUPT);
	assert_has(f.err.text, "is not a store: it holds other files");
	snprintf(path, sizeof(path), "%s/data.mdb", f.folder);
	file = fopen(path, "w");
	for (int i = 0; i < 10000; i++)
		fputc('x', file);
	fclose(file);
	assert_int_equal(fixture_open_map(&f, 0), E_CORRUPT);
	assert_int_equal(open_ro(&f, &s), E_CORRUPT);
	fixture_remove(&f);
	assert_int_equal(open_ro(&f, &s), E_NOT_FOUND);
}

/* Writes another number into the format's row: its key, then the number. Both
 * meta pages' trees share the page, whose last copy is found by the key. */
static void set_format(const struct fixture *f, unsigned char from, unsigned char to)
{
	char path[200];
	unsigned char bytes[65536];
	snprintf(path, sizeof(path), "%s/data.mdb", f->folder);
	int fd = open(path, O_RDWR);
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	int patched = 0;
	for (ssize_t i = 0; i + 10 < n; i++)
		if (!memcmp(bytes + i, "format\0\0\0", 9) && bytes[i + 9] == from) {
			bytes[i + 9] = to;
			patched++;
		}
	assert_true(patched > 0);
	assert_int_equal(pwrite(fd, bytes, (size_t)n, 0), n);
	close(fd);
}

static void other_formats_are_refused(void **state)
{
	struct fixture f;
	struct store *s;
	(void)state;
	fixture_open(&f);
	store_close(f.s);
	set_format(&f, STORE_FORMAT, STORE_FORMAT + 1);
	assert_int_equal(fixture_open_map(&f, 0), E_NEWER_FORMAT);
	assert_has(f.err.text, "has format 5, this program knows up to 4; use a newer program");
	assert_int_equal(open_ro(&f, &s), E_NEWER_FORMAT);
	set_format(&f, STORE_FORMAT + 1, STORE_FORMAT - 1);
	assert_int_equal(fixture_open_map(&f, 0), E_CONFIG);
	assert_has(f.err.text, "has format 3, this program needs 4; move it away and sync again");
	assert_int_equal(open_ro(&f, &s), E_CONFIG);
	fixture_remove(&f);
}

static void folders_above_are_made(void **state)
{
	struct fixture f;
	char path[120], above[100];
	(void)state;
	fixture_folder(&f);
	snprintf(above, sizeof(above), "%s/var", f.folder);
	for (int slash = 0; slash < 2; slash++) {
		snprintf(path, sizeof(path), "%s/lib/store%s", above, slash ? "/" : "");
		if (store_open(&f.s, &(struct store_options){ .path = path, .map_bytes = 1 << 20 }, &f.err))
			fail_msg("%s", f.err.text);
		store_close(f.s);
	}
	struct stat st;
	assert_int_equal(stat(above, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(nftw(f.folder, remove_any, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void files_are_private(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "muster.lock" };
	struct fixture f;
	struct stat st;
	char path[200];
	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f.folder, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	fixture_close(&f);
}

static void tenants_keep_their_numbers(void **state)
{
	struct fixture f;
	struct tenant_row row;
	(void)state;
	fixture_open(&f);
	assert_int_equal(fixture_tenant(&f, "zeta"), 2);
	assert_int_equal(fixture_tenant(&f, "beta"), 3);
	assert_int_equal(fixture_tenant(&f, "zeta"), 2);
	struct apply_tenant bad = { .job.run = apply_tenant_run, .name = "" };
	assert_int_equal(fixture_run(&f, &bad.job), E_CONFIG);
	store_close(f.s);
	assert_int_equal(fixture_open_map(&f, 0), OK);
	assert_int_equal(fixture_tenant(&f, "beta"), 3);
	assert_int_equal(fixture_tenant(&f, "new"), 4);
	assert_int_equal(store_tenant_by_name(f.s, "zeta", &row), OK);
	assert_int_equal(row.number, 2);
	assert_string_equal(row.url, "https://fleet.example.com");
	assert_int_equal(store_tenant_by_name(f.s, "nobody", &row), E_NOT_FOUND);
	fixture_close(&f);
}

/* A map of 256 KiB takes a load of more than two megabytes. */
static void full_map_grows(void **state)
{
	struct fixture f;
	static struct row rows[4000];
	struct store_stat stat;
	(void)state;
	fixture_folder(&f);
	assert_int_equal(fixture_open_map(&f, 256 << 10), OK);
	f.tenant = fixture_tenant(&f, "acme");
	for (size_t i = 0; i < 4000; i++)
		rows[i].id = i + 1;
	fixture_walk(&f, rows, 4000);
	assert_int_equal(f.counts.created, 4000);
	assert_int_equal(store_stat(f.s, &stat), OK);
	assert_true(stat.map_bytes > 2 << 20 && stat.used_bytes <= stat.map_bytes);
	assert_int_equal(fixture_row(&f).devices, 4000);
	fixture_close(&f);
}

static int read_after_growth(struct fixture *f, int from_parent, int to_parent)
{
	struct store *s;
	struct tenant_row row;
	char byte = 0;
	if (store_open(
		    &s,
		    &(struct store_options){ .path = f->folder, .read_only = true, .map_bytes = 256 << 10 },
		    &f->err) ||
	    store_tenant_by_name(s, "acme", &row) || row.devices)
		return 1;
	if (write(to_parent, &byte, 1) != 1 || read(from_parent, &byte, 1) != 1)
		return 2;
	if (store_tenant_by_name(s, "acme", &row) || row.devices != 4000 ||
	    store_verify(s, fixture_finding, NULL))
		return 3;
	store_close(s);
	return 0;
}

static void reader_takes_the_new_size_of_the_map(void **state)
{
	static struct row rows[4000];
	struct fixture f;
	int down[2], up[2], status = 1;
	char byte = 0;
	(void)state;
	fixture_folder(&f);
	assert_int_equal(fixture_open_map(&f, 256 << 10), OK);
	f.tenant = fixture_tenant(&f, "acme");
	assert_int_equal(pipe(down) | pipe(up), 0);
	pid_t child = fork();
	if (!child)
		_exit(read_after_growth(&f, down[0], up[1]));
	assert_int_equal(read(up[0], &byte, 1), 1);
	for (size_t i = 0; i < 4000; i++)
		rows[i].id = i + 1;
	fixture_walk(&f, rows, 4000);
	assert_int_equal(write(down[1], &byte, 1), 1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	fixture_close(&f);
}

/* ---- look-ups ---- */

struct ids {
	uint64_t ids[16];
	size_t n;
};

static int add_id(void *arg, uint64_t id)
{
	struct ids *list = arg;
	if (list->n < 16)
		list->ids[list->n++] = id;
	return OK;
}

static struct ids find(struct fixture *f, enum store_index index, const char *value)
{
	struct ids list = { 0 };
	assert_int_equal(store_index_find(f->s, f->tenant, index, slice_of(value), add_id, &list), OK);
	return list;
}

static void index_of_long_strings(void **state)
{
	struct fixture f;
	char a[1021], b[1021];
	(void)state;
	for (int i = 0; i < 255; i++) {
		memcpy(a + 4 * i, "\xf0\x9f\xa6\x8a", 4);
		memcpy(b + 4 * i, i == 254 ? "\xf0\x9f\xa6\x8b" : "\xf0\x9f\xa6\x8a", 4);
	}
	a[1020] = b[1020] = '\0';
	fixture_open(&f);
	assert_int_equal(
		store_index_find(f.s, f.tenant, INDEX_SERIAL, slice_of(a), add_id, &(struct ids){ 0 }),
		E_NOT_FOUND);
	fixture_walk(&f,
		     (struct row[]){ { .id = 1, .serial = a },
				     { .id = 2, .serial = b, .team = a },
				     { .id = 3, .serial = "Mixed", .owner = "Ann@Example.com" },
				     { .id = 4, .variant = 1, .serial = "Mix" } },
		     4);
	assert_int_equal(find(&f, INDEX_SERIAL, a).n, 1);
	assert_int_equal(find(&f, INDEX_SERIAL, a).ids[0], 1);
	assert_int_equal(find(&f, INDEX_SERIAL, b).ids[0], 2);
	assert_int_equal(find(&f, INDEX_GROUP, a).n, 1);
	assert_int_equal(find(&f, INDEX_SERIAL, "mIXED").ids[0], 3);
	assert_int_equal(find(&f, INDEX_SERIAL, "mix").n, 1);
	assert_int_equal(find(&f, INDEX_OWNER, "ann@example.com").n, 4);
	assert_int_equal(find(&f, INDEX_STATE, "noncompliant").ids[0], 4);
	/* Kept by what follows the first walk. */
	fixture_walk(&f,
		     (struct row[]){ { .id = 1, .serial = b },
				     { .id = 2, .serial = b },
				     { .id = 3 },
				     { .id = 5, .variant = 1 } },
		     4);
	assert_int_equal(find(&f, INDEX_SERIAL, a).n, 0);
	assert_int_equal(find(&f, INDEX_SERIAL, b).n, 2);
	assert_int_equal(find(&f, INDEX_STATE, "noncompliant").n, 2);
	fixture_sweep(&f, 4, SWEEP_GONE);
	assert_int_equal(find(&f, INDEX_STATE, "noncompliant").ids[0], 5);
	fixture_close(&f);
}

/* Changes between the steps of the build. */
static void index_build_survives_changes_and_restart(void **state)
{
	struct fixture f;
	static struct row rows[4096];
	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < 4096; i++)
		rows[i].id = i + 1;
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	fixture_page(&f, rows, 4096, true);
	struct apply_index job = { .job.run = apply_index_run, .tenant = f.tenant };
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_true(job.more);
	/* Given up in the middle; the next walk changes what is and is not in. */
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	for (size_t i = 0; i < 4096; i++)
		rows[i].variant = i % 2;
	fixture_page(&f, rows, 4096, true);
	assert_int_equal(f.counts.changed, 2048);
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_true(job.more);
	store_close(f.s);
	assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
	fixture_walk_end(&f);
	assert_int_equal(find(&f, INDEX_SERIAL, "sn004096").n, 1);
	fixture_close(&f);
}

static void page_of_many(struct fixture *f, uint64_t first, int variant)
{
	static struct row rows[4096];
	for (size_t i = 0; i < 4096; i++)
		rows[i] = (struct row){ .id = first + i, .variant = variant };
	fixture_page(f, rows, 4096, false);
}

/* While the walk goes on only full runs go in; the walk may be begun anew all the same. */
static void index_build_begins_early(void **state)
{
	enum { PAGES = 14 };
	struct fixture f;
	(void)state;
	fixture_folder(&f);
	assert_int_equal(fixture_open_map(&f, 512 << 20), OK);
	f.tenant = fixture_tenant(&f, "acme");
	struct apply_index job = { .job.run = apply_index_run, .tenant = f.tenant, .early = true };
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	page_of_many(&f, 1, 0);
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_false(job.more); /* too few for a run */
	assert_int_equal(job.next, 0);
	for (int i = 1; i < PAGES; i++)
		page_of_many(&f, 1 + 4096 * (uint64_t)i, 0);
	assert_int_equal(fixture_run(&f, &job.job), OK);
	assert_true(job.more);
	/* begun anew in the middle of the run: what is in is corrected, what is not comes later */
	fixture_walk_begin_mode(&f, WALK_CURSOR_ID, false);
	for (int i = 0; i < PAGES; i++)
		page_of_many(&f, 1 + 4096 * (uint64_t)i, i & 1);
	do
		assert_int_equal(fixture_run(&f, &job.job), OK);
	while (job.more);
	assert_in_range(job.next, 10000, 4096 * PAGES - 1);
	fixture_page(&f, NULL, 0, true);
	fixture_walk_end(&f);
	assert_int_equal(find(&f, INDEX_SERIAL, "sn057344").n, 1);
	assert_int_equal(find(&f, INDEX_STATE, "noncompliant").ids[0], 4097);
	fixture_close(&f);
}

/* ---- lists ---- */

static int count_device(void *arg, const struct store_device *d)
{
	uint64_t *count = arg;
	if (d->id != ++*count || !d->stable.n || !d->packed.n || d->created_at != 1700000000)
		return E_CORRUPT;
	return d->id == 3000 ? 7 : OK;
}

static void lists_go_on_over_transactions(void **state)
{
	struct fixture f;
	static struct row rows[3000];
	uint64_t count = 0, seen = 0;
	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < 3000; i++)
		rows[i].id = i + 1;
	fixture_walk(&f, rows, 3000);
	assert_int_equal(store_devices(f.s, f.tenant, 0, count_device, &count), 7);
	assert_int_equal(count, 3000);
	seen = 41;
	assert_int_equal(store_device(f.s, f.tenant, 42, count_device, &seen), OK);
	assert_int_equal(seen, 42);
	assert_int_equal(store_device(f.s, f.tenant, 3001, count_device, &seen), E_NOT_FOUND);
	assert_int_equal(store_device(f.s, f.tenant + 1, 42, count_device, &seen), E_NOT_FOUND);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_writer_is_told_the_pid),
		cmocka_unit_test(reader_beside_a_writer),
		cmocka_unit_test(what_is_not_a_store_is_refused),
		cmocka_unit_test(other_formats_are_refused),
		cmocka_unit_test(folders_above_are_made),
		cmocka_unit_test(files_are_private),
		cmocka_unit_test(tenants_keep_their_numbers),
		cmocka_unit_test(full_map_grows),
		cmocka_unit_test(reader_takes_the_new_size_of_the_map),
		cmocka_unit_test(index_of_long_strings),
		cmocka_unit_test(index_build_survives_changes_and_restart),
		cmocka_unit_test(index_build_begins_early),
		cmocka_unit_test(lists_go_on_over_transactions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
