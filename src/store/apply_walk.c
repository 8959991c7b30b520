#include "store/apply.h"

#include "store/feed.h"
#include "store/missing.h"

#include <stdio.h>

/* Cuts what does not fit; NULL leaves the field as it is. */
static void set_text(char *field, size_t size, const char *text)
{
	if (text)
		snprintf(field, size, "%s", text);
}

#define SET_TEXT(field, text) set_text(field, sizeof(field), text)

int apply_tenant_run(struct store_job *base, struct store_txn *t)
{
	struct apply_tenant *job = (struct apply_tenant *)base;
	struct tenant *tenant;
	int rc = txn_tenant_named(t, job->name, &tenant);
	if (rc == E_NOT_FOUND)
		rc = txn_tenant_new(t, job->name, &tenant);
	if (rc)
		return rc;
	if (tenant->now.row.removing)
		return err_set(
			&t->err, E_CONFLICT,
			"the tenant \"%s\" is being removed and that was cut off: start the daemon, which "
			"finishes it, or choose another name",
			job->name);
	if (job->url && strcmp(tenant->now.row.url, job->url) != 0) {
		SET_TEXT(tenant->now.row.url, job->url);
		tenant->dirty = true;
	}
	if (job->stale_after_s && tenant->now.row.stale_after_s != job->stale_after_s) {
		tenant->now.row.stale_after_s = job->stale_after_s;
		tenant->dirty = true;
	}
	job->row = tenant->now.row;
	return OK;
}

int apply_walk_begin_run(struct store_job *base, struct store_txn *t)
{
	struct apply_walk_begin *job = (struct apply_walk_begin *)base;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	struct tenant_row *row = &tenant->now.row;
	if (job->fingerprint && strlen(job->fingerprint) >= STORE_FINGERPRINT_MAX)
		return err_set(&t->err, E_LIMIT,
			       "the fingerprint of a walk of \"%s\" is longer than %d bytes", row->name,
			       STORE_FINGERPRINT_MAX - 1);
	if (!job->resume || !row->walking) {
		row->walk++;
		row->walking = true;
		row->mode = job->mode;
		row->cursor = 0;
		row->walk_hosts = 0;
		row->walk_begun_at = job->now;
		SET_TEXT(row->fingerprint, job->fingerprint);
	}
	row->walk_touched_at = job->now;
	SET_TEXT(row->server_version, job->server_version);
	SET_TEXT(row->role, job->role);
	SET_TEXT(row->tier, job->tier);
	tenant->dirty = true;
	job->row = *row;
	return OK;
}

int apply_walk_end_run(struct store_job *base, struct store_txn *t)
{
	struct apply_walk_end *job = (struct apply_walk_end *)base;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	struct tenant_row *row = &tenant->now.row;
	if (!row->walking || row->walk != job->walk)
		return err_set(&t->err, E_CONFLICT, "walk %llu of \"%s\" is not under way; begin a new one",
			       (unsigned long long)job->walk, row->name);
	rc = missing_settle(t, tenant, job->walk, row->mode == WALK_PAGES, &job->missing);
	if (rc)
		return rc;
	if (!row->baseline) {
		if ((rc = feed_baseline(t, tenant, job->now)))
			return rc;
		row->baseline = true;
	}
	row->walking = false;
	row->walk_touched_at = row->walk_completed_at = job->now;
	tenant->now.completed_walk = job->walk;
	tenant->dirty = true;
	job->row = *row;
	return OK;
}

int apply_hold_run(struct store_job *base, struct store_txn *t)
{
	struct apply_hold *job = (struct apply_hold *)base;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	struct tenant_row *row = &tenant->now.row;
	if (row->hold == job->reason && row->hold_count == job->count)
		return OK;
	if (job->reason == HOLD_NONE)
		row->hold_since = 0;
	else if (row->hold != job->reason)
		row->hold_since = job->now;
	row->hold = job->reason;
	row->hold_count = job->reason == HOLD_NONE ? 0 : job->count;
	tenant->dirty = true;
	return OK;
}

int apply_sync_end_run(struct store_job *base, struct store_txn *t)
{
	struct apply_sync_end *job = (struct apply_sync_end *)base;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	struct tenant_row *row = &tenant->now.row;
	row->sync_begun_at = job->begun_at;
	row->sync_ended_at = job->now;
	row->sync_result = job->result;
	if (job->result == OK)
		row->sync_ok_at = job->now;
	SET_TEXT(row->sync_text, job->text ? job->text : "");
	tenant->dirty = true;
	return OK;
}
