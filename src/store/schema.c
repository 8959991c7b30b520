#include "store/schema.h"

#include "base/must.h"
#include "model/record.h"

#include <endian.h>

_Static_assert(VOLATILE_VALUE_MAX >= RECORD_VOLATILE_MAX + 1 && VOLATILE_VALUE_MAX % 8 == 0,
	       "room for a length byte and padding");
_Static_assert(RECORD_VOLATILE_MAX <= 255, "the length is one byte");

const char *schema_db_name(enum store_db db)
{
	static const char *const names[DB_COUNT] = {
		[DB_META] = "meta",         [DB_TENANTS] = "tenants", [DB_DEVICES] = "devices",
		[DB_VOLATILE] = "volatile", [DB_DETAILS] = "details", [DB_INDEXES] = "indexes",
		[DB_CHANGES] = "changes",   [DB_MISSING] = "missing", [DB_TOMBSTONES] = "tombstones",
		[DB_POLICIES] = "policies", [DB_REJECTS] = "rejects",
	};
	must(db < DB_COUNT);
	return names[db];
}

void put_u32(unsigned char *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

void put_u64(unsigned char *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

uint32_t get_u32(const unsigned char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

uint64_t get_u64(const unsigned char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static void put_i64(unsigned char *p, int64_t v)
{
	put_u64(p, (uint64_t)v);
}

static int64_t get_i64(const unsigned char *p)
{
	return (int64_t)get_u64(p);
}

static struct slice rest_of(MDB_val value, size_t head)
{
	return (struct slice){ (const char *)value.mv_data + head, (uint32_t)(value.mv_size - head) };
}

MDB_val row_key(struct row_key *k, uint32_t tenant, uint64_t id)
{
	put_u32(k->bytes, tenant);
	put_u64(k->bytes + 4, id);
	return (MDB_val){ sizeof(k->bytes), k->bytes };
}

bool row_key_parse(MDB_val key, uint32_t *tenant, uint64_t *id)
{
	const unsigned char *p = key.mv_data;
	if (key.mv_size != ROW_KEY_BYTES)
		return false;
	*tenant = get_u32(p);
	*id = get_u64(p + 4);
	return true;
}

bool key_of_tenant(MDB_val key, uint32_t tenant)
{
	return key.mv_size >= TENANT_KEY_BYTES && get_u32(key.mv_data) == tenant;
}

void device_head_put(unsigned char *p, const struct device_head *h)
{
	put_i64(p, h->created_at);
	put_i64(p + 8, h->first_seen);
	put_i64(p + 16, h->list_at);
}

bool device_head_get(MDB_val value, struct device_head *h, struct slice *stable)
{
	const unsigned char *p = value.mv_data;
	if (value.mv_size <= DEVICE_HEAD_BYTES)
		return false;
	*h = (struct device_head){ get_i64(p), get_i64(p + 8), get_i64(p + 16) };
	*stable = rest_of(value, DEVICE_HEAD_BYTES);
	return true;
}

size_t volatile_value_put(unsigned char out[VOLATILE_VALUE_MAX], const unsigned char *packed, size_t n)
{
	size_t whole = (n + 1 + 7) / 8 * 8;
	must(n <= RECORD_VOLATILE_MAX);
	out[0] = (unsigned char)n;
	memcpy(out + 1, packed, n);
	memset(out + 1 + n, 0, whole - n - 1);
	return whole;
}

bool volatile_value_get(MDB_val value, struct slice *packed)
{
	const unsigned char *p = value.mv_data;
	if (value.mv_size < 1 || value.mv_size < 1u + p[0])
		return false;
	*packed = (struct slice){ (const char *)p + 1, p[0] };
	return true;
}

void detail_head_put(unsigned char *p, const struct detail_head *h)
{
	put_i64(p, h->tried_at);
	put_i64(p + 8, h->fetched_at);
}

bool detail_head_get(MDB_val value, struct detail_head *h, struct slice *packed)
{
	const unsigned char *p = value.mv_data;
	if (value.mv_size < DETAIL_HEAD_BYTES)
		return false;
	*h = (struct detail_head){ get_i64(p), get_i64(p + 8) };
	*packed = rest_of(value, DETAIL_HEAD_BYTES);
	return true;
}

void missing_mark_put(unsigned char *p, const struct missing_mark *m)
{
	put_u64(p, m->walk);
	put_i64(p + 8, m->since);
	put_u64(p + 16, m->earlier);
}

bool missing_mark_get(MDB_val value, struct missing_mark *m)
{
	const unsigned char *p = value.mv_data;
	if (value.mv_size != MISSING_MARK_BYTES)
		return false;
	*m = (struct missing_mark){ get_u64(p), get_i64(p + 8), get_u64(p + 16) };
	return true;
}

const char *tombstone_kind_name(enum tombstone_kind k)
{
	return k == TOMBSTONE_OUT_OF_SCOPE ? "out_of_scope" : "deleted";
}

void tombstone_head_put(unsigned char *p, const struct tombstone_head *h)
{
	put_u64(p, h->kind);
	put_i64(p + 8, h->at);
	put_i64(p + 16, h->created_at);
	put_i64(p + 24, h->first_seen);
}

bool tombstone_head_get(MDB_val value, struct tombstone_head *h, struct slice *stable)
{
	const unsigned char *p = value.mv_data;
	if (value.mv_size < TOMBSTONE_HEAD_BYTES)
		return false;
	*h = (struct tombstone_head){ (enum tombstone_kind)get_u64(p), get_i64(p + 8), get_i64(p + 16),
				      get_i64(p + 24) };
	*stable = rest_of(value, TOMBSTONE_HEAD_BYTES);
	return true;
}
