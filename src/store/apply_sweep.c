#include "store/apply.h"

#include "store/device.h"
#include "store/missing.h"

static int marked(struct store_txn *t, const struct apply_sweep *job, bool *is)
{
	struct row_key k;
	MDB_val value;
	struct missing_mark mark;
	*is = false;
	int rc = txn_get(t, DB_MISSING, row_key(&k, job->tenant, job->id), &value);
	if (rc)
		return rc == E_NOT_FOUND ? OK : rc;
	*is = missing_mark_get(value, &mark) && mark.walk == job->walk;
	return OK;
}

static int remove_device(struct store_txn *t, const struct apply_sweep *job, struct tenant *tenant)
{
	struct row_key k;
	MDB_val key = row_key(&k, job->tenant, job->id), value;
	struct device_work w;
	w.tenant = tenant;
	w.now = job->now;
	w.id = job->id;
	w.known = true;
	w.old_peeked = false;
	int rc = txn_get(t, DB_DEVICES, key, &value);
	if (rc || !device_head_get(value, &w.old_head, &w.old_stable))
		return err_set(&t->err, E_CORRUPT,
			       "the device %llu of \"%s\" is marked missing but cannot be read",
			       (unsigned long long)job->id, tenant->now.row.name);
	rc = device_goes(t, &w,
			 job->verdict == SWEEP_OUT_OF_SCOPE ? TOMBSTONE_OUT_OF_SCOPE : TOMBSTONE_DELETED);
	if (!rc)
		rc = txn_delete(t, DB_DEVICES, key);
	if (!rc)
		rc = txn_delete(t, DB_VOLATILE, key);
	return rc == E_NOT_FOUND ? OK : rc;
}

int apply_sweep_run(struct store_job *base, struct store_txn *t)
{
	struct apply_sweep *job = (struct apply_sweep *)base;
	struct tenant *tenant;
	bool is, was;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (!rc)
		rc = marked(t, job, &is);
	/* Without its mark the device has returned since it was asked for. */
	if (rc || !is)
		return rc;
	tenant->dirty = true;
	return job->verdict == SWEEP_PRESENT ? missing_drop(t, tenant, job->id, &was)
					     : remove_device(t, job, tenant);
}
