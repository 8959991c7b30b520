/* Jobs of the writer that no sync asks for: a tenant is paused or removed, and
 * what is older than its retention is dropped. Long ones do a slice of their
 * work each time: submit them, each time after the one before was answered,
 * until `more` is false, so that syncs get their turns in between. */
#pragma once

#include "store/writer.h"

/* Notes on the tenant's row that it is paused, or not. */
struct apply_pause {
	struct store_job job;
	uint32_t tenant;
	bool paused;
};
int apply_pause_run(struct store_job *job, struct store_txn *txn);

/* Removes the tenant and all that is kept of it; its number is not given again.
 * The row says `removing` from the first slice on and goes with the last, so
 * whoever opens the store later can go on. No other job of the tenant may run
 * meanwhile: they are answered with E_NOT_FOUND at the latest after the end. */
struct apply_remove {
	struct store_job job;
	uint32_t tenant;
	uint64_t devices; /* out: removed by this slice */
	bool more;        /* out */
};
int apply_remove_run(struct store_job *job, struct store_txn *txn);

/* What is kept for how long, in seconds; INT64_MAX: for ever. */
struct store_retention {
	int64_t tombstones_s, changes_s, rejects_s;
};
/* Drops what is older, and the oldest `changes_over` changes whatever their age.
 * Where there is `more`, the next job gets `changes_left` and `tombstones_next`
 * for `changes_over` and `tombstones_from`, which begins at 1. */
struct apply_retention {
	struct store_job job;
	uint32_t tenant;
	struct store_retention retention;
	uint64_t changes_over, tombstones_from;
	int64_t now;
	uint64_t dropped;                       /* out: rows of this slice */
	bool more;                              /* out */
	uint64_t changes_left, tombstones_next; /* out */
};
int apply_retention_run(struct store_job *job, struct store_txn *txn);
