/* The inside of a query, shared by the files query*.c. */
#pragma once

#include "model/policy_table.h"
#include "model/record.h"
#include "query/query.h"
#include "query/summary.h"
#include "query/tenant_names.h"

/* A callback's answer that ends a read of the store: the slice is full. */
enum { QUERY_FULL = 1, QUERY_ROW_MAX = 16 << 20 };

struct query_ids {
	uint64_t *items;
	size_t count, cap, at;
};

/* A missing device's mark, its JSON is in q->row. */
enum { QUERY_MARKS = 256 };
struct query_mark {
	uint64_t id;
	uint32_t bytes;
};

struct query {
	struct query_request request;
	struct store *store;
	struct tenant_row tenant; /* of kinds of one tenant; else the one at hand */
	struct record_now now;
	struct buf scratch, row;
	bool ended;

	/* of the slice under way */
	struct buf *rows;
	size_t full_at;

	/* where the next slice begins */
	struct tenant_names names;
	size_t name_at;
	uint64_t from;
	bool by_index; /* ids hold what the index found */
	struct query_ids ids;
	unsigned key; /* DEVICE: which of a device's names is compared */
	uint64_t found;
	struct query_mark marks[QUERY_MARKS];
	size_t mark_count;
	struct policy_table policies;
	struct summary summary, sum;
	bool counting;
	uint64_t tenants, devices, findings;
};

/* One slice of a kind: sets q->ended when there is nothing more. OK or an error
 * with its sentence. */
int query_devices_slice(struct query *q, struct err *e);
int query_device_slice(struct query *q, struct err *e);
int query_rows_slice(struct query *q, struct err *e);
int query_tenants_slice(struct query *q, struct err *e);
int query_summary_slice(struct query *q, struct err *e);
int query_held_slice(struct query *q, struct err *e);
int query_verify_slice(struct query *q, struct err *e);

/* Ends the row that was written into q->rows: OK, QUERY_FULL, or its failure. */
int query_row_end(struct query *q);
/* The settings by which "now" is computed for q->tenant. */
void query_now(struct query *q);
/* Fills `e` for a code that came without a sentence; answers `rc`. */
int query_failed(struct query *q, int rc, struct err *e, const char *doing);
