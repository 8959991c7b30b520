#include "store/detail_row.h"

#include "model/detail_codec.h"

enum { LISTED_BELIEVED_S = 48 * 3600 };

static int unreadable(struct store_txn *t, const struct tenant *tenant, uint64_t id)
{
	return err_set(&t->err, E_CORRUPT,
		       "the detail of device %llu of \"%s\" cannot be read; restore a backup",
		       (unsigned long long)id, tenant->now.row.name);
}

/* A word that is too old takes an older one of the detail with it. */
static int unpack(struct store_txn *t, const struct tenant *tenant, uint64_t id, MDB_val value, int64_t now,
		  struct detail_row *out)
{
	struct slice packed;
	int64_t too_old = now - LISTED_BELIEVED_S;
	out->stored = true;
	if (!detail_head_get(value, &out->head, &packed))
		return unreadable(t, tenant, id);
	if (!packed.n)
		return OK;
	arena_reset(t->arena);
	int rc = detail_unpack(&out->facts, packed.p, packed.n, t->arena);
	if (rc == E_NOMEM)
		return err_set(&t->err, rc, "out of memory while reading a detail");
	if (rc)
		return unreadable(t, tenant, id);
	if (out->facts.listed_at < too_old && tenant->now.row.encryption_at < too_old)
		out->facts.listed_disk_encryption = SLICE_NONE;
	return OK;
}

int detail_row_get(struct store_txn *t, const struct tenant *tenant, uint64_t id, int64_t now,
		   struct detail_row *out)
{
	MDB_cursor *cursor;
	struct row_key k;
	MDB_val key = row_key(&k, tenant->now.row.number, id), value;
	*out = (struct detail_row){ 0 };
	if (!tenant->now.details)
		return OK;
	int rc = txn_cursor(t, DB_DETAILS, &cursor);
	if (rc)
		return rc;
	int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
	if (mdb_rc == MDB_NOTFOUND)
		return OK;
	if (mdb_rc)
		return txn_fail(t, mdb_rc, "reading a detail");
	return unpack(t, tenant, id, value, now, out);
}

int detail_row_next(struct store_txn *t, const struct tenant *tenant, uint64_t *id, int64_t now,
		    struct detail_row *out)
{
	MDB_cursor *cursor;
	struct row_key k;
	uint32_t number;
	MDB_val key = row_key(&k, tenant->now.row.number, *id), value;
	*out = (struct detail_row){ 0 };
	int rc = txn_cursor(t, DB_DETAILS, &cursor);
	if (rc)
		return rc;
	int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (mdb_rc == MDB_NOTFOUND || (!mdb_rc && !key_of_tenant(key, tenant->now.row.number)))
		return E_NOT_FOUND;
	if (mdb_rc)
		return txn_fail(t, mdb_rc, "reading the details");
	if (!row_key_parse(key, &number, id))
		return unreadable(t, tenant, *id);
	return unpack(t, tenant, *id, value, now, out);
}

int detail_row_put(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct detail_row *row)
{
	static const char room[DETAIL_HEAD_BYTES];
	struct row_key k;
	bool facts = row->facts.fetched_at || row->facts.listed_at;
	buf_reset(&t->event);
	buf_add(&t->event, room, sizeof(room));
	int rc = facts ? detail_pack(&t->event, &row->facts) : t->event.failed;
	if (rc)
		return err_set(&t->err, rc, "keeping the detail of host %llu of \"%s\" failed: %s",
			       (unsigned long long)id, tenant->now.row.name, err_meaning(rc));
	detail_head_put((unsigned char *)t->event.data, &row->head);
	rc = txn_put(t, DB_DETAILS, row_key(&k, tenant->now.row.number, id),
		     (MDB_val){ t->event.len, t->event.data });
	if (!rc && !row->stored)
		tenant->now.details++;
	return rc;
}
