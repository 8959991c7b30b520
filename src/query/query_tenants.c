/* Lists of tenants: their rows, their devices counted, what is held of them; and
 * the store's own check. */
#include "base/json.h"
#include "query/query_state.h"
#include "query/tenant_json.h"

/* Devices counted in one slice. */
enum { COUNT_SLICE = 20000 };

/* The next tenant into q->tenant; E_NOT_FOUND behind the last. */
static int next_tenant(struct query *q, struct err *e)
{
	if (q->request.tenant) {
		if (q->name_at++)
			return E_NOT_FOUND;
		return OK;
	}
	while (q->name_at < q->names.count) {
		int rc = store_tenant_by_name(q->store, q->names.items[q->name_at++], &q->tenant);
		if (rc != E_NOT_FOUND) /* else removed since the names were read */
			return query_failed(q, rc, e, "reading a tenant");
	}
	return E_NOT_FOUND;
}

int query_tenants_slice(struct query *q, struct err *e)
{
	int rc;
	while (!(rc = next_tenant(q, e))) {
		tenant_json(q->rows, &q->tenant);
		if ((rc = query_row_end(q)))
			break;
	}
	q->ended = rc == E_NOT_FOUND;
	return rc == E_NOT_FOUND || rc == QUERY_FULL ? OK : query_failed(q, rc, e, "listing the tenants");
}

static int count_device(void *arg, const struct store_device *d)
{
	struct query *q = arg;
	q->from = d->id + 1;
	buf_reset(&q->row);
	int rc = record_join(&q->row, q->tenant.name, d->id, d->stable, d->packed.p, d->packed.n, &q->now);
	if (rc)
		return rc;
	summary_count(&q->summary, buf_slice(&q->row));
	return ++q->devices % COUNT_SLICE == 0 ? QUERY_FULL : OK;
}

int query_summary_slice(struct query *q, struct err *e)
{
	int rc = OK;
	if (!q->counting) {
		rc = next_tenant(q, e);
		if (rc) {
			q->ended = rc == E_NOT_FOUND;
			return q->ended ? OK : rc;
		}
		query_now(q);
		q->from = 0;
		q->counting = true;
		q->summary = (struct summary){ .missing = q->tenant.missing,
					       .held = q->tenant.hold ? q->tenant.hold_count : 0 };
	}
	rc = store_devices(q->store, q->tenant.number, q->from, count_device, q);
	if (rc == QUERY_FULL)
		return OK;
	if (!rc) {
		q->counting = false;
		summary_add(&q->sum, &q->summary);
		summary_json(q->rows, &q->summary, &q->tenant);
		rc = query_row_end(q);
	}
	return query_failed(q, rc == QUERY_FULL ? OK : rc, e, "counting the devices");
}

static void held_row(struct query *q)
{
	const struct tenant_row *row = &q->tenant;
	json_open(q->rows, '{');
	json_k(q->rows, "tenant");
	json_text(q->rows, slice_of(row->name));
	json_k(q->rows, "missing");
	json_int(q->rows, (int64_t)row->missing);
	json_k(q->rows, "deletions");
	json_text(q->rows, row->hold == HOLD_NONE ? SLICE("open") : SLICE("held"));
	tenant_json_hold(q->rows, row);
	json_k(q->rows, "deleted_24h");
	json_int(q->rows, (int64_t)tenant_row_deleted_24h(row, q->request.now));
	json_close(q->rows, '}');
}

int query_held_slice(struct query *q, struct err *e)
{
	int rc;
	while (!(rc = next_tenant(q, e))) {
		if (!q->tenant.missing && q->tenant.hold == HOLD_NONE)
			continue;
		held_row(q);
		if ((rc = query_row_end(q)))
			break;
	}
	q->ended = rc == E_NOT_FOUND;
	return rc == E_NOT_FOUND || rc == QUERY_FULL ? OK : query_failed(q, rc, e, "listing the deletions");
}

static void finding(void *arg, const char *text)
{
	struct query *q = arg;
	q->findings++;
	json_open(q->rows, '{');
	json_k(q->rows, "finding");
	json_text(q->rows, slice_of(text));
	json_close(q->rows, '}');
	buf_putc(q->rows, '\n');
}

static int census(void *arg, const struct tenant_row *row)
{
	struct query *q = arg;
	q->tenants++;
	q->devices += row->devices;
	return OK;
}

/* All findings in one slice: the store is checked as it is at one moment. */
int query_verify_slice(struct query *q, struct err *e)
{
	int rc = store_verify(q->store, finding, q);
	if (rc == E_CORRUPT && q->findings)
		rc = OK;
	if (!rc && !q->findings)
		rc = store_tenants(q->store, census, q);
	if (!rc)
		rc = q->rows->failed;
	q->ended = true;
	return query_failed(q, rc, e, "verifying the store");
}
