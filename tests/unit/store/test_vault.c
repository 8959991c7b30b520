#include "base/bus_error.h"
#include "store/lock.h"
#include "store/store.h"
#include "unit/store/vault_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void kept(void **state)
{
	struct err e = { 0 };
	struct vault_tenant t;
	struct buf hold;
	struct stat st;
	(void)state;
	not_opened(E_NOT_FOUND, "no secrets");
	assert_int_equal(access(store_path, F_OK), -1);
	struct vault *v = made();
	assert_int_equal(stat(secrets, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	holds(v, "key a..");
	put(v, "beta", 4000000000u, "two");
	put(v, "alpha", 1, "one");
	put(v, "gamma", 0, "");
	put(v, "alpha", 1, "first");
	assert_int_equal(vault_remove(v, "gamma", &e), OK);
	assert_int_equal(vault_remove(v, "gamma", &e), E_NOT_FOUND);
	assert_non_null(strstr(e.text, "\"gamma\""));
	vault_close(v);

	v = again();
	holds(v, "alpha=first beta=two key a..");
	buf_init(&hold, VAULT_VALUE_MAX);
	assert_int_equal(vault_get(v, "beta", &hold, &t, &e), OK);
	assert_int_equal(t.number, 4000000000u);
	assert_int_equal(t.created_at, 1700000000);
	assert_int_equal(t.changed_at, -1);
	assert_true(slice_is(t.settings, "{\"interval\":\"1h\"}"));
	assert_true(slice_is(t.sealed, "two"));
	assert_int_equal(vault_get(v, "bet", &hold, &t, &e), E_NOT_FOUND);
	assert_int_equal(vault_get(v, "", &hold, &t, &e), E_NOT_FOUND);
	buf_release(&hold);
	vault_close(v);
	vault_close(NULL);
}

static int stop_at_beta(void *arg, const char *name, const struct vault_tenant *t)
{
	(void)t;
	*(int *)arg += 1;
	return strcmp(name, "beta") ? 0 : 42;
}

static void walk_ends_early(void **state)
{
	struct err e = { 0 };
	int seen = 0;
	(void)state;
	struct vault *v = made();
	put(v, "alpha", 1, "one");
	put(v, "beta", 2, "two");
	put(v, "gamma", 3, "three");
	assert_int_equal(vault_each(v, stop_at_beta, &seen, &e), 42);
	assert_int_equal(seen, 2);
	put(v, "beta", 2, "writes again");
	vault_close(v);
}

static void ceilings(void **state)
{
	static char large[VAULT_SEALED_MAX + 1];
	struct err e = { 0 };
	struct vault_tenant t = { .settings = { large, VAULT_SETTINGS_MAX },
				  .sealed = { large, VAULT_SEALED_MAX } },
			    got;
	struct buf hold;
	char name[STORE_NAME_MAX + 2];
	(void)state;
	struct vault *v = made();
	buf_init(&hold, VAULT_VALUE_MAX);
	memset(name, 'n', sizeof(name));
	name[STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(vault_put(v, name, &t, &e), E_LIMIT);
	assert_int_equal(vault_get(v, name, &hold, &got, &e), E_NOT_FOUND);
	assert_int_equal(vault_put(v, "", &t, &e), E_LIMIT);
	name[STORE_NAME_MAX] = '\0';
	assert_int_equal(vault_put(v, name, &t, &e), OK);
	assert_int_equal(vault_get(v, name, &hold, &got, &e), OK);
	assert_int_equal(got.sealed.n, VAULT_SEALED_MAX);
	t.sealed.n++;
	assert_int_equal(vault_put(v, "a", &t, &e), E_LIMIT);
	t.sealed.n--;
	t.settings.n++;
	assert_int_equal(vault_put(v, "a", &t, &e), E_LIMIT);
	assert_non_null(strstr(e.text, "too large"));
	buf_release(&hold);
	vault_close(v);
}

/* The map is 16 MiB at first. */
static void grows(void **state)
{
	static char large[2 << 20];
	struct err e = { 0 };
	struct vault_tenant t = { .sealed = { large, sizeof(large) } };
	struct listing l = { "" };
	char name[8];
	(void)state;
	struct vault *v = made();
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "t%02d", i);
		if (vault_put(v, name, &t, &e))
			fail_msg("%s", e.text);
	}
	vault_close(v);
	v = again();
	assert_int_equal(vault_each(v, list_one, &l, &e), OK);
	assert_non_null(strstr(l.text, "t00= t01= "));
	assert_non_null(strstr(l.text, "t11= "));
	vault_close(v);
}

static void one_process(void **state)
{
	struct err e = { 0 };
	struct vault *other;
	char pid[32];
	(void)state;
	struct vault *v = made();
	not_opened(E_LOCKED, "is in use by process");
	assert_int_equal(vault_create(&other, store_path, key_b, &e), E_LOCKED);
	snprintf(pid, sizeof(pid), "process %d;", getpid());
	assert_non_null(strstr(e.text, pid));
	vault_close(v);
	assert_int_equal(vault_create(&other, store_path, key_b, &e), E_CONFLICT);
	assert_null(other);
	v = again();
	holds(v, "key a..");
	vault_close(v);
}

/* Either may be made first, and neither holds anything of the other. */
static void beside_the_store(void **state)
{
	struct err e = { 0 };
	struct store *s;
	char command[512];
	(void)state;
	struct vault *v = made();
	put(v, "planted", 1, "planted-sealed-bytes");
	if (store_open(&s, &(struct store_options){ .path = store_path, .map_bytes = 64 << 20 }, &e))
		fail_msg("%s", e.text);
	put(v, "planted2", 1, "planted-sealed-bytes");
	store_close(s);
	vault_close(v);
	FILE *f;
	snprintf(command, sizeof(command), "%s/data.mdb", store_path);
	assert_non_null(f = fopen(command, "r"));
	static char text[1 << 20];
	size_t n = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_in_range(n, 8192, sizeof(text) - 1);
	assert_null(memmem(text, n, "planted", 7));
}

static void open_to_others(void **state)
{
	(void)state;
	vault_close(made());
	assert_int_equal(chmod(secrets, 0750), 0);
	not_opened(E_CONFIG, "folder of the secrets");
	assert_int_equal(chmod(secrets, 0700), 0);
	assert_int_equal(chmod(data, 0604), 0);
	not_opened(E_CONFIG, "data file of the secrets");
	assert_int_equal(chmod(data, 0600), 0);
	vault_close(again());
}

static void overwrite(long at, const char *with, size_t n)
{
	int fd = open(data, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, with, n, at), n);
	close(fd);
}

static void damaged(void **state)
{
	static char noise[8192];
	struct err e = { 0 };
	struct vault *v;
	(void)state;
	vault_close(made());
	assert_int_equal(truncate(data, 100), 0);
	not_opened(E_CORRUPT, "restore a backup");
	assert_int_equal(truncate(data, 0), 0);
	not_opened(E_CORRUPT, "is empty");
	assert_int_equal(vault_create(&v, store_path, key_b, &e), E_CORRUPT); /* never made anew */
	memset(noise, 'x', sizeof(noise));
	overwrite(0, noise, sizeof(noise));
	not_opened(E_CORRUPT, "restore a backup");
	assert_int_equal(remove(data), 0);
	assert_int_equal(mkdir(data, 0700), 0);
	not_opened(E_CORRUPT, "no file");
	assert_int_equal(remove(data), 0);
	not_opened(E_NOT_FOUND, "no secrets");
	char lock[192];
	snprintf(lock, sizeof(lock), "%s/" LOCK_FILE_NAME, secrets);
	assert_int_equal(remove(lock), 0);
	assert_int_equal(rmdir(secrets), 0);
	assert_int_equal(symlink(folder, secrets), 0);
	not_opened(E_CONFIG, "is not a folder");
}

/* A file that lost its end is told by a signal; the program has a sentence for it. */
static void cut_short(void **state)
{
	int status;
	(void)state;
	struct vault *v = made();
	char name[16];
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "tenant%03d", i);
		put(v, name, 1, "sealed bytes of a tenant");
	}
	vault_close(v);
	assert_int_equal(truncate(data, 3 * 4096), 0);
	pid_t child = fork();
	if (!child) {
		struct err e;
		struct listing l = { "" };
		bus_error_ends("vault", 5);
		close(STDERR_FILENO);
		open("/dev/null", O_WRONLY);
		if (!vault_open(&v, store_path, &e) && !vault_each(v, list_one, &l, &e))
			_exit(0);
		_exit(5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
}

/* ---- rotation ---- */

static void rotated(void **state)
{
	struct err e = { 0 };
	struct resealing r = { 0 };
	(void)state;
	struct vault *v = made();
	assert_int_equal(vault_rotate(v, reseal, &r, key_b, &e), OK); /* an empty one too */
	holds(v, "key b..");
	put(v, "alpha", 1, "one");
	put(v, "beta", 2, "two");
	r.fail_at = 2;
	assert_int_equal(vault_rotate(v, reseal, &r, key_a, &e), E_CORRUPT);
	assert_string_equal(e.text, "tenant number 2 does not open");
	holds(v, "alpha=one beta=two key b..");
	r = (struct resealing){ 0 };
	assert_int_equal(vault_rotate(v, reseal, &r, key_a, &e), OK);
	assert_int_equal(r.seen, 2);
	vault_close(v);
	v = again();
	holds(v, "alpha=one+one beta=two+two key a..");
	vault_close(v);
}

/* Many values of several pages: each is seen once although the tree moves. */
static void rotated_large(void **state)
{
	enum { TENANTS = 300, BYTES = 3000 };
	static char text[BYTES + 1];
	struct err e = { 0 };
	struct resealing r = { 0 };
	struct vault_tenant t;
	struct buf hold;
	char name[16];
	(void)state;
	struct vault *v = made();
	buf_init(&hold, VAULT_VALUE_MAX);
	for (int i = 0; i < TENANTS; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		memset(text, 'a' + i % 26, i % 3 ? 40 : BYTES);
		text[i % 3 ? 40 : BYTES] = '\0';
		put(v, name, 1, text);
	}
	assert_int_equal(vault_rotate(v, reseal, &r, key_b, &e), OK);
	assert_int_equal(r.seen, TENANTS);
	for (int i = 0; i < TENANTS; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(vault_get(v, name, &hold, &t, &e), OK);
		assert_int_equal(t.sealed.n, 2 * (i % 3 ? 40 : BYTES) + 1);
		assert_int_equal(t.sealed.p[0], 'a' + i % 26);
	}
	buf_release(&hold);
	vault_close(v);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(kept),        T(walk_ends_early),  T(ceilings),       T(grows),
		T(one_process), T(beside_the_store), T(open_to_others), T(damaged),
		T(cut_short),   T(rotated),          T(rotated_large),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
