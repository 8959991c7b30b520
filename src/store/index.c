#include "store/index.h"

#include "base/must.h"
#include "store/env.h"
#include "store/limits.h"

/* FNV-1a: needs to be the same everywhere, not to withstand an attacker, who
 * would gain nothing but a comparison. */
static uint64_t hash_folded(struct slice value)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (uint32_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 0x100000001b3u;
	}
	return h;
}

size_t index_prefix(unsigned char out[INDEX_KEY_MAX], uint32_t tenant, enum store_index kind,
		    struct slice value)
{
	uint32_t n = value.n > INDEX_VALUE_MAX ? INDEX_VALUE_MAX : value.n;
	unsigned char *p = out + TENANT_KEY_BYTES;
	put_u32(out, tenant);
	*p++ = (unsigned char)kind;
	for (uint32_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		*p++ = c >= 'A' && c <= 'Z' ? c | 0x20u : c ? c : 1;
	}
	*p++ = n < value.n;
	if (n < value.n) {
		put_u64(p, hash_folded(value));
		p += 8;
	}
	return (size_t)(p - out);
}

static struct slice value_of(const struct record_peek *peek, enum store_index kind)
{
	switch (kind) {
	case INDEX_SERIAL:
		return peek->serial;
	case INDEX_UUID:
		return peek->uuid;
	case INDEX_OWNER:
		return peek->owner_email;
	case INDEX_GROUP:
		return peek->access_group;
	case INDEX_STATE:
		return peek->compliance;
	}
	return SLICE_NONE;
}

void index_keys(struct index_key out[INDEX_KINDS], uint32_t tenant, uint64_t id,
		const struct record_peek *peek)
{
	for (int i = 0; i < INDEX_KINDS; i++) {
		enum store_index kind = (enum store_index)(INDEX_SERIAL + i);
		struct slice value = value_of(peek, kind);
		out[i].n = 0;
		if (!value.p || !value.n)
			continue;
		size_t n = index_prefix(out[i].bytes, tenant, kind, value);
		put_u64(out[i].bytes + n, id);
		out[i].n = n + 8;
	}
}

static MDB_val key_val(struct index_key *k)
{
	return (MDB_val){ k->n, k->bytes };
}

bool index_covers(const struct tenant *tenant, uint64_t id)
{
	return tenant->now.row.indexed || id <= tenant->now.index_reach;
}

int index_update(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *before,
		 const struct record_peek *after)
{
	struct index_key old[INDEX_KINDS], now[INDEX_KINDS];
	if (!index_covers(tenant, id))
		return OK;
	/* A sorted run in memory may hold entries that are wrong from here on. */
	index_run_forget(&t->s->index_run, tenant->now.row.number);
	if (before)
		index_keys(old, tenant->now.row.number, id, before);
	if (after)
		index_keys(now, tenant->now.row.number, id, after);
	for (int i = 0; i < INDEX_KINDS; i++) {
		bool had = before && old[i].n, has = after && now[i].n;
		if (had && has && old[i].n == now[i].n && !memcmp(old[i].bytes, now[i].bytes, now[i].n) &&
		    tenant->now.row.indexed)
			continue;
		int rc = had ? txn_delete(t, DB_INDEXES, key_val(&old[i])) : OK;
		if (rc && rc != E_NOT_FOUND)
			return rc;
		if (has && (rc = txn_put(t, DB_INDEXES, key_val(&now[i]), (MDB_val){ 0, (void *)"" })))
			return rc;
	}
	return OK;
}

static int same_machine(struct store_txn *t, uint32_t tenant, uint64_t id, const struct record_peek *peek,
			bool *same)
{
	struct row_key k;
	MDB_val value;
	struct device_head head;
	struct slice stable;
	struct record_peek other;
	*same = false;
	int rc = txn_get(t, DB_DEVICES, row_key(&k, tenant, id), &value);
	if (rc)
		return rc == E_NOT_FOUND ? OK : rc;
	if (!device_head_get(value, &head, &stable) || record_peek_index(&other, stable, &t->old_text))
		return OK;
	*same = slice_eq(other.uuid, peek->uuid) && slice_eq(other.serial, peek->serial);
	return OK;
}

int index_replaced(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *peek,
		   uint64_t *replaced)
{
	unsigned char prefix[INDEX_KEY_MAX];
	MDB_cursor *cursor;
	MDB_val value;
	*replaced = 0;
	if (!tenant->now.row.indexed || !peek->uuid.n || !peek->serial.n)
		return OK;
	size_t n = index_prefix(prefix, tenant->now.row.number, INDEX_UUID, peek->uuid);
	MDB_val key = { n, prefix };
	int rc = txn_cursor(t, DB_INDEXES, &cursor);
	if (rc)
		return rc;
	int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (int looked = 0; !mdb_rc && looked < REPLACED_CANDIDATES; looked++) {
		if (key.mv_size != n + 8 || memcmp(key.mv_data, prefix, n) != 0)
			break;
		uint64_t other = get_u64((const unsigned char *)key.mv_data + n);
		bool same = false;
		rc = other == id ? OK : same_machine(t, tenant->now.row.number, other, peek, &same);
		if (rc)
			return rc;
		if (same)
			*replaced = other;
		mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return mdb_rc && mdb_rc != MDB_NOTFOUND ? txn_fail(t, mdb_rc, "reading an index") : OK;
}
