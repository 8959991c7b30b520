/* Metrics as Prometheus reads them: text exposition format 0.0.4. The text of
 * thousands of tenants is written a part at a time, so that it never stands in
 * the loop's way. Pure. */
#pragma once

#include "base/buf.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM, EXPOSITION_UNTYPED };

struct exposition_label {
	const char *name, *value; /* the value in any bytes: what is not UTF-8 is repaired */
};

/* Names are literals of this program: a wrong one is a bug. */
void exposition_family(struct buf *b, const char *name, enum exposition_type type, const char *help);
void exposition_sample(struct buf *b, const char *name, const struct exposition_label *labels, size_t count,
		       double value);
/* The same for whole numbers that a double would round. */
void exposition_count(struct buf *b, const char *name, const struct exposition_label *labels, size_t count,
		      uint64_t value);

/* Cumulative `_bucket` up to "+Inf", `_sum` and `_count`. */
void exposition_histogram(struct buf *b, const char *name, const struct exposition_label *labels,
			  size_t count, const struct histogram *h);

struct exposition_row {
	const char *name;
	enum exposition_type type;
	const char *help;
	/* Writes the samples of one part, possibly none. Parts are small. */
	void (*write)(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b);
	/* The first part above `after` (0 at the beginning), 0: there is none. NULL:
	 * the row has the one part 1. A part is something that keeps its number
	 * while others come and go between two slices, such as a tenant's: so none
	 * is written twice. */
	uint64_t (*next)(const struct exposition_row *row, void *arg, uint64_t after);
	unsigned kind; /* the owner's, so that rows may share functions */
};

/* A walk over all rows, from a zeroed struct with the first three set. */
struct exposition {
	const struct exposition_row *rows;
	size_t count;
	void *arg;
	size_t at;
	uint64_t part; /* the last one written of rows[at], 0: none */
};

/* Appends parts until `b` has grown by `bytes`, or until many parts were empty;
 * false: that was all. A failed `b` ends it too. A row without parts is left
 * out, heading and all. */
bool exposition_slice(struct exposition *x, struct buf *b, size_t bytes);
