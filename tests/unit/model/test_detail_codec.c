#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "model/detail_codec.h"

#include <stdlib.h>

static const struct host_mapping users[] = { { SLICE("anna"), SLICE("idp") },
					     { SLICE("anna@example.com"), SLICE("custom") },
					     { SLICE(""), { NULL, 0 } } };
static struct host_policy policies[] = { { 7, POLICY_FAIL, 1 },
					 { 300, POLICY_PASS, 0 },
					 { UINT32_MAX, POLICY_UNANSWERED, 1 } };

static struct detail_facts sample_facts(void)
{
	return (struct detail_facts){
		.fetched_at = 1768955618,
		.disk_encryption_enabled = HOST_YES,
		.os_settings_disk_encryption = SLICE("verified"),
		.encryption_key_available = HOST_NO,
		.orbit_version = SLICE("1.38.1"),
		.desktop_version = SLICE(""),
		.device_status = SLICE("unlocked"),
		.pending_action = { NULL, 0 },
		.listed_at = 1768955000,
		.listed_disk_encryption = SLICE("removing_enforcement"),
		.has_end_users = true,
		.end_users = users,
		.end_user_count = 3,
		.has_mapping = true,
		.has_policies = true,
		.policies = policies,
		.policy_count = 3,
	};
}

static void assert_same_rows(const struct host_mapping *a, const struct host_mapping *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		assert_true(slice_eq(a[i].email, b[i].email));
		assert_true(slice_eq(a[i].source, b[i].source));
	}
}

static void round_trip(void **state)
{
	struct detail_facts f = sample_facts(), g;
	struct arena *arena = arena_new(1 << 20);
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(detail_pack(&b, &f), OK);
	assert_int_equal(detail_unpack(&g, b.data, b.len, arena), OK);
	memset(b.data, 0xee, b.len); /* nothing may point into it */
	assert_int_equal(g.fetched_at, f.fetched_at);
	assert_null(g.of);
	assert_int_equal(g.disk_encryption_enabled, HOST_YES);
	assert_int_equal(g.encryption_key_available, HOST_NO);
	assert_true(slice_eq(g.os_settings_disk_encryption, f.os_settings_disk_encryption));
	assert_true(slice_eq(g.orbit_version, f.orbit_version));
	assert_true(slice_eq(g.desktop_version, f.desktop_version));
	assert_true(slice_eq(g.device_status, f.device_status));
	assert_true(slice_eq(g.pending_action, f.pending_action));
	assert_int_equal(g.listed_at, f.listed_at);
	assert_true(slice_eq(g.listed_disk_encryption, f.listed_disk_encryption));
	assert_true(g.has_end_users && g.has_mapping && g.has_policies);
	assert_int_equal(g.end_user_count, 3);
	assert_same_rows(g.end_users, users, 3);
	assert_int_equal(g.mapping_count, 0);
	assert_int_equal(g.policy_count, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(g.policies[i].id, policies[i].id);
		assert_int_equal(g.policies[i].result, policies[i].result);
		assert_int_equal(g.policies[i].critical, policies[i].critical);
	}
	buf_release(&b);
	arena_free(arena);
}

/* A host of which only a filtered list spoke. */
static void listed_only(void **state)
{
	struct detail_facts f = { .listed_at = 1768955000, .listed_disk_encryption = SLICE("failed") }, g;
	struct arena *arena = arena_new(1 << 20);
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(detail_pack(&b, &f), OK);
	assert_int_equal(detail_unpack(&g, b.data, b.len, arena), OK);
	assert_int_equal(g.fetched_at, 0);
	assert_int_equal(g.listed_at, 1768955000);
	assert_true(slice_is(g.listed_disk_encryption, "failed"));
	assert_null(g.os_settings_disk_encryption.p);
	buf_release(&b);
	arena_free(arena);
}

static void none(void **state)
{
	struct detail_facts f = { 0 }, g = sample_facts();
	struct arena *arena = arena_new(1 << 20);
	struct buf b;
	(void)state;
	assert_int_equal(detail_unpack(&g, NULL, 0, arena), OK);
	assert_int_equal(g.fetched_at, 0);
	buf_init(&b, 1 << 20);
	assert_int_equal(detail_pack(&b, &f), OK);
	assert_true(b.len <= 16);
	assert_int_equal(detail_unpack(&g, b.data, b.len, arena), OK);
	assert_false(g.has_end_users || g.has_mapping || g.has_policies);
	assert_null(g.orbit_version.p);
	buf_release(&b);
	arena_free(arena);
}

static void limits(void **state)
{
	enum { ROWS = DETAIL_MAX_ROWS + 5, POLICIES = DEVICE_MAX_POLICIES + 5, LONG = 2000 };
	static struct host_mapping rows[ROWS];
	static struct host_policy many[POLICIES];
	static char text[LONG + 1];
	struct detail_facts f = { .fetched_at = 1,
				  .has_mapping = true,
				  .mapping = rows,
				  .mapping_count = ROWS,
				  .has_policies = true,
				  .policies = many,
				  .policy_count = POLICIES },
			    g;
	struct arena *arena = arena_new(1 << 20);
	struct buf b;
	(void)state;
	memset(text, 'x', 1);
	for (int i = 0; i + 2 < LONG; i += 2) /* two-byte characters that the limit would split */
		memcpy(text + 1 + i, "\xc3\xa4", 2);
	f.orbit_version = (struct slice){ text, LONG - 1 };
	for (uint32_t i = 0; i < POLICIES; i++)
		many[i].id = i * 3;
	buf_init(&b, 1 << 20);
	assert_int_equal(detail_pack(&b, &f), OK);
	assert_int_equal(detail_unpack(&g, b.data, b.len, arena), OK);
	assert_int_equal(g.mapping_count, DETAIL_MAX_ROWS);
	assert_int_equal(g.policy_count, DEVICE_MAX_POLICIES);
	assert_int_equal(g.policies[DEVICE_MAX_POLICIES - 1].id, 3 * (DEVICE_MAX_POLICIES - 1));
	assert_int_equal(g.orbit_version.n, 1019);
	buf_release(&b);
	buf_init(&b, 100);
	assert_int_equal(detail_pack(&b, &f), E_LIMIT);
	buf_release(&b);
	arena_free(arena);
}

static void damaged(void **state)
{
	struct detail_facts f = sample_facts(), g;
	struct arena *arena = arena_new(1 << 20);
	struct random random = { 3 };
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(detail_pack(&b, &f), OK);
	for (size_t cut = 1; cut < b.len; cut++) {
		arena_reset(arena);
		assert_int_equal(detail_unpack(&g, b.data, cut, arena), E_CORRUPT);
		assert_int_equal(g.fetched_at, 0);
	}
	for (int i = 0; i < 20000; i++) {
		char *copy = malloc(b.len);
		memcpy(copy, b.data, b.len);
		for (int j = 0; j < 3; j++)
			copy[random_below(&random, b.len)] = (char)random_next(&random);
		arena_reset(arena);
		int rc = detail_unpack(&g, copy, b.len, arena);
		assert_true(rc == OK || rc == E_CORRUPT);
		for (uint32_t k = 1; k < g.policy_count; k++)
			assert_true(g.policies[k - 1].id <= g.policies[k].id &&
				    g.policies[k].result <= POLICY_FAIL);
		free(copy);
	}
	b.data[0]++;
	assert_int_equal(detail_unpack(&g, b.data, b.len, arena), E_CORRUPT);
	buf_release(&b);
	arena_free(arena);
}

static void no_memory(void **state)
{
	struct detail_facts f = sample_facts(), g;
	struct arena *arena = arena_new(1 << 20), *small = arena_new(200);
	struct buf b, c;
	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(detail_pack(&b, &f), OK);
	assert_int_equal(detail_unpack(&g, b.data, b.len, small), E_NOMEM);
	assert_int_equal(g.fetched_at, 0);
	mem_fail_at(1, 1);
	buf_init(&c, 1 << 20);
	int pack = detail_pack(&c, &f), unpack = detail_unpack(&g, b.data, b.len, arena);
	mem_fail_at(0, 0);
	assert_int_equal(pack, E_NOMEM);
	assert_int_equal(unpack, E_NOMEM);
	buf_release(&b);
	arena_free(arena);
	arena_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(listed_only), cmocka_unit_test(none),
		cmocka_unit_test(limits),     cmocka_unit_test(damaged),     cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
