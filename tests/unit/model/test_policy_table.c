#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "model/policy_table.h"

static void set_and_find(void **state)
{
	struct policy_table t;
	(void)state;
	policy_table_init(&t);
	assert_null(policy_table_find(&t, 7));
	assert_int_equal(policy_table_set(&t, 7, SLICE("Disk"), false), 1);
	assert_int_equal(policy_table_set(&t, 7, SLICE("Disk"), false), 0);
	assert_int_equal(policy_table_set(&t, 7, SLICE("Disk"), true), 1);
	assert_int_equal(policy_table_set(&t, 7, SLICE("Disk on"), true), 1);
	assert_int_equal(policy_table_set(&t, 3, SLICE(""), false), 1);
	assert_int_equal(policy_table_set(&t, UINT32_MAX, SLICE_NONE, false), 1);
	assert_int_equal(policy_table_set(&t, UINT32_MAX, SLICE_NONE, false), 0);
	assert_int_equal(policy_table_set(&t, UINT32_MAX, SLICE(""), false), 1);
	assert_int_equal(t.count, 3);
	assert_true(slice_is(policy_table_find(&t, 7)->name, "Disk on"));
	assert_true(policy_table_find(&t, 7)->critical);
	assert_true(slice_is(policy_table_find(&t, 3)->name, ""));
	assert_null(policy_table_find(&t, 4));
	policy_table_release(&t);
	assert_int_equal(t.count, 0);
}

static void many_in_any_order(void **state)
{
	enum { MANY = 500 };
	struct policy_table t;
	struct random random = { 5 };
	(void)state;
	policy_table_init(&t);
	for (int i = 0; i < 4 * MANY; i++)
		assert_true(policy_table_set(&t, (uint32_t)random_below(&random, MANY), SLICE("x"), false) >=
			    0);
	for (uint32_t i = 1; i < t.count; i++)
		assert_true(t.rows[i - 1].id < t.rows[i].id);
	policy_table_release(&t);
}

static void no_memory(void **state)
{
	struct policy_table t;
	(void)state;
	policy_table_init(&t);
	for (unsigned long n = 1; n <= 2; n++) {
		mem_fail_at(n, 0);
		int rc = policy_table_set(&t, 1, SLICE("x"), false);
		mem_fail_at(0, 0);
		assert_int_equal(rc, E_NOMEM);
		assert_int_equal(t.count, 0);
	}
	assert_int_equal(policy_table_set(&t, 1, SLICE("x"), false), 1);
	mem_fail_at(1, 0);
	int rc = policy_table_set(&t, 1, SLICE("y"), false);
	mem_fail_at(0, 0);
	assert_int_equal(rc, E_NOMEM);
	assert_true(slice_is(policy_table_find(&t, 1)->name, "x"));
	policy_table_release(&t);
}

/* A leak, or a use after the end, shows under the address sanitizer. */
static void a_page_is_freed_with_its_arena(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct page *page = arena_alloc(arena, sizeof(*page));
	(void)state;
	*page = (struct page){ .arena = arena };
	assert_non_null(arena_alloc(arena, 100000));
	page_free(page);
	page_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_find),
		cmocka_unit_test(many_in_any_order),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(a_page_is_freed_with_its_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
