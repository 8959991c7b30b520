/* The jobs that change a tenant's records: each is one struct whose first
 * member is the store_job; fill the inputs, set job.run to the function named,
 * submit. All of a job's effects (devices, volatile parts, details, indexes,
 * change events, missing marks, the walk's cursor) are in one transaction
 * (invariant 8). Inputs are borrowed until done(). */
#pragma once

#include "model/derive.h"
#include "store/writer.h"

/* Creates the tenant's row when it is new and fills `row`. */
struct apply_tenant {
	struct store_job job;
	const char *name, *url;
	int64_t stale_after_s; /* 0: as it is */
	int64_t now;
	struct tenant_row row; /* out */
};
int apply_tenant_run(struct store_job *job, struct store_txn *txn);

/* Begins a walk: the next walk number, cursor 0, fingerprint; or goes on with
 * the one under way when `resume` (the caller has compared fingerprint and age). */
struct apply_walk_begin {
	struct store_job job;
	uint32_t tenant;
	bool resume;
	enum walk_mode mode;
	const char *fingerprint;
	const char *server_version, *role, *tier;
	int64_t now;
	struct tenant_row row; /* out */
};
int apply_walk_begin_run(struct store_job *job, struct store_txn *txn);

struct apply_counts {
	uint64_t created, changed, unchanged, volatile_only, revived, rejected, marked_missing, returned;
	uint64_t replaced; /* deleted because another machine has the id now; it counts as created too */
};

/* One proven page: a merge of its elements with the stored devices of the
 * interval (after, last], or (after, infinity) when `end`. In both: compared,
 * rewritten only when bytes differ. In the page only: created (no event during
 * the first walk), revived when there is a tombstone with the same created_at.
 * Stored only: marked missing with the walk's number, unless the page has a
 * rejected element without an id. The same id with another created_at is
 * another machine: deleted + created. Then cursor = last, walk_hosts += count.
 * `after` must be the walk's cursor (E_CONFLICT): a page behind one that failed
 * would skip that one's hosts.
 * When nothing changed, the cursor may be kept in memory and written with a
 * later job (at most 50,000 hosts or 30 s behind), so that a quiet walk writes
 * next to nothing. */
struct apply_page {
	struct store_job job;
	uint32_t tenant;
	uint64_t walk, after, last;
	bool end;
	struct page *page;
	const struct derive_settings *settings;
	int64_t now;
	bool guarded;               /* a replacement beyond deleted_max fails the page with E_HELD */
	uint64_t deleted_max;       /* deletions within 24 h, those before included */
	struct apply_counts counts; /* out */
};
int apply_page_run(struct store_job *job, struct store_txn *txn);

/* The walk is proven complete. Marks of other walks that were not confirmed
 * again lose their meaning; `missing` counts those that count now. On the first walk:
 * the baseline event, and the indexes (the caller submits apply_index until `more` is false,
 * before this). */
struct apply_walk_end {
	struct store_job job;
	uint32_t tenant;
	uint64_t walk;
	int64_t now;
	uint64_t missing;      /* out: marks of this walk (twice-confirmed in WALK_PAGES mode) */
	struct tenant_row row; /* out */
};
int apply_walk_end_run(struct store_job *job, struct store_txn *txn);

/* Builds the indexes of a first walk, a step at a time: runs of devices are
 * sorted in memory (at most 8 MiB) and put in over several steps. Submit it,
 * each time after the one before was answered, until `more` is false; where the
 * build stands is kept by the store, so after a restart, a rollback or a change
 * by another job it goes on by itself. */
struct apply_index {
	struct store_job job;
	uint32_t tenant;
	bool early;    /* the walk still goes on: only a run that is full */
	uint64_t next; /* out: devices up to this id are in, for progress */
	bool more;     /* out; of an early build: the run is not in yet */
};
int apply_index_run(struct store_job *job, struct store_txn *txn);

/* The answer for one host that was marked missing. */
enum sweep_verdict { SWEEP_GONE, SWEEP_OUT_OF_SCOPE, SWEEP_PRESENT };
struct apply_sweep {
	struct store_job job;
	uint32_t tenant;
	uint64_t walk, id;
	enum sweep_verdict verdict;
	int64_t now;
};
int apply_sweep_run(struct store_job *job, struct store_txn *txn);

/* Sets or clears (reason HOLD_NONE) the hold. A hold keeps its `since` while
 * its reason stays. */
struct apply_hold {
	struct store_job job;
	uint32_t tenant;
	enum store_hold_reason reason;
	uint64_t count;
	int64_t now;
};
int apply_hold_run(struct store_job *job, struct store_txn *txn);

/* A detail that arrived: its facts are stored, the device derived anew from it.
 * page == NULL: only noted as tried (a detail that failed is not asked for
 * again within its day). A host that is not in the store is left alone. */
struct apply_detail {
	struct store_job job;
	uint32_t tenant;
	uint64_t id;
	struct page *page;
	const struct derive_settings *settings;
	int64_t now;
	uint64_t cursor; /* the row's details_cursor from now on; 0: as it is */
	bool changed;    /* out */
};
int apply_detail_run(struct store_job *job, struct store_txn *txn);

/* A page of the list filtered by a word of os_settings_disk_encryption, its
 * elements as the walk lists them: the word is kept beside the facts of each
 * one's detail, the device derived anew. Hosts that are not in the store are
 * left alone, nothing is marked missing, no cursor moves. */
struct apply_encryption {
	struct store_job job;
	uint32_t tenant;
	struct page *page;
	const char *word;
	const struct derive_settings *settings;
	int64_t now;
	uint64_t changed; /* out */
};
int apply_encryption_run(struct store_job *job, struct store_txn *txn);

/* The end of a round of such lists that began at `begun_at`.
 * Complete: all lists of `teams` (0: the hosts of none) were read to their ends.
 * A host of theirs of which neither list nor detail has spoken since the round
 * began stands in none of them: that is noted beside its detail, where a word
 * of before would be believed otherwise, and the next walk derives it. It is
 * noted host by host, because only so are the hosts of other teams, and those
 * that change the team later, left as they are; a quiet round writes nothing.
 * Hosts that are missing are left alone too.
 * Failed: only that it was tried. Needless: the walk tells it now, or nobody
 * does; what lists said before is history, and no round is remembered.
 * A step at a time: submit it, each time after the one before was answered,
 * until `more` is false. */
enum encryption_round { ENCRYPTION_ROUND_COMPLETE, ENCRYPTION_ROUND_FAILED, ENCRYPTION_ROUND_NEEDLESS };
struct apply_encryption_end {
	struct store_job job;
	uint32_t tenant;
	enum encryption_round round;
	int64_t begun_at;
	const uint64_t *teams; /* ascending */
	uint32_t team_count;
	uint64_t next; /* 0 at first; where the next step goes on */
	bool more;     /* out */
};
int apply_encryption_end_run(struct store_job *job, struct store_txn *txn);

/* How a sync ended. */
struct apply_sync_end {
	struct store_job job;
	uint32_t tenant;
	int64_t begun_at, now;
	int result;
	const char *text;
};
int apply_sync_end_run(struct store_job *job, struct store_txn *txn);
