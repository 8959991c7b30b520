#include "base/clock.h"
#include "base/json.h"
#include "model/policy_table.h"
#include "store/env.h"
#include "store/index.h"
#include "store/limits.h"
#include "store/scan.h"

/* ---- tenants ---- */

static int tenant_of(MDB_val key, MDB_val value, struct tenant_state *state)
{
	return tenant_state_read(state, (struct slice){ key.mv_data, (uint32_t)key.mv_size },
				 (struct slice){ value.mv_data, (uint32_t)value.mv_size });
}

int store_tenant_by_name(struct store *s, const char *name, struct tenant_row *row)
{
	struct read r;
	struct tenant_state state;
	MDB_val key = { strlen(name), (void *)name }, value;
	if (!key.mv_size || key.mv_size > STORE_NAME_MAX)
		return E_NOT_FOUND;
	int code = read_begin(s, &r);
	if (code)
		return code;
	int rc = mdb_get(r.mdb, s->dbi[DB_TENANTS], &key, &value);
	if (!rc && !(code = tenant_of(key, value, &state)))
		*row = state.row;
	read_end(&r);
	if (rc == MDB_NOTFOUND)
		return E_NOT_FOUND;
	return rc ? store_fail(s, NULL, rc, "reading a tenant") : code;
}

int store_tenants(struct store *s, int (*each)(void *arg, const struct tenant_row *row), void *arg)
{
	struct read r;
	MDB_cursor *cursor;
	MDB_val key, value;
	struct tenant_state state;
	int code = read_begin(s, &r);
	if (code)
		return code;
	int rc = mdb_cursor_open(r.mdb, s->dbi[DB_TENANTS], &cursor);
	if (!rc) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		for (; !rc && !code; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
			code = tenant_of(key, value, &state);
			if (!code)
				code = each(arg, &state.row);
		}
		mdb_cursor_close(cursor);
	}
	read_end(&r);
	if (code || !rc || rc == MDB_NOTFOUND)
		return code;
	return store_fail(s, NULL, rc, "reading the tenants");
}

struct numbered {
	uint32_t number;
	struct tenant_row *row;
};

static int take_numbered(void *arg, const struct tenant_row *row)
{
	struct numbered *wanted = arg;
	if (row->number == wanted->number)
		*wanted->row = *row;
	return OK;
}

static int tenant_by_number(struct store *s, uint32_t number, struct tenant_row *row)
{
	struct numbered wanted = { number, row };
	row->number = 0;
	int rc = store_tenants(s, take_numbered, &wanted);
	return rc || row->number ? rc : E_NOT_FOUND;
}

/* ---- devices ---- */

static int volatile_of(struct read *r, MDB_val key, struct slice *packed)
{
	MDB_val value;
	int rc = mdb_get(r->mdb, r->s->dbi[DB_VOLATILE], &key, &value);
	if (rc)
		return store_fail(r->s, NULL, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc,
				  "reading volatile members");
	return volatile_value_get(value, packed) ? OK : E_CORRUPT;
}

struct device_list {
	int (*each)(void *arg, const struct store_device *d);
	void *arg;
};

static int one_device(void *arg, struct read *r, uint64_t id, MDB_val key, MDB_val value)
{
	const struct device_list *list = arg;
	struct store_device d = { .id = id };
	struct device_head head;
	if (!device_head_get(value, &head, &d.stable))
		return E_CORRUPT;
	int rc = volatile_of(r, key, &d.packed);
	if (rc)
		return rc;
	d.created_at = head.created_at;
	d.first_seen = head.first_seen;
	d.list_at = head.list_at;
	return list->each(list->arg, &d);
}

int store_devices(struct store *s, uint32_t tenant, uint64_t from,
		  int (*each)(void *arg, const struct store_device *d), void *arg)
{
	struct device_list list = { each, arg };
	return scan_rows(s, DB_DEVICES, tenant, from, one_device, &list);
}

int store_device(struct store *s, uint32_t tenant, uint64_t id,
		 int (*each)(void *arg, const struct store_device *d), void *arg)
{
	struct device_list list = { each, arg };
	struct read r;
	struct row_key k;
	MDB_val key = row_key(&k, tenant, id), value;
	int rc = read_begin(s, &r);
	if (rc)
		return rc;
	int mdb_rc = mdb_get(r.mdb, s->dbi[DB_DEVICES], &key, &value);
	if (mdb_rc)
		rc = mdb_rc == MDB_NOTFOUND ? E_NOT_FOUND : store_fail(s, NULL, mdb_rc, "reading a device");
	else
		rc = one_device(&list, &r, id, key, value);
	read_end(&r);
	return rc;
}

/* ---- indexes ---- */

int store_index_find(struct store *s, uint32_t tenant, enum store_index index, struct slice value,
		     int (*each)(void *arg, uint64_t id), void *arg)
{
	unsigned char prefix[INDEX_KEY_MAX];
	struct tenant_row row;
	struct read r;
	MDB_cursor *cursor;
	MDB_val found;
	int code = tenant_by_number(s, tenant, &row);
	if (code || !row.indexed)
		return code ? code : E_NOT_FOUND;
	size_t n = index_prefix(prefix, tenant, index, value);
	MDB_val key = { n, prefix };
	if ((code = read_begin(s, &r)))
		return code;
	int rc = mdb_cursor_open(r.mdb, s->dbi[DB_INDEXES], &cursor);
	if (!rc) {
		rc = mdb_cursor_get(cursor, &key, &found, MDB_SET_RANGE);
		while (!rc && !code && key.mv_size == n + 8 && !memcmp(key.mv_data, prefix, n)) {
			code = each(arg, get_u64((const unsigned char *)key.mv_data + n));
			rc = mdb_cursor_get(cursor, &key, &found, MDB_NEXT);
		}
		mdb_cursor_close(cursor);
	}
	read_end(&r);
	return code || !rc || rc == MDB_NOTFOUND ? code : store_fail(s, NULL, rc, "reading an index");
}

/* ---- rows of JSON ---- */

struct row_list {
	enum store_rows what;
	struct tenant_row tenant; /* of tombstones */
	struct buf text;
	int (*each)(void *arg, uint64_t key, struct slice json);
	void *arg;
};

static void json_time(struct buf *b, int64_t unix_s)
{
	char text[CLOCK_RFC3339_BYTES];
	clock_format_rfc3339(unix_s, text);
	json_text(b, unix_s ? slice_of(text) : SLICE_NONE);
}

static int tombstone_json(struct buf *b, const char *tenant, uint64_t id, MDB_val value)
{
	struct tombstone_head head;
	struct slice stable;
	if (!tombstone_head_get(value, &head, &stable))
		return E_CORRUPT;
	json_open(b, '{');
	json_k(b, "id");
	json_int(b, (int64_t)id);
	json_k(b, "kind");
	json_text(b, slice_of(tombstone_kind_name(head.kind)));
	json_k(b, "at");
	json_time(b, head.at);
	json_k(b, "created_at");
	json_time(b, head.created_at);
	json_k(b, "first_seen");
	json_time(b, head.first_seen);
	json_k(b, "record");
	int rc = record_expand(b, tenant, id, stable);
	json_close(b, '}');
	return rc ? rc : b->failed;
}

static int missing_json(struct buf *b, uint64_t id, MDB_val value)
{
	struct missing_mark mark;
	if (!missing_mark_get(value, &mark))
		return E_CORRUPT;
	json_open(b, '{');
	json_k(b, "id");
	json_int(b, (int64_t)id);
	json_k(b, "walk");
	json_int(b, (int64_t)mark.walk);
	json_k(b, "since");
	json_time(b, mark.since);
	json_k(b, "earlier_walk");
	if (mark.earlier)
		json_int(b, (int64_t)mark.earlier);
	else
		json_null(b);
	json_close(b, '}');
	return b->failed;
}

static int one_row(void *arg, struct read *r, uint64_t id, MDB_val key, MDB_val value)
{
	struct row_list *list = arg;
	struct slice json = { value.mv_data, (uint32_t)value.mv_size };
	int rc = OK;
	(void)r;
	(void)key;
	buf_reset(&list->text);
	if (list->what == ROWS_TOMBSTONES)
		rc = tombstone_json(&list->text, list->tenant.name, id, value);
	else if (list->what == ROWS_MISSING)
		rc = missing_json(&list->text, id, value);
	if (rc)
		return rc;
	if (list->what == ROWS_TOMBSTONES || list->what == ROWS_MISSING)
		json = buf_slice(&list->text);
	return list->each(list->arg, id, json);
}

int store_rows(struct store *s, uint32_t tenant, enum store_rows what, uint64_t from,
	       int (*each)(void *arg, uint64_t key, struct slice json), void *arg)
{
	static const enum store_db db[] = {
		[ROWS_CHANGES] = DB_CHANGES,
		[ROWS_TOMBSTONES] = DB_TOMBSTONES,
		[ROWS_REJECTS] = DB_REJECTS,
		[ROWS_MISSING] = DB_MISSING,
	};
	struct row_list list = { .what = what, .each = each, .arg = arg };
	if (what == ROWS_CHANGES && from == UINT64_MAX)
		return OK;
	int rc = what == ROWS_TOMBSTONES ? tenant_by_number(s, tenant, &list.tenant) : OK;
	if (rc)
		return rc == E_NOT_FOUND ? OK : rc;
	buf_init(&list.text, RECORD_JSON_MAX);
	rc = scan_rows(s, db[what], tenant, what == ROWS_CHANGES ? from + 1 : from, one_row, &list);
	buf_release(&list.text);
	return rc;
}

static int one_policy(void *arg, struct read *r, uint64_t id, MDB_val key, MDB_val value)
{
	const char *p = value.mv_data;
	(void)r;
	(void)key;
	if (value.mv_size < 1)
		return E_CORRUPT;
	int rc = policy_table_set(arg, (uint32_t)id, (struct slice){ p + 1, (uint32_t)value.mv_size - 1 },
				  p[0] != 0);
	return rc < 0 ? rc : OK;
}

int store_policies(struct store *s, uint32_t tenant, struct policy_table *out)
{
	return scan_rows(s, DB_POLICIES, tenant, 0, one_policy, out);
}
