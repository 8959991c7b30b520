#include "store/vault.h"
#include "unit/daemon/keyring_place.h"

static void not_opened(const char *path, int code, const char *part)
{
	struct err e = { 0 };
	struct keyring *k = (struct keyring *)"untouched";
	assert_int_equal(keyring_open(&k, store_path, path, &e), code);
	assert_null(k);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void made_together(void **state)
{
	struct stat st;
	(void)state;
	not_opened(NULL, E_NOT_FOUND, "set secrets.key_file");
	assert_false(exists(store_path));
	struct keyring *k = opened();
	struct key_id id = keyring_key_id(k);
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	put(k, "acme", "token-1");
	keyring_close(k);
	k = opened();
	holds(k, "acme=token-1");
	struct key_id same = keyring_key_id(k);
	assert_true(key_id_eq(&id, &same));
	keyring_close(k);
	keyring_close(NULL);
	not_opened(NULL, E_CONFIG, "no master key is configured");
}

/* Which key is used, for each state that three files can be in. */
static void rules(void **state)
{
	static const struct {
		const char *vault, *key, *next; /* keys; no vault when NULL */
		int rc;
		const char *part; /* of the sentence, or the key used */
		bool next_stays;
	} rows[] = {
		{ NULL, KEY_A, NULL, OK, KEY_A, false },
		{ NULL, KEY_A, KEY_B, OK, KEY_A, true },
		{ NULL, "half", NULL, E_CONFIG, "64 hexadecimal digits", false },
		{ KEY_A, KEY_A, NULL, OK, KEY_A, false },
		{ KEY_A, NULL, NULL, E_CONFIG, "never made anew", false },
		{ KEY_A, KEY_B, NULL, E_CONFIG, "put the right key back", false },
		{ KEY_A, "", NULL, E_CONFIG, "is empty", false },
		/* a rotation that ended before its transaction */
		{ KEY_A, KEY_A, KEY_B, OK, KEY_A, false },
		{ KEY_A, KEY_A, "half", OK, KEY_A, true },
		/* and one that ended after it */
		{ KEY_B, KEY_A, KEY_B, OK, KEY_B, false },
		{ KEY_B, NULL, KEY_B, OK, KEY_B, false },
		{ KEY_B, "half", KEY_B, OK, KEY_B, false },
		/* neither */
		{ KEY_B, KEY_A, KEY_A, E_CONFIG, "put the right key back", true },
		{ KEY_B, NULL, KEY_A, E_CONFIG, "never made anew", true },
		{ KEY_B, KEY_A, "half", E_CONFIG, "put the right key back", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		struct keyring *k;
		remove_all(store_path);
		write_key(next_path, NULL);
		if (rows[i].vault) {
			write_key(key_path, rows[i].vault);
			k = opened();
			put(k, "acme", "token-1");
			keyring_close(k);
		}
		write_key(key_path, rows[i].key);
		write_key(next_path, rows[i].next);
		int rc = keyring_open(&k, store_path, key_path, &e);
		if (rc != rows[i].rc || (rc && !strstr(e.text, rows[i].part)))
			fail_msg("row %zu: %d \"%s\"", i, rc, e.text);
		assert_int_equal(exists(next_path), rows[i].next_stays);
		assert_int_equal(exists(key_path), rc == OK || rows[i].key);
		if (!rc) {
			struct master_key *used;
			assert_int_equal(master_key_load(&used, key_path, NULL), OK);
			struct key_id a = master_key_id(used), b = keyring_key_id(k);
			assert_true(key_id_eq(&a, &b));
			assert_int_equal(master_key_bytes(used)[0], rows[i].part[0] == 'f' ? 0xff : 0);
			master_key_free(used);
			holds(k, rows[i].vault ? "acme=token-1" : "");
			keyring_close(k);
		}
	}
}

static void names_both_keys(void **state)
{
	struct err e = { 0 };
	struct keyring *k;
	char a[KEY_ID_TEXT_BYTES], b[KEY_ID_TEXT_BYTES];
	(void)state;
	write_key(key_path, KEY_A);
	k = opened();
	struct key_id id = keyring_key_id(k);
	key_id_text(&id, a);
	keyring_close(k);
	remove_all(store_path);
	write_key(key_path, KEY_B);
	k = opened();
	id = keyring_key_id(k);
	key_id_text(&id, b);
	keyring_close(k);
	assert_string_not_equal(a, b);
	write_key(key_path, KEY_A);
	assert_int_equal(keyring_open(&k, store_path, key_path, &e), E_CONFIG);
	assert_non_null(strstr(e.text, a));
	assert_non_null(strstr(e.text, b));
	assert_null(strstr(e.text, "0102030405"));
}

static void open_key_file(void **state)
{
	(void)state;
	keyring_close(opened());
	assert_int_equal(chmod(key_path, 0644), 0);
	not_opened(key_path, E_CONFIG, "open to others");
	remove_all(store_path);
	not_opened(key_path, E_CONFIG, "open to others");
	assert_false(exists(store_path));
}

static int see_all(void *arg, const struct keyring_tenant *t, const struct err *why)
{
	(void)arg;
	assert_null(why);
	assert_string_equal(t->name, "acme");
	assert_int_equal(t->number, 7);
	assert_int_equal(t->created_at, 1);
	assert_int_equal(t->changed_at, 2);
	assert_true(slice_is(t->settings, "{\"url\":\"https://fleet.example\"}"));
	assert_true(slice_is(t->secrets, "token-2"));
	return 42;
}

static void tenants(void **state)
{
	static char large[(1 << 20) + 1];
	struct err e = { 0 };
	struct keyring_tenant t = { .name = "large", .secrets = { large, sizeof(large) } };
	(void)state;
	struct keyring *k = opened();
	put(k, "globex", "");
	put(k, "acme", "token-1");
	put(k, "acme", "token-2");
	holds(k, "acme=token-2 globex=");
	assert_int_equal(keyring_with(k, "acme", see_all, NULL, &e), 42);
	assert_int_equal(keyring_each(k, see_all, NULL, &e), 42);
	assert_int_equal(keyring_with(k, "none", see_all, NULL, &e), E_NOT_FOUND);
	assert_int_equal(keyring_remove(k, "globex", &e), OK);
	assert_int_equal(keyring_remove(k, "globex", &e), E_NOT_FOUND);
	assert_int_equal(keyring_put(k, &t, &e), E_LIMIT);
	t.secrets.n--;
	assert_int_equal(keyring_put(k, &t, &e), OK);
	keyring_close(k);
}

/* Whether the vault's file holds the text. */
static bool in_file(const char *text)
{
	static char bytes[1 << 20];
	FILE *f = fopen(data_path, "r");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_in_range(n, 1, sizeof(bytes) - 1);
	return memmem(bytes, n, text, strlen(text)) != NULL;
}

static void sealed_at_rest(void **state)
{
	(void)state;
	struct keyring *k = opened();
	put(k, "acme", "planted-token-of-acme");
	assert_int_equal(keyring_rotate(k, NULL), OK);
	keyring_close(k);
	assert_true(in_file("https://fleet.example"));
	assert_false(in_file("planted"));
}

struct swap {
	const char *name;
	struct vault_tenant t;
	char settings[128], sealed[256];
};

static int copy_row(void *arg, const char *name, const struct vault_tenant *t)
{
	struct swap *s = arg;
	if (strcmp(name, s->name))
		return 0;
	s->t = *t;
	memcpy(s->settings, t->settings.p, t->settings.n);
	memcpy(s->sealed, t->sealed.p, t->sealed.n);
	s->t.settings.p = s->settings;
	s->t.sealed.p = s->sealed;
	return 0;
}

/* Who can write the file cannot send one tenant's token to another's server. */
static void swapped(void **state)
{
	struct err e = { 0 };
	struct swap acme = { .name = "acme" };
	struct vault *v;
	(void)state;
	struct keyring *k = opened();
	put(k, "acme", "token-1");
	put(k, "globex", "token-2");
	keyring_close(k);
	assert_int_equal(vault_open(&v, store_path, &e), OK);
	assert_int_equal(vault_each(v, copy_row, &acme, &e), OK);
	assert_int_equal(vault_put(v, "globex", &acme.t, &e), OK);
	acme.t.number++;
	assert_int_equal(vault_put(v, "number", &acme.t, &e), OK);
	acme.t.number--;
	acme.settings[acme.t.settings.n - 3] ^= 1;
	assert_int_equal(vault_put(v, "acme", &acme.t, &e), OK);
	vault_close(v);
	k = opened();
	put(k, "initech", "token-3");
	holds(k, "acme=? globex=? initech=token-3 number=?");
	/* What cannot be opened cannot be sealed anew; nothing is lost. */
	struct key_id before = keyring_key_id(k);
	assert_int_equal(keyring_rotate(k, &e), E_CORRUPT);
	assert_non_null(strstr(e.text, "\"acme\""));
	struct key_id after = keyring_key_id(k);
	assert_true(key_id_eq(&before, &after));
	assert_false(exists(next_path));
	holds(k, "acme=? globex=? initech=token-3 number=?");
	keyring_close(k);
}

static void rotated(void **state)
{
	struct err e = { 0 };
	(void)state;
	struct keyring *k = opened();
	put(k, "acme", "token-1");
	put(k, "globex", "token-2");
	struct key_id last = keyring_key_id(k);
	for (int i = 0; i < 3; i++) {
		if (keyring_rotate(k, &e))
			fail_msg("%s", e.text);
		struct key_id now = keyring_key_id(k);
		assert_false(key_id_eq(&last, &now));
		last = now;
		assert_false(exists(next_path));
		holds(k, "acme=token-1 globex=token-2");
	}
	put(k, "initech", "token-3");
	keyring_close(k);
	k = opened();
	struct key_id now = keyring_key_id(k);
	assert_true(key_id_eq(&last, &now));
	holds(k, "acme=token-1 globex=token-2 initech=token-3");
	keyring_close(k);
}

/* Somebody put another key there meanwhile: it is not written over. */
static void rotation_refused(void **state)
{
	struct err e = { 0 };
	struct stat st;
	(void)state;
	struct keyring *k = opened();
	put(k, "acme", "token-1");
	write_key(next_path, "not a key");
	assert_int_equal(keyring_rotate(k, &e), E_CONFLICT);
	assert_non_null(strstr(e.text, "is not replaced"));
	write_key(next_path, NULL);
	write_key(key_path, KEY_B);
	assert_int_equal(keyring_rotate(k, &e), E_CONFIG);
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_size, strlen(KEY_B));
	assert_false(exists(next_path));
	holds(k, "acme=token-1");
	keyring_close(k);
}

static void credential(void **state)
{
	struct err e = { 0 };
	struct keyring *k;
	(void)state;
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	not_opened("credential:master.key", E_CONFIG, "systemd has to provide");
	assert_false(exists(store_path));
	write_key(key_path, KEY_A);
	assert_int_equal(chmod(key_path, 0440), 0);
	assert_int_equal(keyring_open(&k, store_path, "credential:master.key", &e), OK);
	put(k, "acme", "token-1");
	assert_int_equal(keyring_rotate(k, &e), E_CONFIG);
	assert_non_null(strstr(e.text, "make a credential of the new key"));
	holds(k, "acme=token-1");
	keyring_close(k);
	write_key(key_path, NULL);
	not_opened("credential:master.key", E_CONFIG, "never made anew");
	unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(made_together),  T(rules),   T(names_both_keys), T(open_key_file),    T(tenants),
		T(sealed_at_rest), T(swapped), T(rotated),         T(rotation_refused), T(credential),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
