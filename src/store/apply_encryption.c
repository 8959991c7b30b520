#include "store/apply.h"

#include "store/detail_row.h"
#include "store/device.h"

static int one_listed(struct store_txn *t, struct apply_encryption *job, struct tenant *tenant,
		      struct host *host)
{
	struct device_work w = { .settings = job->settings, .now = job->now };
	struct detail_row row;
	bool changed;
	int rc = device_find(t, &w, tenant, host->id);
	/* A machine that is new or took the id over is the next walk's to tell. */
	if (rc || !w.known || device_is_another(&w, host))
		return rc;
	if ((rc = detail_row_get(t, tenant, host->id, &row)))
		return rc;
	row.facts.listed_disk_encryption = slice_of(job->word);
	row.facts.listed_at = job->now;
	if ((rc = detail_row_put(t, tenant, host->id, &row)) ||
	    (rc = device_derive(t, &w, host, &row.facts, false)) || (rc = device_put(t, &w, &changed)))
		return rc;
	job->changed += changed;
	return OK;
}

int apply_encryption_run(struct store_job *base, struct store_txn *t)
{
	struct apply_encryption *job = (struct apply_encryption *)base;
	uint64_t writes_before = t->writes;
	struct tenant *tenant;
	job->changed = 0;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (!rc)
		rc = device_policies(t, tenant, job->page);
	for (uint32_t i = 0; i < job->page->count && !rc; i++)
		if (job->page->elements[i].host)
			rc = one_listed(t, job, tenant, job->page->elements[i].host);
	if (!rc)
		txn_tenant_settle(t, tenant, writes_before);
	return rc;
}

int apply_encryption_end_run(struct store_job *base, struct store_txn *t)
{
	struct apply_encryption_end *job = (struct apply_encryption_end *)base;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	tenant->now.row.encryption_at = job->begun_at;
	tenant->dirty = true;
	return OK;
}
