#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "store/index_run.h"
#include "store/schema.h"

#include <stdlib.h>

enum { ENTRIES = 20000, KEY_MAX = 40 };

/* A run whose keys are collected in the order of `make(i)`. */
static void collect(struct index_run *r, uint32_t (*make)(unsigned char *key, uint32_t i), uint32_t count)
{
	size_t bytes = ENTRIES * (KEY_MAX + sizeof(struct index_run_entry));
	*r = (struct index_run){ .memory = mem_alloc(bytes + ENTRIES * sizeof(struct index_run_entry)) };
	assert_non_null(r->memory);
	r->entries = r->spare = (struct index_run_entry *)(void *)(r->memory + bytes);
	for (uint32_t i = 0; i < count; i++) {
		struct index_run_entry *entry = --r->entries;
		unsigned char *key = r->memory + r->keys_bytes;
		entry->at = (uint32_t)r->keys_bytes;
		entry->n = make(key, i);
		entry->prefix = get_u64(key);
		r->keys_bytes += entry->n;
		r->count++;
	}
}

static void assert_sorted(const struct index_run *r, uint32_t count)
{
	unsigned char *seen = calloc(1, r->keys_bytes + 1);
	assert_int_equal(r->count, count);
	for (size_t i = 0; i < r->count; i++) {
		const struct index_run_entry *b = &r->entries[i], *a = i ? b - 1 : b;
		uint32_t n = a->n < b->n ? a->n : b->n;
		int order = memcmp(r->memory + a->at, r->memory + b->at, n);
		assert_true(order < 0 || (order == 0 && a->n <= b->n));
		assert_int_equal(b->prefix, get_u64(r->memory + b->at));
		assert_false(seen[b->at]++); /* each entry stands once */
	}
	free(seen);
}

static uint32_t random_keys(unsigned char *key, uint32_t i)
{
	static struct random random = { 11 };
	uint32_t n = 8 + (uint32_t)random_below(&random, KEY_MAX - 8);
	(void)i;
	for (uint32_t j = 0; j < n; j++)
		key[j] = (unsigned char)random_below(&random, 256);
	return n;
}

/* Few prefixes, and values that are the beginning of others. */
static uint32_t alike(unsigned char *key, uint32_t i)
{
	static struct random random = { 12 };
	uint32_t n = 8 + (uint32_t)random_below(&random, 4);
	(void)i;
	memset(key, 'a', KEY_MAX - 1);
	key[random_below(&random, 8)] = 'b';
	key[n - 1] = (unsigned char)('a' + random_below(&random, 3));
	return n;
}

/* As group and state are: one value, ids ascending. */
static uint32_t ids(unsigned char *key, uint32_t i)
{
	memcpy(key, "compliant", 10);
	put_u64(key + 10, i);
	return 18;
}

static void sorts(void **state)
{
	static const struct {
		uint32_t (*make)(unsigned char *key, uint32_t i);
		uint32_t count;
	} rows[] = { { random_keys, 0 }, { random_keys, 1 }, { random_keys, 2 }, { random_keys, ENTRIES },
		     { alike, ENTRIES }, { ids, 3 },         { ids, ENTRIES } };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct index_run r;
		collect(&r, rows[i].make, rows[i].count);
		index_run_sort(&r);
		assert_sorted(&r, rows[i].count);
		index_run_release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sorts) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
