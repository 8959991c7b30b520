#include "query/query.h"

#include "base/json.h"
#include "base/mem.h"
#include "query/query_state.h"
#include "query/tenant_json.h"

static const struct {
	bool one_tenant;
	int (*slice)(struct query *q, struct err *e);
} kinds[QUERY_KINDS] = {
	[QUERY_TENANTS] = { false, query_tenants_slice }, [QUERY_SUMMARY] = { false, query_summary_slice },
	[QUERY_DEVICES] = { true, query_devices_slice },  [QUERY_DEVICE] = { true, query_device_slice },
	[QUERY_CHANGES] = { true, query_rows_slice },     [QUERY_HELD] = { false, query_held_slice },
	[QUERY_MISSING] = { true, query_rows_slice },     [QUERY_REJECTS] = { true, query_rows_slice },
	[QUERY_TOMBSTONES] = { true, query_rows_slice },  [QUERY_VERIFY] = { false, query_verify_slice },
};

void query_now(struct query *q)
{
	int64_t asked = q->request.stale_after_s, set = q->tenant.stale_after_s;
	q->now = (struct record_now){ q->request.now, asked ? asked : set ? set : STALE_AFTER_STANDARD_S };
}

int query_failed(struct query *q, int rc, struct err *e, const char *doing)
{
	(void)q;
	if (rc && e->code != rc)
		err_set(e, rc, "%s failed: %s", doing, err_meaning(rc));
	return rc;
}

int query_row_end(struct query *q)
{
	buf_putc(q->rows, '\n');
	if (q->rows->failed)
		return q->rows->failed;
	return q->rows->len >= q->full_at ? QUERY_FULL : OK;
}

static int prepare(struct query *q, struct err *e)
{
	const struct query_request *r = &q->request;
	int rc = OK;
	if (!buf_reserve(&q->scratch, DEVICE_FILTER_SCRATCH))
		return err_set(e, E_NOMEM, "out of memory");
	if (r->tenant) {
		rc = tenant_named(q->store, r->tenant, &q->tenant, e);
		q->request.tenant = q->tenant.name;
		query_now(q);
	} else if (kinds[r->kind].one_tenant) {
		rc = err_set(e, E_CONFIG, "no tenant was named");
	} else if (r->kind != QUERY_VERIFY) {
		rc = tenant_names_read(&q->names, q->store, e);
	}
	if (!rc && r->kind == QUERY_DEVICE)
		rc = query_failed(q, store_policies(q->store, q->tenant.number, &q->policies), e,
				  "reading the policies");
	return rc;
}

int query_new(struct query **out, struct store *s, const struct query_request *r, struct err *e)
{
	struct query *q = mem_zalloc(sizeof(*q));
	*out = NULL;
	if (!q)
		return err_set(e, E_NOMEM, "out of memory");
	q->request = *r;
	q->store = s;
	q->from = r->kind == QUERY_CHANGES ? r->since : 0;
	buf_init(&q->scratch, DEVICE_FILTER_SCRATCH);
	buf_init(&q->row, QUERY_ROW_MAX);
	policy_table_init(&q->policies);
	int rc = prepare(q, e);
	if (rc) {
		query_free(q);
		return rc;
	}
	*out = q;
	return OK;
}

void query_free(struct query *q)
{
	if (!q)
		return;
	buf_release(&q->scratch);
	buf_release(&q->row);
	tenant_names_release(&q->names);
	policy_table_release(&q->policies);
	mem_free(q->ids.items);
	mem_free(q);
}

int query_slice(struct query *q, struct buf *rows, size_t bytes, bool *more, struct err *e)
{
	q->rows = rows;
	q->full_at = rows->len + bytes;
	size_t before = rows->len;
	int rc = kinds[q->request.kind].slice(q, e);
	/* a row that failed half-way */
	while (rc && rows->len > before && rows->data[rows->len - 1] != '\n')
		rows->len--;
	*more = !rc && !q->ended;
	return rc;
}

static void number(struct buf *out, const char *key, uint64_t v)
{
	json_key(out, key, strlen(key));
	json_int(out, (int64_t)v);
}

void query_end(const struct query *q, struct buf *out)
{
	if (kinds[q->request.kind].one_tenant) {
		json_k(out, "tenant");
		tenant_json(out, &q->tenant);
	} else if (q->request.kind == QUERY_VERIFY) {
		number(out, "tenants", q->tenants);
		number(out, "devices", q->devices);
		number(out, "findings", q->findings);
	} else {
		number(out, "tenants", q->request.tenant ? 1 : q->names.count);
	}
	if (q->request.kind == QUERY_SUMMARY && q->names.count > 1) {
		json_k(out, "all");
		summary_json(out, &q->sum, NULL);
	}
}
