#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "sync/due_heap.h"

enum { ENTRIES = 6000, OPERATIONS = 300000, FEW = 40 };

static void in_order(void **state)
{
	static const int64_t times[] = { 5, 3, INT64_MIN, 9, 3, 0, -4, INT64_MAX - 1, 7, DUE_NEVER, 3 };
	enum { N = sizeof(times) / sizeof(times[0]) };
	struct due entries[N] = { { 0 } };
	struct due_heap h;
	int64_t before = INT64_MIN;
	(void)state;
	due_heap_init(&h);
	assert_null(due_heap_first(&h));
	assert_int_equal(due_heap_reserve(&h, N), OK);
	for (int i = 0; i < N; i++)
		due_heap_set(&h, &entries[i], times[i]);
	for (int i = 0; i < N - 1; i++) {
		struct due *d = due_heap_first(&h);
		assert_non_null(d);
		assert_true(d->at_ms >= before);
		before = d->at_ms;
		due_heap_set(&h, d, DUE_NEVER);
		assert_int_equal(d->place, 0);
	}
	assert_null(due_heap_first(&h));
	due_heap_release(&h);
}

/* What is first, by looking at all of them. */
static int64_t least(const struct due *entries, size_t n)
{
	int64_t first = DUE_NEVER;
	for (size_t i = 0; i < n; i++)
		if (entries[i].place && entries[i].at_ms < first)
			first = entries[i].at_ms;
	return first;
}

static void whole(const struct due_heap *h)
{
	for (size_t i = 0; i < h->count; i++) {
		assert_int_equal(h->entries[i]->place, i + 1);
		if (i > 0)
			assert_true(h->entries[(i + 1) / 2 - 1]->at_ms <= h->entries[i]->at_ms);
	}
}

static void random_operations(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, FEW, ENTRIES };
	(void)state;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		size_t n = sizes[k], in = 0;
		struct due *entries = mem_zalloc(n * sizeof(*entries));
		struct due_heap h;
		struct random r = { k };
		assert_non_null(entries);
		due_heap_init(&h);
		assert_int_equal(due_heap_reserve(&h, n), OK);
		for (int i = 0; i < OPERATIONS; i++) {
			struct due *d = &entries[random_below(&r, n)];
			int64_t at = random_below(&r, 3) ? (int64_t)random_below(&r, 1000) : DUE_NEVER;
			in += (at != DUE_NEVER) - (d->place != 0);
			due_heap_set(&h, d, at);
			assert_int_equal(h.count, in);
			if (n > FEW && i % 997)
				continue;
			whole(&h);
			struct due *first = due_heap_first(&h);
			assert_int_equal(first ? first->at_ms : DUE_NEVER, least(entries, n));
		}
		due_heap_release(&h);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(entries[i].place, 0);
		mem_free(entries);
	}
}

static void without_memory(void **state)
{
	struct due_heap h;
	struct due d = { 0 };
	(void)state;
	due_heap_init(&h);
	mem_fail_at(1, 0);
	assert_int_equal(due_heap_reserve(&h, 1), E_NOMEM);
	mem_fail_at(0, 0);
	assert_int_equal(due_heap_reserve(&h, SIZE_MAX / 4), E_NOMEM);
	assert_int_equal(due_heap_reserve(&h, 1), OK);
	due_heap_set(&h, &d, 7);
	mem_fail_at(1, 0);
	assert_int_equal(due_heap_reserve(&h, 100), E_NOMEM);
	mem_fail_at(0, 0);
	assert_ptr_equal(due_heap_first(&h), &d);
	due_heap_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
