#include "store/apply.h"

#include "store/detail_row.h"
#include "store/device.h"

enum { STEP_ROWS = 2000 };

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
	if ((rc = detail_row_get(t, tenant, host->id, job->now, &row)))
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

/* ---- the end of a round ---- */

static bool was_listed(const struct apply_encryption_end *job, uint64_t team)
{
	uint32_t low = 0, high = job->team_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (job->teams[middle] < team)
			low = middle + 1;
		else
			high = middle;
	}
	return low < job->team_count && job->teams[low] == team;
}

/* Whether the lists had to name the host: it is there, of one of their teams. */
static int in_a_team(struct store_txn *t, const struct apply_encryption_end *job, struct tenant *tenant,
		     uint64_t id, bool *yes)
{
	struct device_work w = { .now = job->begun_at };
	struct record_peek peek;
	struct row_key k;
	MDB_val value;
	*yes = false;
	int rc = txn_get(t, DB_MISSING, row_key(&k, tenant->now.row.number, id), &value);
	if (rc != E_NOT_FOUND)
		return rc;
	if ((rc = device_find(t, &w, tenant, id)) || !w.known)
		return rc;
	if ((rc = record_peek(&peek, w.old_stable, &t->old_text)))
		return err_set(&t->err, rc, "reading the device %llu of \"%s\" failed: %s",
			       (unsigned long long)id, tenant->now.row.name, err_meaning(rc));
	*yes = was_listed(job, peek.team_id > 0 ? (uint64_t)peek.team_id : 0);
	return OK;
}

static int note_none(struct store_txn *t, const struct apply_encryption_end *job, struct tenant *tenant,
		     uint64_t id, struct detail_row *row)
{
	struct detail_facts *facts = &row->facts;
	bool by_list = facts->listed_at > facts->fetched_at, listed;
	struct slice word = by_list ? facts->listed_disk_encryption : facts->os_settings_disk_encryption;
	if (!word.p || facts->listed_at >= job->begun_at || facts->fetched_at >= job->begun_at)
		return OK;
	int rc = in_a_team(t, job, tenant, id, &listed);
	if (rc || !listed)
		return rc;
	facts->listed_at = job->begun_at;
	facts->listed_disk_encryption = SLICE_NONE;
	return detail_row_put(t, tenant, id, row);
}

/* The detail's word counts again, unless a list has since said another one. */
static int drop_listed(struct store_txn *t, struct tenant *tenant, uint64_t id, struct detail_row *row)
{
	struct detail_facts *facts = &row->facts;
	if (!facts->listed_disk_encryption.p)
		return OK;
	if (facts->listed_at <= facts->fetched_at ||
	    slice_eq(facts->listed_disk_encryption, facts->os_settings_disk_encryption))
		facts->listed_at = 0;
	facts->listed_disk_encryption = SLICE_NONE;
	return detail_row_put(t, tenant, id, row);
}

static int one_step(struct store_txn *t, struct apply_encryption_end *job, struct tenant *tenant)
{
	struct detail_row row;
	for (int i = 0; i < STEP_ROWS; i++) {
		uint64_t id = job->next;
		int rc = detail_row_next(t, tenant, &id, job->begun_at, &row);
		if (rc)
			return rc == E_NOT_FOUND ? OK : rc;
		rc = job->round == ENCRYPTION_ROUND_COMPLETE ? note_none(t, job, tenant, id, &row)
							     : drop_listed(t, tenant, id, &row);
		if (rc || id == UINT64_MAX)
			return rc;
		job->next = id + 1;
	}
	job->more = true;
	return OK;
}

int apply_encryption_end_run(struct store_job *base, struct store_txn *t)
{
	struct apply_encryption_end *job = (struct apply_encryption_end *)base;
	uint64_t writes_before = t->writes;
	struct tenant *tenant;
	job->more = false;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (!rc && job->round != ENCRYPTION_ROUND_FAILED)
		rc = one_step(t, job, tenant);
	if (rc)
		return rc;
	if (job->more) {
		txn_tenant_settle(t, tenant, writes_before);
		return OK;
	}
	struct tenant_row *row = &tenant->now.row;
	row->encryption_tried_at = job->round == ENCRYPTION_ROUND_NEEDLESS ? 0 : job->begun_at;
	if (job->round != ENCRYPTION_ROUND_FAILED)
		row->encryption_at = row->encryption_tried_at;
	tenant->dirty = true;
	return OK;
}
