#include "store/missing.h"

bool missing_counts(const struct missing_mark *mark, uint64_t walk, bool twice)
{
	return mark->walk == walk && (!twice || mark->earlier);
}

/* The walk before this one that completed and missed the device too. The old
 * mark may be of a walk that was given up: then what it says of its own
 * predecessor still holds. */
static uint64_t earlier_walk(const struct missing_mark *old, uint64_t completed)
{
	if (!completed)
		return 0;
	return old->walk == completed || old->earlier == completed ? completed : 0;
}

int missing_add(struct store_txn *t, struct tenant *tenant, uint64_t id, int64_t now)
{
	unsigned char bytes[MISSING_MARK_BYTES];
	struct missing_mark mark = { tenant->now.row.walk, now, 0 }, old;
	struct row_key k;
	MDB_val key = row_key(&k, tenant->now.row.number, id), value;
	int rc = tenant->now.row.missing ? txn_get(t, DB_MISSING, key, &value) : E_NOT_FOUND;
	if (rc && rc != E_NOT_FOUND)
		return rc;
	if (!rc && missing_mark_get(value, &old)) {
		if (old.walk == mark.walk)
			return OK;
		mark.earlier = earlier_walk(&old, tenant->now.completed_walk);
		mark.since = old.since;
	}
	if (rc)
		tenant->now.row.missing++;
	missing_mark_put(bytes, &mark);
	return txn_put(t, DB_MISSING, key, (MDB_val){ sizeof(bytes), bytes });
}

int missing_drop(struct store_txn *t, struct tenant *tenant, uint64_t id, bool *was)
{
	struct row_key k;
	*was = false;
	if (!tenant->now.row.missing)
		return OK;
	int rc = txn_delete(t, DB_MISSING, row_key(&k, tenant->now.row.number, id));
	if (rc == E_NOT_FOUND)
		return OK;
	if (!rc) {
		*was = true;
		tenant->now.row.missing--;
	}
	return rc;
}

int missing_settle(struct store_txn *t, struct tenant *tenant, uint64_t walk, bool twice, uint64_t *count)
{
	MDB_cursor *cursor;
	struct row_key k;
	MDB_val key = row_key(&k, tenant->now.row.number, 0), value;
	*count = 0;
	int rc = txn_cursor(t, DB_MISSING, &cursor);
	if (rc)
		return rc;
	int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (!mdb_rc && key_of_tenant(key, tenant->now.row.number)) {
		struct missing_mark mark;
		if (missing_mark_get(value, &mark) && mark.walk == walk) {
			*count += missing_counts(&mark, walk, twice);
		} else {
			if ((mdb_rc = mdb_cursor_del(cursor, 0)))
				break;
			t->writes++;
			tenant->now.row.missing--;
		}
		mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return mdb_rc && mdb_rc != MDB_NOTFOUND ? txn_fail(t, mdb_rc, "reading the missing marks") : OK;
}
