#include "store/txn.h"

#include "base/must.h"
#include "store/env.h"
#include "store/limits.h"

void txn_init(struct store_txn *t, struct store *s)
{
	*t = (struct store_txn){ .s = s };
	buf_init(&t->record, RECORD_BYTES_MAX);
	buf_init(&t->event, RECORD_BYTES_MAX);
	buf_init(&t->old_text, RECORD_BYTES_MAX);
	buf_init(&t->new_text, RECORD_BYTES_MAX);
}

void txn_release(struct store_txn *t)
{
	must(!t->mdb);
	buf_release(&t->record);
	buf_release(&t->event);
	buf_release(&t->old_text);
	buf_release(&t->new_text);
	arena_free(t->arena);
	t->arena = NULL;
}

int txn_fail(struct store_txn *t, int rc, const char *what)
{
	return store_fail(t->s, &t->err, rc, what);
}

int txn_check(struct store_txn *t, const struct buf *b, const char *what)
{
	if (!b->failed)
		return OK;
	return err_set(&t->err, b->failed, "%s failed: %s", what, err_meaning(b->failed));
}

/* ---- begin and end ---- */

int txn_begin(struct store_txn *t)
{
	must(!t->mdb && !t->s->read_only);
	t->err = (struct err){ 0 };
	if (!t->arena && !(t->arena = arena_new(DETAIL_BYTES_MAX)))
		return err_set(&t->err, E_NOMEM, "out of memory while writing to the store \"%s\"",
			       t->s->path);
	int rc = mdb_txn_begin(t->s->env, NULL, 0, &t->mdb);
	if (rc) {
		t->mdb = NULL;
		return txn_fail(t, rc, "beginning a transaction");
	}
	return OK;
}

static void close_cursors(struct store_txn *t)
{
	for (int i = 0; i < DB_COUNT; i++) {
		if (t->cursors[i])
			mdb_cursor_close(t->cursors[i]);
		t->cursors[i] = NULL;
	}
}

static void forget_policies(struct tenant *tenant)
{
	policy_table_release(&tenant->policies);
	policy_table_init(&tenant->policies);
	tenant->policies_loaded = false;
}

/* Takes what this transaction did to the tenants back. A fresh tenant is
 * always the last one: a transaction only appends. */
static void restore_tenants(struct store *s)
{
	while (s->tenant_count && s->tenants[s->tenant_count - 1] && s->tenants[s->tenant_count - 1]->fresh)
		tenant_free(s->tenants[--s->tenant_count]);
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		struct tenant *tenant = s->tenants[i];
		if (!tenant || !tenant->touched)
			continue;
		tenant->now = tenant->before;
		tenant->touched = tenant->dirty = tenant->removed = false;
		forget_policies(tenant);
	}
	index_run_release(&s->index_run);
}

static void keep_tenants(struct store *s)
{
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		struct tenant *tenant = s->tenants[i];
		if (!tenant)
			continue;
		if (tenant->removed) {
			tenant_free(tenant);
			s->tenants[i] = NULL;
			continue;
		}
		if (tenant->dirty) {
			tenant->written_hosts = tenant->now.row.walk_hosts;
			tenant->written_at = tenant->now.row.walk_touched_at;
			tenant->lagging = false;
		} else if (tenant->touched &&
			   /* padding that differs costs a write too many, no more */
			   // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
			   memcmp(&tenant->now, &tenant->before, sizeof(tenant->now)) != 0) {
			tenant->lagging = true;
		}
		tenant->touched = tenant->dirty = tenant->fresh = false;
	}
}

void txn_abort(struct store_txn *t)
{
	close_cursors(t);
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	t->mdb = NULL;
	restore_tenants(t->s);
}

static int write_row(struct store_txn *t, const struct tenant *tenant)
{
	buf_reset(&t->record);
	tenant_state_write(&t->record, &tenant->now);
	int rc = txn_check(t, &t->record, "writing a tenant");
	if (rc)
		return rc;
	const char *name = tenant->now.row.name;
	return txn_put(t, DB_TENANTS, (MDB_val){ strlen(name), (void *)name },
		       (MDB_val){ t->record.len, t->record.data });
}

int txn_commit(struct store_txn *t)
{
	int rc = OK;
	for (uint32_t i = 0; i < t->s->tenant_count && !rc; i++)
		if (t->s->tenants[i] && t->s->tenants[i]->dirty && !t->s->tenants[i]->removed)
			rc = write_row(t, t->s->tenants[i]);
	if (rc) {
		txn_abort(t);
		return rc;
	}
	close_cursors(t);
	int mdb_rc = mdb_txn_commit(t->mdb);
	t->mdb = NULL;
	if (mdb_rc) {
		restore_tenants(t->s);
		return txn_fail(t, mdb_rc, "committing");
	}
	keep_tenants(t->s);
	return OK;
}

/* ---- rows ---- */

int txn_cursor(struct store_txn *t, enum store_db db, MDB_cursor **out)
{
	*out = NULL;
	if (!t->cursors[db]) {
		int rc = mdb_cursor_open(t->mdb, t->s->dbi[db], &t->cursors[db]);
		if (rc) {
			t->cursors[db] = NULL;
			return txn_fail(t, rc, "opening a cursor");
		}
	}
	*out = t->cursors[db];
	return OK;
}

int txn_get(struct store_txn *t, enum store_db db, MDB_val key, MDB_val *value)
{
	int rc = mdb_get(t->mdb, t->s->dbi[db], &key, value);
	if (rc == MDB_NOTFOUND)
		return E_NOT_FOUND;
	return rc ? txn_fail(t, rc, "reading") : OK;
}

int txn_put(struct store_txn *t, enum store_db db, MDB_val key, MDB_val value)
{
	int rc = mdb_put(t->mdb, t->s->dbi[db], &key, &value, 0);
	t->writes++;
	return rc ? txn_fail(t, rc, "writing") : OK;
}

int txn_delete(struct store_txn *t, enum store_db db, MDB_val key)
{
	int rc = mdb_del(t->mdb, t->s->dbi[db], &key, NULL);
	if (rc == MDB_NOTFOUND)
		return E_NOT_FOUND;
	t->writes++;
	return rc ? txn_fail(t, rc, "deleting") : OK;
}

/* ---- tenants ---- */

static void touch(struct tenant *tenant)
{
	if (!tenant->touched) {
		tenant->before = tenant->now;
		tenant->touched = true;
	}
}

int txn_tenant(struct store_txn *t, uint32_t number, struct tenant **out)
{
	if (!number || number > t->s->tenant_count || !t->s->tenants[number - 1] ||
	    t->s->tenants[number - 1]->removed)
		return err_set(&t->err, E_NOT_FOUND, "the store \"%s\" has no tenant number %u", t->s->path,
			       (unsigned)number);
	*out = t->s->tenants[number - 1];
	touch(*out);
	return OK;
}

int txn_tenant_named(struct store_txn *t, const char *name, struct tenant **out)
{
	for (uint32_t i = 0; i < t->s->tenant_count; i++)
		if (t->s->tenants[i] && !t->s->tenants[i]->removed &&
		    !strcmp(t->s->tenants[i]->now.row.name, name))
			return txn_tenant(t, i + 1, out);
	return E_NOT_FOUND;
}

void tenant_free(struct tenant *tenant)
{
	if (tenant)
		policy_table_release(&tenant->policies);
	mem_free(tenant);
}

/* Room for numbers up to `count`; those that are new have no tenant yet. */
static bool make_room(struct store *s, uint32_t count)
{
	if (count > s->tenant_cap) {
		uint32_t cap = s->tenant_cap ? s->tenant_cap : 16;
		while (cap < count)
			cap *= 2;
		struct tenant **grown = mem_realloc(s->tenants, cap * sizeof(*grown));
		if (!grown)
			return false;
		s->tenants = grown;
		s->tenant_cap = cap;
	}
	while (s->tenant_count < count)
		s->tenants[s->tenant_count++] = NULL;
	return true;
}

static struct tenant *new_tenant(void)
{
	struct tenant *tenant = mem_zalloc(sizeof(*tenant));
	if (tenant)
		policy_table_init(&tenant->policies);
	return tenant;
}

static const MDB_val numbers_key = { 7, (void *)"numbers" };

/* The highest number ever given is kept, so that none is given twice. */
static int note_number(struct store_txn *t, uint32_t number)
{
	unsigned char bytes[4];
	put_u32(bytes, number);
	return txn_put(t, DB_META, numbers_key, (MDB_val){ sizeof(bytes), bytes });
}

int txn_tenant_new(struct store_txn *t, const char *name, struct tenant **out)
{
	if (!*name || strlen(name) > STORE_NAME_MAX)
		return err_set(&t->err, E_CONFIG,
			       "the tenant name \"%.80s\" is empty or longer than %d bytes; choose another",
			       name, STORE_NAME_MAX);
	uint32_t number = t->s->tenant_count + 1;
	if (number > TENANT_NUMBER_MAX)
		return err_set(
			&t->err, E_LIMIT,
			"the store \"%s\" has had %d tenants, which is all it can number; begin a new one",
			t->s->path, TENANT_NUMBER_MAX);
	int rc = note_number(t, number);
	if (rc)
		return rc;
	struct tenant *tenant = new_tenant();
	if (!tenant || !make_room(t->s, number)) {
		tenant_free(tenant);
		return err_set(&t->err, E_NOMEM, "out of memory while adding the tenant \"%s\"", name);
	}
	t->s->tenants[number - 1] = tenant;
	memcpy(tenant->now.row.name, name, strlen(name) + 1);
	tenant->now.row.number = number;
	tenant->fresh = tenant->dirty = true;
	touch(tenant);
	*out = tenant;
	return OK;
}

void txn_tenant_settle(struct store_txn *t, struct tenant *tenant, uint64_t writes_before)
{
	const struct tenant_row *row = &tenant->now.row;
	if (t->writes != writes_before || row->walk_hosts - tenant->written_hosts >= TENANT_LAG_HOSTS ||
	    row->walk_touched_at - tenant->written_at >= TENANT_LAG_S)
		tenant->dirty = true;
}

int txn_policies(struct store_txn *t, struct tenant *tenant)
{
	MDB_cursor *cursor;
	struct row_key k;
	MDB_val key = row_key(&k, tenant->now.row.number, 0), value;
	if (tenant->policies_loaded)
		return OK;
	int rc = txn_cursor(t, DB_POLICIES, &cursor);
	if (rc)
		return rc;
	int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; !mdb_rc; mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		uint32_t number;
		uint64_t id;
		if (!row_key_parse(key, &number, &id) || number != tenant->now.row.number)
			break;
		const char *p = value.mv_data;
		struct slice name = { p + 1, (uint32_t)value.mv_size - 1 };
		if (policy_table_set(&tenant->policies, (uint32_t)id, name, p[0] != 0) < 0) {
			forget_policies(tenant);
			return err_set(&t->err, E_NOMEM, "out of memory while reading policies");
		}
	}
	if (mdb_rc && mdb_rc != MDB_NOTFOUND)
		return txn_fail(t, mdb_rc, "reading the policies");
	tenant->policies_loaded = true;
	return OK;
}

/* ---- opening and closing ---- */

static int bad_numbers(const struct store *s, struct err *e)
{
	return err_set(e, E_CORRUPT,
		       "the tenants of the store \"%s\" are not numbered well; restore a backup", s->path);
}

static int place_tenant(struct store *s, struct tenant *tenant, struct err *e)
{
	uint32_t number = tenant->now.row.number;
	if (!number || number > TENANT_NUMBER_MAX)
		return bad_numbers(s, e);
	if (!make_room(s, number > s->tenant_count ? number : s->tenant_count))
		return err_set(e, E_NOMEM, "out of memory while reading the tenants of the store \"%s\"",
			       s->path);
	if (s->tenants[number - 1])
		return bad_numbers(s, e);
	s->tenants[number - 1] = tenant;
	return OK;
}

static int load_tenant(struct store *s, MDB_val key, MDB_val value, struct err *e)
{
	struct slice name = { key.mv_data, (uint32_t)key.mv_size };
	struct tenant *tenant = new_tenant();
	if (!tenant)
		return err_set(e, E_NOMEM, "out of memory while reading the tenants of the store \"%s\"",
			       s->path);
	int rc = tenant_state_read(&tenant->now, name,
				   (struct slice){ value.mv_data, (uint32_t)value.mv_size });
	if (rc)
		err_set(e, rc, "the tenant \"%.*s\" of the store \"%s\" cannot be read; restore a backup",
			(int)name.n, name.p, s->path);
	else
		rc = place_tenant(s, tenant, e);
	if (rc) {
		tenant_free(tenant);
		return rc;
	}
	tenant->written_hosts = tenant->now.row.walk_hosts;
	tenant->written_at = tenant->now.row.walk_touched_at;
	return OK;
}

static int load_numbers(struct store *s, const struct read *r, struct err *e)
{
	MDB_val key = numbers_key, value;
	int rc = mdb_get(r->mdb, s->dbi[DB_META], &key, &value);
	if (rc)
		return rc == MDB_NOTFOUND ? OK : store_fail(s, e, rc, "reading the tenants");
	uint32_t number = value.mv_size == 4 ? get_u32(value.mv_data) : 0;
	if (!number || number > TENANT_NUMBER_MAX)
		return bad_numbers(s, e);
	return make_room(s, number)
		       ? OK
		       : err_set(e, E_NOMEM, "out of memory while reading the tenants of the store \"%s\"",
				 s->path);
}

static int load_rows(struct store *s, const struct read *r, struct err *e)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int code = load_numbers(s, r, e);
	if (code)
		return code;
	int rc = mdb_cursor_open(r->mdb, s->dbi[DB_TENANTS], &cursor);
	if (rc)
		return store_fail(s, e, rc, "reading the tenants");
	rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (; !rc && !code; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		code = load_tenant(s, key, value, e);
	mdb_cursor_close(cursor);
	return code || rc == MDB_NOTFOUND ? code : store_fail(s, e, rc, "reading the tenants");
}

int txn_load_tenants(struct store *s, struct err *e)
{
	struct read r;
	int code = read_begin(s, &r);
	if (code)
		return err_set(e, code, "reading the tenants of the store \"%s\" failed", s->path);
	code = load_rows(s, &r, e);
	read_end(&r);
	return code;
}

int txn_write_lagging(struct store *s)
{
	bool any = false;
	for (uint32_t i = 0; i < s->tenant_count; i++)
		any = any || (s->tenants[i] && s->tenants[i]->lagging);
	if (!any)
		return OK;
	int rc = txn_begin(&s->txn);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		if (!s->tenants[i] || !s->tenants[i]->lagging)
			continue;
		touch(s->tenants[i]);
		s->tenants[i]->dirty = true;
	}
	return txn_commit(&s->txn);
}
