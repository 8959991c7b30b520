/* The vault on a disk that is full or fails, without memory, and killed. */
#include "unit/disk_calls.h"
#include "unit/store/vault_place.h"

#include <sys/wait.h>

static void disk_full(void **state)
{
	struct err e = { 0 };
	struct resealing r = { 0 };
	struct vault_tenant t = { .sealed = SLICE("three") };
	(void)state;
	struct vault *v = made();
	put(v, "alpha", 1, "one");
	disk_calls_fail_at(1, ENOSPC);
	assert_int_equal(vault_put(v, "gamma", &t, &e), E_DISK_FULL);
	assert_non_null(strstr(e.text, "free some space"));
	assert_int_equal(vault_rotate(v, reseal, &r, key_b, &e), E_DISK_FULL);
	disk_calls_fail_at(0, 0);
	holds(v, "alpha=one key a..");
	put(v, "beta", 2, "goes on");
	holds(v, "alpha=one beta=goes on key a..");
	vault_close(v);
}

/* Whatever call fails, there is a sentence and afterwards the old or the new. */
static void each_call_fails(void **state)
{
	unsigned long n;
	int failures = 0;
	(void)state;
	for (n = 1; n < 100; n++) {
		struct err e = { 0 };
		struct vault *v;
		disk_calls_fail_at(n, EIO);
		int rc = vault_create(&v, store_path, key_a, &e);
		unsigned long calls = disk_calls.count;
		disk_calls_fail_at(0, 0);
		failures += rc != OK;
		assert_true(rc == OK || (e.text[0] && !v));
		vault_close(v);
		if (vault_open(&v, store_path, &e) == OK)
			holds(v, "key a..");
		else
			assert_int_equal(e.code, E_NOT_FOUND);
		vault_close(v);
		if (calls < n)
			break;
		(void)nftw(store_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	assert_in_range(n, 5, 99);
	assert_true(failures >= 5);
}

static void each_allocation_fails(void **state)
{
	struct err e = { 0 };
	struct vault *v;
	struct buf hold;
	struct vault_tenant t = { .sealed = SLICE("one") };
	struct resealing r = { 0 };
	unsigned long n;
	(void)state;
	buf_init(&hold, VAULT_VALUE_MAX);
	vault_close(made());
	for (n = 1; n < 50; n++) {
		buf_release(&hold);
		mem_fail_at(n, 0);
		int rc = vault_open(&v, store_path, &e);
		if (!rc)
			rc = vault_put(v, "alpha", &t, &e);
		if (!rc)
			rc = vault_get(v, "alpha", &hold, &t, &e);
		if (!rc)
			rc = vault_rotate(v, reseal, &r, key_a, &e);
		bool hit = mem_count() >= n;
		mem_fail_at(0, 0);
		vault_close(v);
		t = (struct vault_tenant){ .sealed = SLICE("one") };
		assert_int_equal(rc, hit ? E_NOMEM : OK);
		if (!hit)
			break;
	}
	assert_in_range(n, 4, 49);
	buf_release(&hold);
}

static void killed_anywhere(void **state)
{
	unsigned long n;
	int before = 0, after = 0, status;
	(void)state;
	for (n = 1; n < 100; n++) {
		(void)nftw(store_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		struct err e;
		struct vault *v = made();
		put(v, "alpha", 1, "one");
		vault_close(v);
		pid_t child = fork();
		if (!child) {
			struct resealing r = { 0 };
			disk_calls_kill_at(n);
			_exit(vault_open(&v, store_path, &e) || vault_rotate(v, reseal, &r, key_b, &e));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		v = again();
		unsigned char id[VAULT_KEY_ID_BYTES];
		assert_int_equal(vault_key_id(v, id, NULL), OK);
		bool is_new = !memcmp(id, key_b, sizeof(id));
		holds(v, is_new ? "alpha=one+one key b.." : "alpha=one key a..");
		before += !is_new;
		after += is_new;
		vault_close(v);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			break;
		}
	}
	assert_in_range(n, 4, 99);
	assert_true(before > 0 && after > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(disk_full),
		T(each_call_fails),
		T(each_allocation_fails),
		T(killed_anywhere),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
