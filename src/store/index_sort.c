#include "store/index_run.h"

#include <stdlib.h>

enum { DIGITS = 8, DIGIT_VALUES = 256 };

static int compare(const void *a, const void *b, void *keys)
{
	const struct index_run_entry *x = a, *y = b;
	uint32_t n = x->n < y->n ? x->n : y->n;
	int order = memcmp((unsigned char *)keys + x->at, (unsigned char *)keys + y->at, n);
	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static void reverse(struct index_run_entry *entries, size_t count)
{
	for (size_t i = 0, j = count; i + 1 < j; i++) {
		struct index_run_entry swapped = entries[i];
		entries[i] = entries[--j];
		entries[j] = swapped;
	}
}

static unsigned digit_of(uint64_t prefix, int digit)
{
	return (unsigned)(prefix >> (8 * digit)) & (DIGIT_VALUES - 1);
}

/* Counts become places; false when all entries have the same digit. */
static bool places(uint32_t counts[DIGIT_VALUES], size_t count)
{
	uint32_t at = 0;
	for (int v = 0; v < DIGIT_VALUES; v++) {
		uint32_t n = counts[v];
		if (n == count)
			return false;
		counts[v] = at;
		at += n;
	}
	return true;
}

/* By prefix, equal ones as they stood: digit by digit, from the last. */
static void sort_prefixes(struct index_run_entry *entries, struct index_run_entry *spare, size_t count)
{
	uint32_t counts[DIGITS][DIGIT_VALUES] = { 0 };
	struct index_run_entry *from = entries, *to = spare;
	for (size_t i = 0; i < count; i++)
		for (int d = 0; d < DIGITS; d++)
			counts[d][digit_of(entries[i].prefix, d)]++;
	for (int d = 0; d < DIGITS; d++) {
		if (!places(counts[d], count))
			continue;
		for (size_t i = 0; i < count; i++)
			to[counts[d][digit_of(from[i].prefix, d)]++] = from[i];
		struct index_run_entry *swapped = from;
		from = to;
		to = swapped;
	}
	if (from != entries)
		memcpy(entries, from, count * sizeof(*entries));
}

/* Entries of one prefix are in order of id, so where they have one value too,
 * as group and state have, they are in order already. */
static void sort_equal_prefixes(struct index_run *r)
{
	for (size_t begin = 0, end; begin < r->count; begin = end) {
		bool sorted = true;
		for (end = begin + 1; end < r->count; end++) {
			if (r->entries[end].prefix != r->entries[begin].prefix)
				break;
			if (sorted)
				sorted = compare(&r->entries[end - 1], &r->entries[end], r->memory) <= 0;
		}
		if (!sorted)
			qsort_r(r->entries + begin, end - begin, sizeof(*r->entries), compare, r->memory);
	}
}

void index_run_sort(struct index_run *r)
{
	reverse(r->entries, r->count);
	sort_prefixes(r->entries, r->spare, r->count);
	sort_equal_prefixes(r);
}
