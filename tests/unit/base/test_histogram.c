#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/histogram.h"

#include <math.h>

static const double bounds[] = { 0.1, 0.5, 1, 5 };
enum { BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

static void a_bound_counts_what_is_at_most_it(void **state)
{
	static const struct {
		double value;
		unsigned bucket;
	} rows[] = {
		{ -1, 0 },  { 0, 0 }, { 0.1, 0 }, { 0.1000001, 1 }, { 0.5, 1 },
		{ 0.6, 2 }, { 1, 2 }, { 5, 3 },   { 5.1, 4 },       { 1e300, 4 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct histogram h;
		histogram_init(&h, bounds, BOUNDS);
		histogram_observe(&h, rows[i].value);
		assert_int_equal(h.count, 1);
		assert_true(h.sum == rows[i].value);
		for (unsigned b = 0; b <= BOUNDS; b++) {
			assert_int_equal(h.buckets[b], b == rows[i].bucket);
			assert_int_equal(histogram_cumulated(&h, b), b >= rows[i].bucket);
		}
	}
}

static void bounds_of_every_number_find_their_bucket(void **state)
{
	double many[HISTOGRAM_BOUNDS_MAX];
	(void)state;
	for (unsigned n = 1; n <= HISTOGRAM_BOUNDS_MAX; n++) {
		struct histogram h;
		for (unsigned i = 0; i < n; i++)
			many[i] = i + 1;
		histogram_init(&h, many, n);
		for (unsigned i = 0; i <= n; i++)
			histogram_observe(&h, i + 0.5);
		for (unsigned i = 0; i <= n; i++)
			assert_int_equal(h.buckets[i], 1);
	}
}

static void not_a_number_is_not_counted(void **state)
{
	struct histogram h;
	(void)state;
	histogram_init(&h, bounds, BOUNDS);
	histogram_observe(&h, NAN);
	assert_int_equal(h.count, 0);
	assert_true(h.sum == 0);
}

static void quantiles(void **state)
{
	static const struct {
		double values[4];
		unsigned count;
		double q, want;
	} rows[] = {
		{ { 0 }, 0, 0.5, 0 },
		{ { 0.05 }, 1, 1, 0.1 },
		{ { 0.05 }, 1, 0.5, 0.05 },
		{ { 0.3, 0.3, 0.3, 0.3 }, 4, 0.5, 0.3 },
		{ { 0.05, 0.3, 0.7, 3 }, 4, 0.5, 0.5 },
		{ { 0.05, 0.3, 0.7, 3 }, 4, 0.99, 1 + 4 * 0.96 },
		{ { 0.3 }, 1, 0, 0.1 },
		{ { 60, 60 }, 2, 0.5, 5 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct histogram h;
		histogram_init(&h, bounds, BOUNDS);
		for (unsigned v = 0; v < rows[i].count; v++)
			histogram_observe(&h, rows[i].values[v]);
		double got = histogram_quantile(&h, rows[i].q);
		if (fabs(got - rows[i].want) > 1e-9)
			fail_msg("row %zu: %g, not %g", i, got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bound_counts_what_is_at_most_it),
		cmocka_unit_test(bounds_of_every_number_find_their_bucket),
		cmocka_unit_test(not_a_number_is_not_counted),
		cmocka_unit_test(quantiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
