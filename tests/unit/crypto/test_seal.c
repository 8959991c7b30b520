#include "crypto/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static struct master_key *key;

static const struct seal_place acme = {
	.purpose = "tenant secrets",
	.tenant = { "acme", 4 },
	.number = 7,
	.beside = { "{\"url\":\"https://fleet.acme.example\"}", 36 },
};
static const char plain_text[] = "{\"token\":\"abc\"}";
enum { PLAIN = sizeof(plain_text) - 1, SEALED = PLAIN + SEAL_OVERHEAD_BYTES };

static int set_up(void **state)
{
	unsigned char bytes[MASTER_KEY_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	key = master_key_new(bytes);
	return key ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	master_key_free(key);
	return 0;
}

/* Made by another implementation of GCM, itself checked with a published vector:
 * key 00..1f, nonce a0..ab. */
static void known_answer(void **state)
{
	static const unsigned char sealed[] = {
		0x01, 0x53, 0x68, 0x46, 0x35, 0x17, 0x94, 0xcd, 0x53, 0xa0, 0xa1, 0xa2, 0xa3,
		0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0x9d, 0x3a, 0x08, 0x42, 0x2e,
		0xae, 0x6c, 0x9d, 0x58, 0x47, 0xe6, 0xb1, 0x64, 0x58, 0xbd, 0x4b, 0x9c, 0xfc,
		0x58, 0xfa, 0x08, 0x29, 0xc6, 0x1a, 0x91, 0x22, 0x34, 0x3e, 0xed, 0x43, 0xf8,
	};
	char plain[PLAIN];
	struct err e = { 0 };
	(void)state;
	assert_int_equal(sizeof(sealed), SEALED);
	assert_int_equal(seal_plain_bytes(sizeof(sealed)), PLAIN);
	assert_int_equal(seal_open(key, &acme, sealed, sizeof(sealed), plain, &e), OK);
	assert_memory_equal(plain, plain_text, PLAIN);
}

static void round_trip(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, SEAL_PLAIN_MAX };
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];
		unsigned char *text = test_malloc(n + 1), *again = test_malloc(n + 1);
		unsigned char *sealed = test_malloc(n + SEAL_OVERHEAD_BYTES);
		struct err e = { 0 };
		struct key_id id, have = master_key_id(key);
		assert_int_equal(RAND_bytes(text, (int)n), 1);
		assert_int_equal(seal_close(key, &acme, text, n, sealed, &e), OK);
		assert_true(seal_key_id(sealed, n + SEAL_OVERHEAD_BYTES, &id));
		assert_true(key_id_eq(&id, &have));
		assert_int_equal(seal_open(key, &acme, sealed, n + SEAL_OVERHEAD_BYTES, again, &e), OK);
		assert_memory_equal(text, again, n);
		test_free(sealed);
		test_free(again);
		test_free(text);
	}
}

static void nonces_differ(void **state)
{
	unsigned char a[SEALED], b[SEALED];
	(void)state;
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, a, NULL), OK);
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, b, NULL), OK);
	assert_memory_not_equal(a + 1 + KEY_ID_BYTES, b + 1 + KEY_ID_BYTES, SEAL_NONCE_BYTES);
	assert_memory_not_equal(a + SEAL_HEAD_BYTES, b + SEAL_HEAD_BYTES, PLAIN);
}

static void refuses(const struct seal_place *place, const unsigned char *sealed, size_t n, int code)
{
	static const char zero[PLAIN + 1];
	char plain[PLAIN + 1];
	struct err e = { 0 };
	memset(plain, 'x', sizeof(plain));
	assert_int_equal(seal_open(key, place, sealed, n, plain, &e), code);
	assert_memory_equal(plain, zero, seal_plain_bytes(n));
	assert_null(strstr(e.text, "token"));
	assert_true(e.text[0] != '\0');
}

static void every_byte_flipped(void **state)
{
	unsigned char sealed[SEALED];
	(void)state;
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, sealed, NULL), OK);
	for (size_t i = 0; i < SEALED; i++) {
		for (int bit = 0; bit < 8; bit++) {
			sealed[i] ^= (unsigned char)(1 << bit);
			int code = E_CORRUPT;
			if (i == 0)
				code = sealed[0] ? E_NEWER_FORMAT : E_CORRUPT;
			else if (i <= KEY_ID_BYTES)
				code = E_CONFIG;
			refuses(&acme, sealed, SEALED, code);
			sealed[i] ^= (unsigned char)(1 << bit);
		}
	}
	for (size_t n = 0; n < SEALED; n++)
		refuses(&acme, sealed, n, E_CORRUPT);
	char plain[PLAIN];
	assert_int_equal(seal_open(key, &acme, sealed, SEALED, plain, NULL), OK);
}

static void other_place(void **state)
{
	struct seal_place rows[8];
	unsigned char sealed[SEALED];
	(void)state;
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, sealed, NULL), OK);
	for (size_t i = 0; i < 8; i++)
		rows[i] = acme;
	rows[0].purpose = "audit key";
	rows[1].tenant = SLICE("globex");
	rows[2].number = 8;
	rows[3].number = 0;
	rows[4].beside = SLICE("{\"url\":\"https://fleet.evil.example\"}");
	rows[5].beside = SLICE_NONE;
	/* The same bytes in a row, cut at another place. */
	rows[6].purpose = "tenant secretsa";
	rows[6].tenant = SLICE("cme");
	rows[7].purpose = "tenant secret";
	rows[7].tenant = SLICE("sacme");
	for (size_t i = 0; i < 8; i++)
		refuses(&rows[i], sealed, SEALED, E_CORRUPT);
}

static void other_key(void **state)
{
	unsigned char bytes[MASTER_KEY_BYTES] = { 1 }, sealed[SEALED];
	char plain[PLAIN], mine[KEY_ID_TEXT_BYTES], theirs[KEY_ID_TEXT_BYTES];
	struct err e = { 0 };
	struct master_key *other = master_key_new(bytes);
	(void)state;
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, sealed, NULL), OK);
	assert_int_equal(seal_open(other, &acme, sealed, SEALED, plain, &e), E_CONFIG);
	struct key_id a = master_key_id(key), b = master_key_id(other);
	assert_non_null(strstr(e.text, key_id_text(&a, mine)));
	assert_non_null(strstr(e.text, key_id_text(&b, theirs)));
	/* Another key that claims the id is told by the tag. */
	memcpy(sealed + 1, b.bytes, KEY_ID_BYTES);
	assert_int_equal(seal_open(other, &acme, sealed, SEALED, plain, &e), E_CORRUPT);
	master_key_free(other);
}

static void too_large(void **state)
{
	size_t n = SEAL_PLAIN_MAX + 1;
	unsigned char *text = test_calloc(1, n), *sealed = test_calloc(1, n + SEAL_OVERHEAD_BYTES);
	struct err e = { 0 };
	(void)state;
	assert_int_equal(seal_close(key, &acme, text, n, sealed, &e), E_LIMIT);
	assert_non_null(strstr(e.text, "larger than 1024 KiB"));
	sealed[0] = SEAL_VERSION;
	assert_int_equal(seal_open(key, &acme, sealed, n + SEAL_OVERHEAD_BYTES, text, &e), E_LIMIT);
	struct seal_place wide = acme;
	wide.beside = (struct slice){ (const char *)text, SEAL_PLAIN_MAX + 1 };
	assert_int_equal(seal_close(key, &wide, "", 0, sealed, &e), E_LIMIT);
	test_free(sealed);
	test_free(text);
}

/* ---- OpenSSL's own allocations ---- */

static unsigned long allocations, fail_at;

static void *count_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return ++allocations == fail_at ? NULL : malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return ++allocations == fail_at ? NULL : realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static void each_allocation_fails(void **state)
{
	unsigned char sealed[SEALED];
	char plain[PLAIN];
	unsigned long n;
	int failures = 0;
	(void)state;
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, sealed, NULL), OK);
	for (n = 1; n < 1000; n++) {
		struct err e = { 0 };
		allocations = 0;
		fail_at = n;
		int rc = seal_close(key, &acme, plain_text, PLAIN, sealed, &e);
		if (!rc)
			rc = seal_open(key, &acme, sealed, SEALED, plain, &e);
		fail_at = 0;
		failures += rc != OK;
		assert_true(rc == OK || rc == E_NOMEM || rc == E_IO);
		if (allocations < n)
			break;
	}
	assert_in_range(n, 2, 999);
	assert_true(failures > 0);
	assert_int_equal(seal_close(key, &acme, plain_text, PLAIN, sealed, NULL), OK);
	assert_int_equal(seal_open(key, &acme, sealed, SEALED, plain, NULL), OK);
}

int main(void)
{
	if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
		return 1;
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(known_answer), T(round_trip), T(nonces_differ), T(every_byte_flipped),
		T(other_place),  T(other_key),  T(too_large),     T(each_allocation_fails),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
