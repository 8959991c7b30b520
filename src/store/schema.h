/* What stands in the store's databases: names, keys, and the small binary
 * values. Every key but those of `meta` and `tenants` begins with the tenant's
 * number, big-endian, so a tenant is one range of each database and id order
 * is key order.
 *
 *   meta        "format" -> u32, "numbers" -> u32: the highest number a tenant had
 *   tenants     name -> tenant row (tenant.h)
 *   devices     tenant, id -> device_head, stable part (model/record.h)
 *   volatile    tenant, id -> length byte, packed volatile members, zeros to a
 *               multiple of 8: values that keep their size are overwritten in
 *               place and pages stay full
 *   details     tenant, id -> detail_head, packed facts of the detail and of
 *               the filtered lists (none: the detail was only tried)
 *   indexes     tenant, kind, folded value (index.h), id -> nothing
 *   changes     tenant, sequence -> JSON
 *   missing     tenant, id -> missing_mark
 *   tombstones  tenant, id -> tombstone_head, stable part as it stood last
 *   policies    tenant, policy id -> critical byte, name
 *   rejects     tenant, running number -> JSON */
#pragma once

#include "base/slice.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_db {
	DB_META,
	DB_TENANTS,
	DB_DEVICES,
	DB_VOLATILE,
	DB_DETAILS,
	DB_INDEXES,
	DB_CHANGES,
	DB_MISSING,
	DB_TOMBSTONES,
	DB_POLICIES,
	DB_REJECTS,
	DB_COUNT
};
const char *schema_db_name(enum store_db db);

enum { ROW_KEY_BYTES = 12, TENANT_KEY_BYTES = 4 };

/* The key of one row; `val` points into it, so it must stay where it is. */
struct row_key {
	unsigned char bytes[ROW_KEY_BYTES];
};
MDB_val row_key(struct row_key *k, uint32_t tenant, uint64_t id);
/* False when the key has another length. */
bool row_key_parse(MDB_val key, uint32_t *tenant, uint64_t *id);
/* Whether a key of any tenant database belongs to the tenant. */
bool key_of_tenant(MDB_val key, uint32_t tenant);

void put_u32(unsigned char *p, uint32_t v);
void put_u64(unsigned char *p, uint64_t v);
uint32_t get_u32(const unsigned char *p);
uint64_t get_u64(const unsigned char *p);

/* Changes only when the record does; `list_at` is when it last did. */
struct device_head {
	int64_t created_at, first_seen, list_at;
};
enum { DEVICE_HEAD_BYTES = 24 };
void device_head_put(unsigned char *p, const struct device_head *h);
/* False when the value is too short to be a device. */
bool device_head_get(MDB_val value, struct device_head *h, struct slice *stable);

enum { VOLATILE_VALUE_MAX = 168 };
/* Returns the length of the value. */
size_t volatile_value_put(unsigned char out[VOLATILE_VALUE_MAX], const unsigned char *packed, size_t n);
bool volatile_value_get(MDB_val value, struct slice *packed);

struct detail_head {
	int64_t tried_at, fetched_at; /* 0: never; never with success */
};
enum { DETAIL_HEAD_BYTES = 16 };
void detail_head_put(unsigned char *p, const struct detail_head *h);
bool detail_head_get(MDB_val value, struct detail_head *h, struct slice *packed);

struct missing_mark {
	uint64_t walk;    /* the last walk that did not see the device */
	int64_t since;    /* when it was first not seen */
	uint64_t earlier; /* a completed walk before that did not see it either; 0: none */
};
enum { MISSING_MARK_BYTES = 24 };
void missing_mark_put(unsigned char *p, const struct missing_mark *m);
bool missing_mark_get(MDB_val value, struct missing_mark *m);

enum tombstone_kind { TOMBSTONE_DELETED = 1, TOMBSTONE_OUT_OF_SCOPE = 2 };
/* The word of the change feed; never NULL. */
const char *tombstone_kind_name(enum tombstone_kind k);
struct tombstone_head {
	enum tombstone_kind kind;
	int64_t at, created_at, first_seen;
};
enum { TOMBSTONE_HEAD_BYTES = 32 };
void tombstone_head_put(unsigned char *p, const struct tombstone_head *h);
bool tombstone_head_get(MDB_val value, struct tombstone_head *h, struct slice *stable);
