/* The keyring killed before each of its calls that change a file, on a disk that
 * fails from each of them on, and without memory at each allocation. */
#include "unit/daemon/keyring_place.h"
#include "unit/disk_calls.h"

#include <sys/wait.h>

enum { CALLS_MAX = 200 };

/* Runs `act` in a process that is killed before its n-th call; false when it
 * came to its end. */
static bool killed_in(int (*act)(void), unsigned long n)
{
	int status;
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		disk_calls_kill_at(n);
		_exit(act() ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void begin_anew(void)
{
	remove_all(store_path);
	(void)remove(next_path);
	(void)remove(key_path);
}

static int make(void)
{
	struct keyring *k;
	int rc = keyring_open(&k, store_path, key_path, NULL);
	keyring_close(k);
	return rc;
}

static void killed_while_made(void **state)
{
	unsigned long n;
	int with_key = 0, with_vault = 0;
	(void)state;
	for (n = 1; n < CALLS_MAX; n++) {
		begin_anew();
		bool killed = killed_in(make, n);
		with_key += killed && exists(key_path) && !exists(data_path);
		with_vault += killed && exists(data_path);
		/* Never a vault whose key is not there. */
		assert_true(exists(key_path) || !exists(data_path));
		struct keyring *k = opened();
		put(k, "acme", "token-1");
		holds(k, "acme=token-1");
		keyring_close(k);
		if (!killed)
			break;
	}
	assert_in_range(n, 10, CALLS_MAX - 1);
	assert_true(with_key > 0);
	assert_true(with_vault > 0);
}

static int rotate(void)
{
	struct keyring *k;
	int rc = keyring_open(&k, store_path, key_path, NULL);
	if (!rc)
		rc = keyring_rotate(k, NULL);
	keyring_close(k);
	return rc;
}

static struct key_id two_tenants(void)
{
	struct keyring *k = opened();
	put(k, "acme", "token-1");
	put(k, "globex", "token-2");
	struct key_id id = keyring_key_id(k);
	keyring_close(k);
	return id;
}

/* The key in use afterwards; everything must open and one key file be left. */
static struct key_id whole(void)
{
	struct keyring *k = opened();
	struct key_id id = keyring_key_id(k);
	holds(k, "acme=token-1 globex=token-2");
	assert_true(exists(key_path));
	assert_false(exists(next_path));
	keyring_close(k);
	return id;
}

static void killed_while_rotated(void **state)
{
	unsigned long n;
	int old_key = 0, new_key = 0, two_files = 0;
	(void)state;
	for (n = 1; n < CALLS_MAX; n++) {
		begin_anew();
		struct key_id before = two_tenants();
		bool killed = killed_in(rotate, n);
		two_files += exists(next_path);
		struct key_id after = whole();
		if (key_id_eq(&before, &after))
			old_key++;
		else
			new_key++;
		/* And once more, over what was left. */
		assert_int_equal(rotate(), OK);
		if (!killed)
			break;
	}
	assert_in_range(n, 10, CALLS_MAX - 1);
	assert_true(old_key > 0 && new_key > 0 && two_files > 1);
}

/* Recovery itself is killed, at each point, after the rotation was at each. */
static void killed_while_recovered(void **state)
{
	unsigned long n, m = 1;
	int twice = 0;
	(void)state;
	for (n = 1; n < CALLS_MAX; n++) {
		for (m = 1; m < CALLS_MAX; m++) {
			begin_anew();
			two_tenants();
			bool killed = killed_in(rotate, n);
			bool again = killed_in(make, m);
			whole();
			twice += killed && again;
			if (!killed)
				n = CALLS_MAX;
			if (!again)
				break;
		}
		assert_in_range(m, 1, CALLS_MAX - 1);
	}
	assert_true(twice > 10);
}

static void disk_fails_while_rotated(void **state)
{
	static const int codes[] = { ENOSPC, EIO };
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		unsigned long n;
		int failures = 0;
		for (n = 1; n < CALLS_MAX; n++) {
			struct err e = { 0 };
			begin_anew();
			two_tenants();
			struct keyring *k = opened();
			disk_calls_fail_at(n, codes[i]);
			int rc = keyring_rotate(k, &e);
			unsigned long calls = disk_calls.count;
			disk_calls_fail_at(0, 0);
			keyring_close(k);
			whole();
			assert_true(rc == OK || e.text[0]);
			failures += rc != OK;
			if (calls < n)
				break;
		}
		assert_in_range(n, 5, CALLS_MAX - 1);
		assert_true(failures >= 5);
	}
}

static int use(struct keyring **k, struct err *e)
{
	struct listing l = { "" };
	struct keyring_tenant t = { .name = "acme", .secrets = SLICE("token-1") };
	int rc = keyring_open(k, store_path, key_path, e);
	if (!rc)
		rc = keyring_put(*k, &t, e);
	if (!rc)
		rc = keyring_with(*k, "acme", list_one, &l, e);
	if (!rc)
		rc = keyring_each(*k, list_one, &l, e);
	if (!rc)
		rc = keyring_rotate(*k, e);
	return rc;
}

static void no_memory(void **state)
{
	unsigned long n;
	(void)state;
	for (int there = 0; there < 2; there++) {
		for (n = 1; n < CALLS_MAX; n++) {
			struct err e = { 0 };
			struct keyring *k;
			begin_anew();
			if (there)
				two_tenants();
			mem_fail_at(n, 0);
			int rc = use(&k, &e);
			bool hit = mem_count() >= n;
			mem_fail_at(0, 0);
			if (rc != (hit ? E_NOMEM : OK))
				fail_msg("allocation %lu: %d \"%s\"", n, rc, e.text);
			keyring_close(k);
			k = opened();
			if (there)
				holds(k, "acme=token-1 globex=token-2");
			keyring_close(k);
			assert_false(exists(next_path));
			if (!hit)
				break;
		}
		assert_in_range(n, 8, CALLS_MAX - 1);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(killed_while_made),
		T(killed_while_rotated),
		T(killed_while_recovered),
		T(disk_fails_while_rotated),
		T(no_memory),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
