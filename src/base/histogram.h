/* How often a value fell between fixed bounds, as Prometheus counts it: bound i
 * counts what is at most bounds[i], the last bucket what is above all of them.
 * Belongs to whoever holds the struct; one thread at a time. No allocation. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 24 };

struct histogram {
	const double *bounds; /* ascending, finite; outlives the histogram */
	unsigned bound_count;
	uint64_t buckets[HISTOGRAM_BOUNDS_MAX + 1]; /* not cumulated */
	uint64_t count;
	double sum;
};

void histogram_init(struct histogram *h, const double *bounds, unsigned bound_count);
/* In O(log bounds). What is not a number is not counted. */
void histogram_observe(struct histogram *h, double value);
/* Observations of at most bounds[i]; all of them for i == bound_count. */
uint64_t histogram_cumulated(const struct histogram *h, unsigned i);
/* An estimate for people: straight inside a bucket that begins at 0 or at the
 * bound before; the last bound where the value is above it; 0 of nothing. `q` is
 * between 0 and 1. */
double histogram_quantile(const struct histogram *h, double q);
