/* A tenant as the writer knows it: the public row and what only the store
 * needs, and the stored form of both. The writer keeps every tenant in memory
 * for as long as the store is open; a walk that changes nothing moves its
 * cursor there only, and the row is written when it is 50,000 hosts or 30 s
 * behind, with the next real change, or when the store is closed. */
#pragma once

#include "base/buf.h"
#include "model/policy_table.h"
#include "store/schema.h"
#include "store/store.h"

enum { TENANT_LAG_HOSTS = 50000, TENANT_LAG_S = 30, TENANT_NUMBER_MAX = 1 << 24 };

struct tenant_state {
	struct tenant_row row;
	uint64_t completed_walk; /* number of the last walk that completed; 0: none */
	uint64_t details;        /* rows of the details database */
	uint64_t tombstones;
	uint64_t reject_first, reject_next; /* numbers of the rejects kept: [first, next) */
	uint64_t index_upto;                /* the build has put in all devices up to this id */
	uint64_t index_reach;               /* and may have put in some up to this one */
};

struct tenant {
	struct tenant_state now;
	struct tenant_state before; /* as it was when this transaction first touched it */
	bool touched;               /* `before` is filled */
	bool fresh;                 /* created by this transaction */
	bool removed;               /* by this transaction */
	bool dirty;                 /* the row is to be written with this transaction */
	bool lagging;               /* `now` is ahead of the stored row */
	uint64_t written_hosts;     /* walk_hosts and walk_touched_at of the stored row */
	int64_t written_at;
	struct policy_table policies;
	bool policies_loaded;
};

void tenant_free(struct tenant *tenant);
/* Appends the stored form. */
void tenant_state_write(struct buf *out, const struct tenant_state *t);
/* E_CORRUPT when it is not one. */
int tenant_state_read(struct tenant_state *t, struct slice name, struct slice value);

/* Notes `n` deletions at `now` in the ring the guard reads. */
void tenant_count_deletion(struct tenant_row *row, int64_t now);
