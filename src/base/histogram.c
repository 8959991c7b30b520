#include "base/histogram.h"

#include "base/must.h"

#include <math.h>

void histogram_init(struct histogram *h, const double *bounds, unsigned bound_count)
{
	must(bound_count >= 1 && bound_count <= HISTOGRAM_BOUNDS_MAX);
	for (unsigned i = 0; i < bound_count; i++)
		must(isfinite(bounds[i]) && (i == 0 || bounds[i - 1] < bounds[i]));
	*h = (struct histogram){ .bounds = bounds, .bound_count = bound_count };
}

void histogram_observe(struct histogram *h, double value)
{
	unsigned low = 0, high = h->bound_count;
	if (isnan(value))
		return;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (value <= h->bounds[middle])
			high = middle;
		else
			low = middle + 1;
	}
	h->buckets[low]++;
	h->count++;
	h->sum += value;
}

uint64_t histogram_cumulated(const struct histogram *h, unsigned i)
{
	uint64_t sum = 0;
	must(i <= h->bound_count);
	for (unsigned at = 0; at <= i; at++)
		sum += h->buckets[at];
	return sum;
}

double histogram_quantile(const struct histogram *h, double q)
{
	double rank = q * (double)h->count, below = 0;
	unsigned i = 0;
	if (!h->count)
		return 0;
	while (i < h->bound_count && below + (double)h->buckets[i] < rank)
		below += (double)h->buckets[i++];
	while (i < h->bound_count && !h->buckets[i])
		i++; /* q == 0 in front of empty buckets */
	if (i == h->bound_count)
		return h->bounds[h->bound_count - 1];
	double from = i ? h->bounds[i - 1] : h->bounds[0] < 0 ? h->bounds[0] : 0;
	return from + (h->bounds[i] - from) * (rank - below) / (double)h->buckets[i];
}
