#include "base/must.h"
#include "store/lmdb_error.h"
#include "store/vault_state.h"

/* Our own codes have their sentence already. */
static int vault_fail(const struct vault *v, struct err *e, int rc, const char *what)
{
	return rc > ERR_FIRST_ && rc < ERR_LAST_ ? rc : lmdb_fail(v->folder, e, rc, what);
}

/* ---- a value ---- */

static int value_write(struct vault *v, const char *name, const struct vault_tenant *t, struct err *e)
{
	unsigned char head[VAULT_VALUE_HEAD_BYTES] = { VAULT_VALUE_FORM };
	if (t->settings.n > VAULT_SETTINGS_MAX || t->sealed.n > VAULT_SEALED_MAX)
		return err_set(e, E_LIMIT,
			       "the settings or secrets of tenant \"%s\" are too large to keep; make them "
			       "smaller",
			       name);
	put_u32(head + 1, t->number);
	put_u64(head + 5, (uint64_t)t->created_at);
	put_u64(head + 13, (uint64_t)t->changed_at);
	put_u32(head + 21, t->settings.n);
	buf_reset(&v->value);
	buf_add(&v->value, head, sizeof(head));
	buf_add(&v->value, t->settings.p, t->settings.n);
	buf_add(&v->value, t->sealed.p, t->sealed.n);
	if (v->value.failed)
		return err_set(e, v->value.failed, "out of memory while keeping tenant \"%s\"", name);
	return OK;
}

static int value_read(const struct vault *v, struct slice name, struct slice value, struct vault_tenant *t,
		      struct err *e)
{
	const unsigned char *p = (const unsigned char *)value.p;
	if (value.n < VAULT_VALUE_HEAD_BYTES || p[0] != VAULT_VALUE_FORM ||
	    get_u32(p + 21) > value.n - VAULT_VALUE_HEAD_BYTES)
		return err_set(e, E_CORRUPT,
			       "the tenant \"%.*s\" of the store \"%.200s\" is damaged; check the disk and "
			       "restore a backup",
			       (int)name.n, name.p, v->folder);
	uint32_t n = get_u32(p + 21);
	*t = (struct vault_tenant){
		.number = get_u32(p + 1),
		.created_at = (int64_t)get_u64(p + 5),
		.changed_at = (int64_t)get_u64(p + 13),
		.settings = { value.p + VAULT_VALUE_HEAD_BYTES, n },
		.sealed = { value.p + VAULT_VALUE_HEAD_BYTES + n, value.n - VAULT_VALUE_HEAD_BYTES - n },
	};
	return OK;
}

static struct slice slice_of_val(MDB_val v)
{
	return (struct slice){ v.mv_data, (uint32_t)v.mv_size };
}

/* A name as a text; false when no tenant can have it. */
static bool name_copy(MDB_val key, char out[STORE_NAME_MAX + 1])
{
	if (!key.mv_size || key.mv_size > STORE_NAME_MAX || memchr(key.mv_data, '\0', key.mv_size))
		return false;
	memcpy(out, key.mv_data, key.mv_size);
	out[key.mv_size] = '\0';
	return true;
}

static int no_tenant(struct err *e, const char *name)
{
	return err_set(e, E_NOT_FOUND, "no tenant \"%.*s\" was added at run time", STORE_NAME_MAX, name);
}

static bool name_fits(const char *name)
{
	size_t n = strnlen(name, STORE_NAME_MAX + 1);
	return n >= 1 && n <= STORE_NAME_MAX;
}

/* ---- reading ---- */

static int read_begin_at(struct vault *v, MDB_txn **txn, struct err *e)
{
	must(!v->reading);
	int rc = mdb_txn_begin(v->env, NULL, MDB_RDONLY, txn);
	return rc ? lmdb_fail(v->folder, e, rc, "reading the secrets") : OK;
}

int vault_key_id(struct vault *v, unsigned char key_id[VAULT_KEY_ID_BYTES], struct err *e)
{
	MDB_val key = val_of("key", 3), value;
	MDB_txn *txn;
	int rc = read_begin_at(v, &txn, e);
	if (rc)
		return rc;
	rc = mdb_get(txn, v->meta, &key, &value);
	if (!rc && value.mv_size == VAULT_KEY_ID_BYTES)
		memcpy(key_id, value.mv_data, VAULT_KEY_ID_BYTES);
	else
		rc = lmdb_fail(v->folder, e, rc && rc != MDB_NOTFOUND ? rc : MDB_CORRUPTED,
			       "reading the key's number");
	mdb_txn_abort(txn);
	return rc;
}

int vault_get(struct vault *v, const char *name, struct buf *hold, struct vault_tenant *out, struct err *e)
{
	MDB_val value;
	MDB_txn *txn;
	if (!name_fits(name))
		return no_tenant(e, name);
	MDB_val key = val_of(name, strlen(name));
	int rc = read_begin_at(v, &txn, e);
	if (rc)
		return rc;
	rc = mdb_get(txn, v->tenants, &key, &value);
	buf_reset(hold);
	if (!rc)
		buf_add(hold, value.mv_data, value.mv_size);
	mdb_txn_abort(txn);
	if (rc == MDB_NOTFOUND)
		return no_tenant(e, name);
	if (rc)
		return lmdb_fail(v->folder, e, rc, "reading a tenant");
	if (hold->failed)
		return err_set(e, hold->failed, "out of memory while reading tenant \"%s\"", name);
	return value_read(v, slice_of(name), buf_slice(hold), out, e);
}

static int each_row(struct vault *v, MDB_cursor *cursor, vault_each_fn *each, void *arg, struct err *e)
{
	MDB_val key, value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (!rc) {
		struct vault_tenant t;
		char name[STORE_NAME_MAX + 1];
		if (!name_copy(key, name))
			return lmdb_fail(v->folder, e, MDB_CORRUPTED, "reading the tenants");
		rc = value_read(v, slice_of_val(key), slice_of_val(value), &t, e);
		if (!rc)
			rc = each(arg, name, &t);
		if (rc)
			return rc;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? OK : lmdb_fail(v->folder, e, rc, "reading the tenants");
}

int vault_each(struct vault *v, vault_each_fn *each, void *arg, struct err *e)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	int rc = read_begin_at(v, &txn, e);
	if (rc)
		return rc;
	rc = mdb_cursor_open(txn, v->tenants, &cursor);
	if (rc) {
		rc = lmdb_fail(v->folder, e, rc, "reading the tenants");
	} else {
		v->reading = true;
		rc = each_row(v, cursor, each, arg, e);
		v->reading = false;
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc;
}

/* ---- writing ---- */

/* LMDB's code, or one of ours that has its sentence. */
typedef int change_fn(struct vault *v, MDB_txn *txn, void *arg, struct err *e);

/* Nobody reads meanwhile, so the map can be made larger at once. */
static int grow(struct vault *v)
{
	MDB_envinfo info;
	int rc = mdb_env_info(v->env, &info);
	return rc ? rc : mdb_env_set_mapsize(v->env, info.me_mapsize * 2);
}

static int change(struct vault *v, change_fn *fn, void *arg, const char *what, struct err *e)
{
	must(!v->reading);
	for (;;) {
		MDB_txn *txn;
		int rc = mdb_txn_begin(v->env, NULL, 0, &txn);
		if (rc)
			return vault_fail(v, e, rc, what);
		rc = fn(v, txn, arg, e);
		if (rc)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
		if (!rc)
			return OK;
		if (rc == MDB_MAP_FULL)
			rc = grow(v);
		if (rc)
			return vault_fail(v, e, rc, what);
	}
}

static int put_row(struct vault *v, MDB_txn *txn, void *arg, struct err *e)
{
	MDB_val key = val_of(arg, strlen(arg)), value = val_of(v->value.data, v->value.len);
	(void)e;
	return mdb_put(txn, v->tenants, &key, &value, 0);
}

int vault_put(struct vault *v, const char *name, const struct vault_tenant *t, struct err *e)
{
	if (!name_fits(name))
		return err_set(e, E_LIMIT, "the name of a tenant has 1 to %d characters; choose another",
			       STORE_NAME_MAX);
	int rc = value_write(v, name, t, e);
	return rc ? rc : change(v, put_row, (void *)name, "keeping a tenant", e);
}

static int delete_row(struct vault *v, MDB_txn *txn, void *arg, struct err *e)
{
	MDB_val key = val_of(arg, strlen(arg));
	int rc = mdb_del(txn, v->tenants, &key, NULL);
	return rc == MDB_NOTFOUND ? no_tenant(e, arg) : rc;
}

int vault_remove(struct vault *v, const char *name, struct err *e)
{
	if (!name_fits(name))
		return no_tenant(e, name);
	return change(v, delete_row, (void *)name, "removing a tenant", e);
}

struct rotation {
	vault_reseal_fn *reseal;
	void *arg;
	const unsigned char *key_id;
	struct buf sealed;
};

/* The value is put together before it is written: what LMDB showed moves then. */
static int reseal_row(struct vault *v, MDB_cursor *cursor, MDB_val key, MDB_val value, struct rotation *r,
		      struct err *e)
{
	struct vault_tenant t;
	char name[STORE_NAME_MAX + 1];
	if (!name_copy(key, name))
		return MDB_CORRUPTED;
	int rc = value_read(v, slice_of_val(key), slice_of_val(value), &t, e);
	buf_reset(&r->sealed);
	if (!rc)
		rc = r->reseal(r->arg, name, &t, &r->sealed, e);
	if (!rc && r->sealed.failed)
		rc = err_set(e, r->sealed.failed, "out of memory while sealing tenant \"%s\" anew", name);
	t.sealed = buf_slice(&r->sealed);
	if (!rc)
		rc = value_write(v, name, &t, e);
	key = val_of(name, strlen(name));
	value = val_of(v->value.data, v->value.len);
	return rc ? rc : mdb_cursor_put(cursor, &key, &value, MDB_CURRENT);
}

static int reseal_all(struct vault *v, MDB_txn *txn, void *arg, struct err *e)
{
	struct rotation *r = arg;
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, v->tenants, &cursor);
	if (rc)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (!rc) {
		rc = reseal_row(v, cursor, key, value, r, e);
		if (!rc)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return rc;
	key = val_of("key", 3);
	value = val_of(r->key_id, VAULT_KEY_ID_BYTES);
	return mdb_put(txn, v->meta, &key, &value, 0);
}

int vault_rotate(struct vault *v, vault_reseal_fn *reseal, void *arg,
		 const unsigned char key_id[VAULT_KEY_ID_BYTES], struct err *e)
{
	struct rotation r = { .reseal = reseal, .arg = arg, .key_id = key_id };
	buf_init(&r.sealed, VAULT_SEALED_MAX);
	int rc = change(v, reseal_all, &r, "sealing the secrets anew", e);
	buf_release(&r.sealed);
	return rc;
}
