#include "store/upkeep.h"

#include "base/clock.h"
#include "store/env.h"
#include "store/limits.h"

int apply_pause_run(struct store_job *base, struct store_txn *t)
{
	struct apply_pause *job = (struct apply_pause *)base;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	tenant->dirty = tenant->dirty || tenant->now.row.paused != job->paused;
	tenant->now.row.paused = job->paused;
	return OK;
}

/* ---- removing ---- */

/* The cursor on the tenant's first row of the database; E_NOT_FOUND: none. */
static int first_row(struct store_txn *t, enum store_db db, uint32_t tenant, MDB_cursor **cursor)
{
	unsigned char prefix[TENANT_KEY_BYTES];
	MDB_val key = { sizeof(prefix), prefix }, value;
	put_u32(prefix, tenant);
	int rc = txn_cursor(t, db, cursor);
	if (rc)
		return rc;
	rc = mdb_cursor_get(*cursor, &key, &value, MDB_SET_RANGE);
	if (rc && rc != MDB_NOTFOUND)
		return txn_fail(t, rc, "reading");
	return rc || !key_of_tenant(key, tenant) ? E_NOT_FOUND : OK;
}

static int delete_here(struct store_txn *t, MDB_cursor *cursor)
{
	int rc = mdb_cursor_del(cursor, 0);
	t->writes++;
	return rc ? txn_fail(t, rc, "deleting") : OK;
}

/* Deletes at most `*room` rows, and takes what it did off it. */
static int clear(struct store_txn *t, enum store_db db, uint32_t tenant, uint32_t *room)
{
	MDB_cursor *cursor;
	int rc = OK;
	for (; *room && !rc; (*room)--) {
		rc = first_row(t, db, tenant, &cursor);
		if (!rc)
			rc = delete_here(t, cursor);
		if (rc)
			break;
	}
	return rc == E_NOT_FOUND ? OK : rc;
}

int apply_remove_run(struct store_job *base, struct store_txn *t)
{
	struct apply_remove *job = (struct apply_remove *)base;
	uint32_t room = REMOVE_SLICE_ROWS;
	struct tenant *tenant;
	job->devices = 0;
	job->more = true;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	index_run_forget(&t->s->index_run, job->tenant);
	tenant->now.row.removing = tenant->dirty = true;
	for (int db = DB_DEVICES; db < DB_COUNT && room && !rc; db++) {
		uint32_t before = room;
		rc = clear(t, (enum store_db)db, job->tenant, &room);
		if (db == DB_DEVICES)
			job->devices = before - room;
	}
	if (rc || !room)
		return rc;
	const char *name = tenant->now.row.name;
	rc = txn_delete(t, DB_TENANTS, (MDB_val){ strlen(name), (void *)name });
	if (rc && rc != E_NOT_FOUND) /* its row was never written */
		return rc;
	tenant->removed = true;
	job->more = false;
	return OK;
}

/* ---- retention ---- */

/* "at" of a change or a reject, which stands behind at most one number. */
static int64_t row_time(MDB_val value)
{
	static const char key[] = "\"at\":\"";
	const char *p = value.mv_data;
	size_t n = value.mv_size < 64 ? value.mv_size : 64;
	const char *at = memmem(p, n, key, sizeof(key) - 1);
	int64_t when;
	if (!at)
		return 0;
	at += sizeof(key) - 1;
	const char *end = memchr(at, '"', (size_t)(p + value.mv_size - at));
	if (!end || !clock_parse_rfc3339((struct slice){ at, (uint32_t)(end - at) }, &when))
		return 0;
	return when;
}

static bool too_old(int64_t when, int64_t now, int64_t keep_s)
{
	return keep_s != INT64_MAX && now > keep_s && when < now - keep_s;
}

/* Numbered rows from the oldest on, until one is young enough. */
static int drop_oldest(struct store_txn *t, enum store_db db, struct apply_retention *job, int64_t keep_s,
		       uint64_t *over, uint64_t *dropped)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc;
	while (!(rc = first_row(t, db, job->tenant, &cursor))) {
		int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT);
		if (mdb_rc)
			return txn_fail(t, mdb_rc, "reading");
		if (!*over && !too_old(row_time(value), job->now, keep_s))
			return OK;
		if (job->dropped == RETENTION_SLICE_ROWS) {
			job->more = true;
			return OK;
		}
		if ((rc = delete_here(t, cursor)))
			return rc;
		*over -= *over > 0;
		job->dropped++;
		(*dropped)++;
	}
	return rc == E_NOT_FOUND ? OK : rc;
}

/* Tombstones stand in order of id, not of time, so all are looked at. */
static int drop_tombstones(struct store_txn *t, struct apply_retention *job, struct tenant *tenant)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	struct row_key k;
	uint32_t number, looked = 0;
	uint64_t id = job->tombstones_from;
	if (job->retention.tombstones_s == INT64_MAX || !tenant->now.tombstones)
		return OK;
	int rc = txn_cursor(t, DB_TOMBSTONES, &cursor);
	for (; !rc && id; id = id == UINT64_MAX ? 0 : id + 1) {
		struct tombstone_head head;
		struct slice stable;
		key = row_key(&k, job->tenant, id);
		int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		if (mdb_rc && mdb_rc != MDB_NOTFOUND)
			return txn_fail(t, mdb_rc, "reading the tombstones");
		if (mdb_rc || !row_key_parse(key, &number, &id) || number != job->tenant)
			return OK;
		if (looked++ == RETENTION_SLICE_ROWS) {
			job->tombstones_next = id;
			job->more = true;
			return OK;
		}
		if (!tombstone_head_get(value, &head, &stable) ||
		    !too_old(head.at, job->now, job->retention.tombstones_s))
			continue;
		rc = delete_here(t, cursor);
		tenant->now.tombstones -= !rc;
		job->dropped += !rc;
	}
	return rc;
}

int apply_retention_run(struct store_job *base, struct store_txn *t)
{
	struct apply_retention *job = (struct apply_retention *)base;
	uint64_t writes_before = t->writes, changes = 0, rejects = 0, none = 0;
	struct tenant *tenant;
	job->dropped = 0;
	job->more = false;
	job->changes_left = job->changes_over;
	job->tombstones_next = job->tombstones_from;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (!rc)
		rc = drop_oldest(t, DB_CHANGES, job, job->retention.changes_s, &job->changes_left, &changes);
	if (!rc && !job->more)
		rc = drop_oldest(t, DB_REJECTS, job, job->retention.rejects_s, &none, &rejects);
	if (!rc && !job->more)
		rc = drop_tombstones(t, job, tenant);
	if (rc)
		return rc;
	tenant->now.row.seq_dropped += changes;
	tenant->now.reject_first += rejects;
	txn_tenant_settle(t, tenant, writes_before);
	return OK;
}
