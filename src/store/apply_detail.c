#include "store/apply.h"

#include "store/detail_row.h"
#include "store/device.h"

/* What the filtered lists said stays beside what the detail says now. */
static int derive_anew(struct store_txn *t, struct apply_detail *job, struct device_work *w,
		       struct detail_row *row)
{
	struct host *host = job->page->elements[0].host;
	struct slice listed = row->facts.listed_disk_encryption;
	int64_t listed_at = row->facts.listed_at;
	detail_facts_of(&row->facts, host, job->now);
	row->facts.listed_disk_encryption = listed;
	row->facts.listed_at = listed_at;
	row->head.fetched_at = job->now;
	int rc = detail_row_put(t, w->tenant, w->id, row);
	if (!rc)
		rc = device_policies(t, w->tenant, job->page);
	if (!rc)
		rc = device_derive(t, w, host, &row->facts, true);
	if (rc)
		return rc;
	w->head.list_at = w->old_head.list_at;
	return device_put(t, w, &job->changed);
}

static int arrived(struct store_txn *t, struct apply_detail *job, struct device_work *w)
{
	const struct page_element *element = job->page && job->page->count == 1 ? job->page->elements : NULL;
	struct detail_row row;
	int rc = detail_row_get(t, w->tenant, w->id, job->now, &row);
	if (rc)
		return rc;
	row.head.tried_at = job->now;
	/* A machine that took the id over is the next walk's to tell. */
	if (element && element->host && element->id == job->id && !device_is_another(w, element->host))
		return derive_anew(t, job, w, &row);
	return detail_row_put(t, w->tenant, w->id, &row);
}

int apply_detail_run(struct store_job *base, struct store_txn *t)
{
	struct apply_detail *job = (struct apply_detail *)base;
	uint64_t writes_before = t->writes;
	struct tenant *tenant;
	struct device_work w = { .settings = job->settings, .now = job->now };
	job->changed = false;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (!rc)
		rc = device_find(t, &w, tenant, job->id);
	if (!rc && w.known)
		rc = arrived(t, job, &w);
	if (rc)
		return rc;
	if (job->cursor && tenant->now.row.details_cursor != job->cursor) {
		tenant->now.row.details_cursor = job->cursor;
		tenant->dirty = true;
	}
	txn_tenant_settle(t, tenant, writes_before);
	return OK;
}
