/* Lists whose rows the store has ready: changes, rejects, tombstones, missing. */
#include "base/json.h"
#include "query/query_state.h"
#include "query/value.h"

static void put(struct buf *out, struct slice value)
{
	if (value.p)
		buf_add(out, value.p, value.n);
	else
		json_null(out);
}

/* A missing device is told by name: its mark only has its id. */
static int add_device(void *arg, const struct store_device *d)
{
	struct query *q = arg;
	buf_reset(&q->row);
	int rc = record_expand(&q->row, q->tenant.name, d->id, d->stable);
	if (rc)
		return rc;
	struct slice record = buf_slice(&q->row);
	json_k(q->rows, "device");
	json_open(q->rows, '{');
	json_k(q->rows, "name");
	put(q->rows, value_at(record, "identity.display_name|identity.computer_name|identity.hostname"));
	json_k(q->rows, "serial");
	put(q->rows, value_at(record, "identity.serial"));
	json_k(q->rows, "owner");
	put(q->rows, value_at(record, "owner.email"));
	json_close(q->rows, '}');
	return OK;
}

static int add_row(void *arg, uint64_t key, struct slice json)
{
	struct query *q = arg;
	q->from = q->request.kind == QUERY_CHANGES ? key : key + 1;
	buf_add(q->rows, json.p, json.n);
	return query_row_end(q);
}

static int note_mark(void *arg, uint64_t id, struct slice json)
{
	struct query *q = arg;
	q->marks[q->mark_count] = (struct query_mark){ id, (uint32_t)json.n };
	q->from = id + 1;
	buf_add(&q->row, json.p, json.n);
	return q->row.failed ? q->row.failed : ++q->mark_count == QUERY_MARKS ? QUERY_FULL : OK;
}

/* Marks are read first and their devices afterwards: a read of the store must
 * not be begun inside another. */
static int add_missing(struct query *q)
{
	struct buf marks = q->row;
	size_t at = 0;
	int rc = OK;
	buf_init(&q->row, QUERY_ROW_MAX);
	for (size_t i = 0; i < q->mark_count && rc >= OK; i++) {
		buf_add(q->rows, marks.data + at, q->marks[i].bytes - 1);
		at += q->marks[i].bytes;
		rc = store_device(q->store, q->tenant.number, q->marks[i].id, add_device, q);
		json_close(q->rows, '}');
		if (rc == OK || rc == E_NOT_FOUND)
			rc = query_row_end(q);
	}
	buf_release(&q->row);
	q->row = marks;
	return rc;
}

static int missing_slice(struct query *q)
{
	buf_reset(&q->row);
	q->mark_count = 0;
	int read = store_rows(q->store, q->tenant.number, ROWS_MISSING, q->from, note_mark, q);
	int rc = read < OK ? read : add_missing(q);
	return rc < OK ? rc : read;
}

int query_rows_slice(struct query *q, struct err *e)
{
	static const enum store_rows rows[QUERY_KINDS] = {
		[QUERY_CHANGES] = ROWS_CHANGES,
		[QUERY_REJECTS] = ROWS_REJECTS,
		[QUERY_TOMBSTONES] = ROWS_TOMBSTONES,
	};
	int rc = q->request.kind == QUERY_MISSING
			 ? missing_slice(q)
			 : store_rows(q->store, q->tenant.number, rows[q->request.kind], q->from, add_row, q);
	q->ended = rc == OK || (rc == QUERY_FULL && q->from == 0);
	return query_failed(q, rc == QUERY_FULL ? OK : rc, e, "reading the list");
}
