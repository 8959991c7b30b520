#include "store/apply.h"

#include "model/detail_codec.h"
#include "store/device.h"

/* What the details database says of the host: its head, and the packed facts
 * as they are when the detail failed this time. */
static int stored_head(struct store_txn *t, MDB_val key, struct detail_head *head, struct slice *packed,
		       bool *is)
{
	MDB_val value;
	int rc = txn_get(t, DB_DETAILS, key, &value);
	*head = (struct detail_head){ 0 };
	*packed = SLICE_NONE;
	*is = !rc;
	if (rc)
		return rc == E_NOT_FOUND ? OK : rc;
	detail_head_get(value, head, packed);
	return OK;
}

static int put_detail(struct store_txn *t, const struct apply_detail *job, struct tenant *tenant,
		      const struct detail_facts *facts)
{
	static const char room[DETAIL_HEAD_BYTES];
	struct row_key k;
	MDB_val key = row_key(&k, job->tenant, job->id);
	struct detail_head head;
	struct slice packed;
	bool is;
	int rc = stored_head(t, key, &head, &packed, &is);
	if (rc)
		return rc;
	buf_reset(&t->event);
	buf_add(&t->event, room, sizeof(room));
	if (facts) {
		head.fetched_at = job->now;
		rc = detail_pack(&t->event, facts);
	} else {
		buf_add(&t->event, packed.p, packed.n);
	}
	if (!rc)
		rc = t->event.failed;
	if (rc)
		return err_set(&t->err, rc, "keeping the detail of host %llu of \"%s\" failed: %s",
			       (unsigned long long)job->id, tenant->now.row.name, err_meaning(rc));
	head.tried_at = job->now;
	detail_head_put((unsigned char *)t->event.data, &head);
	rc = txn_put(t, DB_DETAILS, key, (MDB_val){ t->event.len, t->event.data });
	if (!rc && !is)
		tenant->now.details++;
	return rc;
}

static int put_rows(struct store_txn *t, struct device_work *w, bool stable_differs)
{
	struct row_key k;
	MDB_val key = row_key(&k, w->tenant->now.row.number, w->id), value;
	int rc = txn_get(t, DB_VOLATILE, key, &value);
	if (rc && rc != E_NOT_FOUND)
		return rc;
	if (rc || value.mv_size != w->packed_n || memcmp(value.mv_data, w->packed, w->packed_n) != 0)
		rc = txn_put(t, DB_VOLATILE, key, (MDB_val){ w->packed_n, w->packed });
	if (!rc && stable_differs)
		rc = txn_put(t, DB_DEVICES, key, device_value(t, w));
	return rc;
}

static int derive_anew(struct store_txn *t, struct apply_detail *job, struct device_work *w)
{
	struct host *host = job->page->elements[0].host;
	struct detail_facts facts;
	detail_facts_of(&facts, host, job->now);
	int rc = put_detail(t, job, w->tenant, &facts);
	if (!rc)
		rc = device_policies(t, w->tenant, job->page);
	if (!rc)
		rc = device_derive(t, w, host, &facts, true);
	if (rc)
		return rc;
	w->head.list_at = w->old_head.list_at;
	job->changed = !slice_eq(w->stable, w->old_stable);
	if (job->changed && (rc = device_differs(t, w)))
		return rc;
	return put_rows(t, w, job->changed);
}

int apply_detail_run(struct store_job *base, struct store_txn *t)
{
	struct apply_detail *job = (struct apply_detail *)base;
	uint64_t writes_before = t->writes;
	struct device_work w;
	struct row_key k;
	MDB_val value;
	job->changed = false;
	int rc = txn_tenant(t, job->tenant, &w.tenant);
	if (!rc)
		rc = txn_get(t, DB_DEVICES, row_key(&k, job->tenant, job->id), &value);
	if (rc)
		return rc == E_NOT_FOUND && !t->err.code ? OK : rc;
	w.settings = job->settings;
	w.now = job->now;
	w.id = job->id;
	w.known = true;
	w.old_peeked = false;
	if (!device_head_get(value, &w.old_head, &w.old_stable))
		return err_set(&t->err, E_CORRUPT,
			       "the device %llu of \"%s\" cannot be read; restore a backup",
			       (unsigned long long)job->id, w.tenant->now.row.name);
	const struct page_element *element = job->page && job->page->count == 1 ? job->page->elements : NULL;
	/* A machine that took the id over is the next walk's to tell. */
	bool usable =
		element && element->host && element->id == job->id && !device_is_another(&w, element->host);
	rc = usable ? derive_anew(t, job, &w) : put_detail(t, job, w.tenant, NULL);
	if (!rc)
		txn_tenant_settle(t, w.tenant, writes_before);
	return rc;
}
