/* Verify: the devices are taken as true, everything else is counted and rebuilt
 * from them and compared. One read transaction, constant memory. */
#include "store/verify.h"

#include "model/policy_table.h"

#include <stdarg.h>
#include <stdio.h>

void verify_found(struct verify *v, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->findings++;
	v->finding(v->arg, text);
}

int verify_rows(struct verify *v, enum store_db db, uint32_t tenant, verify_row_fn *each, void *arg)
{
	MDB_cursor *cursor;
	unsigned char prefix[TENANT_KEY_BYTES];
	MDB_val key = { sizeof(prefix), prefix }, value;
	int code = OK;
	put_u32(prefix, tenant);
	int rc = mdb_cursor_open(v->r.mdb, v->r.s->dbi[db], &cursor);
	if (rc)
		return store_fail(v->r.s, NULL, rc, "opening a cursor");
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; !rc && !code && key_of_tenant(key, tenant);
	     rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		code = each(v, arg, key, value);
	mdb_cursor_close(cursor);
	return code || !rc || rc == MDB_NOTFOUND ? code : store_fail(v->r.s, NULL, rc, "reading");
}

bool verify_exists(struct verify *v, enum store_db db, MDB_val key, MDB_val *value)
{
	return mdb_get(v->r.mdb, v->r.s->dbi[db], &key, value) == 0;
}

static unsigned long long number_of(MDB_val key)
{
	uint32_t tenant;
	uint64_t id = 0;
	row_key_parse(key, &tenant, &id);
	return id;
}

/* ---- rows beside the devices ---- */

struct beside {
	const struct tenant_state *tenant;
	enum store_db db;
	uint64_t count;
	uint64_t expected; /* the next number, where rows are numbered */
};

static int beside_device(struct verify *v, void *arg, MDB_val key, MDB_val value)
{
	struct beside *b = arg;
	MDB_val device;
	const char *db = schema_db_name(b->db);
	(void)value;
	b->count++;
	if (key.mv_size != ROW_KEY_BYTES)
		verify_found(v, "tenant \"%s\": a key of %s has %zu bytes", b->tenant->row.name, db,
			     key.mv_size);
	else if (!verify_exists(v, DB_DEVICES, key, &device))
		verify_found(v, "tenant \"%s\": %s has host %llu, devices has not", b->tenant->row.name, db,
			     number_of(key));
	return OK;
}

static int tombstone(struct verify *v, void *arg, MDB_val key, MDB_val value)
{
	struct beside *b = arg;
	struct tombstone_head head;
	struct device_head device;
	struct slice stable;
	MDB_val found;
	b->count++;
	if (key.mv_size != ROW_KEY_BYTES || !tombstone_head_get(value, &head, &stable))
		verify_found(v, "tenant \"%s\": a tombstone cannot be read", b->tenant->row.name);
	else if (verify_exists(v, DB_DEVICES, key, &found) && device_head_get(found, &device, &stable) &&
		 device.created_at == head.created_at)
		verify_found(v, "tenant \"%s\": host %llu is both alive and buried", b->tenant->row.name,
			     number_of(key));
	return OK;
}

static int numbered(struct verify *v, void *arg, MDB_val key, MDB_val value)
{
	struct beside *b = arg;
	unsigned long long n = number_of(key);
	(void)value;
	if (b->count && n != b->expected)
		verify_found(v, "tenant \"%s\": %s jumps from %llu to %llu", b->tenant->row.name,
			     schema_db_name(b->db), (unsigned long long)b->expected - 1, n);
	b->count++;
	b->expected = n + 1;
	return OK;
}

static int check_count(struct verify *v, const struct tenant_state *t, enum store_db db, verify_row_fn *each,
		       uint64_t counted)
{
	struct beside b = { .tenant = t, .db = db };
	int rc = verify_rows(v, db, t->row.number, each, &b);
	if (!rc && b.count != counted)
		verify_found(v, "tenant \"%s\": %s has %llu rows, %llu were counted", t->row.name,
			     schema_db_name(db), (unsigned long long)b.count, (unsigned long long)counted);
	return rc;
}

static int check_feed(struct verify *v, const struct tenant_state *t)
{
	struct beside b = { .tenant = t, .db = DB_CHANGES };
	int rc = verify_rows(v, DB_CHANGES, t->row.number, numbered, &b);
	if (rc)
		return rc;
	if (b.count && b.expected != t->row.seq + 1)
		verify_found(v, "tenant \"%s\": the last change is %llu, the sequence is at %llu",
			     t->row.name, (unsigned long long)b.expected - 1, (unsigned long long)t->row.seq);
	else if (b.count != t->row.seq - t->row.seq_dropped)
		verify_found(v, "tenant \"%s\": %llu changes are there, of %llu to %llu", t->row.name,
			     (unsigned long long)b.count, (unsigned long long)t->row.seq_dropped + 1,
			     (unsigned long long)t->row.seq);
	return OK;
}

static int check_rejects(struct verify *v, const struct tenant_state *t)
{
	struct beside b = { .tenant = t, .db = DB_REJECTS };
	int rc = verify_rows(v, DB_REJECTS, t->row.number, numbered, &b);
	if (!rc && b.count != t->reject_next - t->reject_first)
		verify_found(v, "tenant \"%s\": rejects has %llu rows, %llu were counted", t->row.name,
			     (unsigned long long)b.count,
			     (unsigned long long)(t->reject_next - t->reject_first));
	return rc;
}

/* ---- all of it ---- */

static int check_tenant(struct verify *v, const struct tenant_state *t)
{
	if (t->row.removing)
		return OK; /* what is left of it agrees with nothing */
	int rc = verify_devices(v, t);
	if (!rc)
		rc = check_count(v, t, DB_VOLATILE, beside_device, t->row.devices);
	if (!rc)
		rc = check_count(v, t, DB_DETAILS, beside_device, t->details);
	if (!rc)
		rc = check_count(v, t, DB_MISSING, beside_device, t->row.missing);
	if (!rc)
		rc = check_count(v, t, DB_TOMBSTONES, tombstone, t->tombstones);
	if (!rc)
		rc = check_feed(v, t);
	return rc ? rc : check_rejects(v, t);
}

/* Rows whose tenant number no tenant has: each number that a database holds is
 * jumped to, whatever stands between. */
static int check_strangers(struct verify *v)
{
	for (int db = DB_DEVICES; db < DB_COUNT; db++) {
		unsigned char prefix[TENANT_KEY_BYTES] = { 0 };
		MDB_cursor *cursor;
		MDB_val key = { sizeof(prefix), prefix }, value;
		int rc = mdb_cursor_open(v->r.mdb, v->r.s->dbi[db], &cursor);
		if (rc)
			return store_fail(v->r.s, NULL, rc, "opening a cursor");
		while (!(rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE))) {
			uint32_t number = key.mv_size < TENANT_KEY_BYTES ? 0 : get_u32(key.mv_data);
			if (number >= v->known_bits || !(v->known[number / 8] >> number % 8 & 1))
				verify_found(v, "%s has rows of tenant number %u, which does not exist",
					     schema_db_name((enum store_db)db), (unsigned)number);
			if (number == UINT32_MAX)
				break;
			put_u32(prefix, number + 1);
			key = (MDB_val){ sizeof(prefix), prefix };
		}
		mdb_cursor_close(cursor);
		if (rc && rc != MDB_NOTFOUND)
			return store_fail(v->r.s, NULL, rc, "reading");
	}
	return OK;
}

static int note_known(struct verify *v, uint32_t number)
{
	if (number > TENANT_NUMBER_MAX) {
		verify_found(v, "a tenant has the number %u, which is beyond all", (unsigned)number);
		return OK;
	}
	if (number >= v->known_bits) {
		uint32_t bits = v->known_bits ? v->known_bits : 1024;
		while (bits <= number)
			bits *= 2;
		unsigned char *known = mem_realloc(v->known, bits / 8);
		if (!known)
			return E_NOMEM;
		memset(known + v->known_bits / 8, 0, (bits - v->known_bits) / 8);
		v->known = known;
		v->known_bits = bits;
	}
	v->known[number / 8] |= (unsigned char)(1u << number % 8);
	return OK;
}

static int check_all(struct verify *v)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int code = OK;
	int rc = mdb_cursor_open(v->r.mdb, v->r.s->dbi[DB_TENANTS], &cursor);
	if (rc)
		return store_fail(v->r.s, NULL, rc, "opening a cursor");
	rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (; !rc && !code; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		struct tenant_state state;
		struct slice name = { key.mv_data, (uint32_t)key.mv_size };
		if (tenant_state_read(&state, name,
				      (struct slice){ value.mv_data, (uint32_t)value.mv_size })) {
			verify_found(v, "the row of tenant \"%.*s\" cannot be read", (int)name.n, name.p);
			continue;
		}
		code = note_known(v, state.row.number);
		if (!code)
			code = check_tenant(v, &state);
	}
	mdb_cursor_close(cursor);
	if (!code && rc != MDB_NOTFOUND)
		code = store_fail(v->r.s, NULL, rc, "reading the tenants");
	return code ? code : check_strangers(v);
}

int store_verify(struct store *s, void (*finding)(void *arg, const char *text), void *arg)
{
	struct verify v = { .finding = finding, .arg = arg };
	int rc = read_begin(s, &v.r);
	if (rc)
		return rc;
	rc = check_all(&v);
	read_end(&v.r);
	mem_free(v.known);
	return rc ? rc : v.findings ? E_CORRUPT : OK;
}
