#include "store/index.h"
#include "store/limits.h"
#include "store/verify.h"

struct devices_check {
	const struct tenant_state *tenant;
	uint64_t devices, entries;
	struct buf text;
	struct buf json; /* whether a record can be read is seen by reading all of it */
};

static int one_device(struct verify *v, void *arg, MDB_val key, MDB_val value)
{
	struct devices_check *c = arg;
	struct device_head head;
	struct slice stable, packed;
	struct record_peek peek;
	struct index_key keys[INDEX_KINDS];
	const char *name = c->tenant->row.name;
	uint32_t number;
	uint64_t id;
	MDB_val found;
	c->devices++;
	if (!row_key_parse(key, &number, &id)) {
		verify_found(v, "tenant \"%s\": a key of devices has %zu bytes", name, key.mv_size);
		return OK;
	}
	if (!verify_exists(v, DB_VOLATILE, key, &found) || !volatile_value_get(found, &packed))
		verify_found(v, "tenant \"%s\": host %llu has no volatile members", name,
			     (unsigned long long)id);
	buf_reset(&c->json);
	if (!device_head_get(value, &head, &stable) || record_peek(&peek, stable, &c->text) ||
	    record_expand(&c->json, name, id, stable)) {
		verify_found(v, "tenant \"%s\": the record of host %llu cannot be read", name,
			     (unsigned long long)id);
		return OK;
	}
	if (!c->tenant->row.indexed)
		return OK;
	index_keys(keys, number, id, &peek);
	for (int i = 0; i < INDEX_KINDS; i++) {
		if (!keys[i].n)
			continue;
		c->entries++;
		if (!verify_exists(v, DB_INDEXES, (MDB_val){ keys[i].n, keys[i].bytes }, &found))
			verify_found(v, "tenant \"%s\": index %d lacks host %llu", name, INDEX_SERIAL + i,
				     (unsigned long long)id);
	}
	return OK;
}

static int count_entry(struct verify *v, void *arg, MDB_val key, MDB_val value)
{
	(void)v;
	(void)key;
	(void)value;
	++*(uint64_t *)arg;
	return OK;
}

/* Whether the entry's device gives this entry. */
static bool entry_is_right(struct verify *v, struct devices_check *c, MDB_val key, uint64_t *id)
{
	const unsigned char *p = key.mv_data;
	struct row_key k;
	struct device_head head;
	struct slice stable;
	struct record_peek peek;
	struct index_key keys[INDEX_KINDS];
	MDB_val value;
	*id = key.mv_size > 8 ? get_u64(p + key.mv_size - 8) : 0;
	if (!verify_exists(v, DB_DEVICES, row_key(&k, c->tenant->row.number, *id), &value) ||
	    !device_head_get(value, &head, &stable) || record_peek_index(&peek, stable, &c->text))
		return false;
	index_keys(keys, c->tenant->row.number, *id, &peek);
	for (int i = 0; i < INDEX_KINDS; i++)
		if (keys[i].n == key.mv_size && !memcmp(keys[i].bytes, p, key.mv_size))
			return true;
	return false;
}

static int find_wrong_entry(struct verify *v, void *arg, MDB_val key, MDB_val value)
{
	struct devices_check *c = arg;
	uint64_t id;
	(void)value;
	if (!entry_is_right(v, c, key, &id))
		verify_found(v, "tenant \"%s\": an index entry of host %llu does not belong to it",
			     c->tenant->row.name, (unsigned long long)id);
	return OK;
}

/* Every entry a device must have was looked up, and no two are the same: when
 * the counts agree too, there is no other entry. */
static int check_entries(struct verify *v, struct devices_check *c)
{
	uint64_t count = 0;
	int rc = verify_rows(v, DB_INDEXES, c->tenant->row.number, count_entry, &count);
	if (rc || !c->tenant->row.indexed || count == c->entries)
		return rc;
	return verify_rows(v, DB_INDEXES, c->tenant->row.number, find_wrong_entry, c);
}

int verify_devices(struct verify *v, const struct tenant_state *t)
{
	struct devices_check c = { .tenant = t };
	buf_init(&c.text, RECORD_BYTES_MAX);
	buf_init(&c.json, RECORD_JSON_MAX);
	int rc = verify_rows(v, DB_DEVICES, t->row.number, one_device, &c);
	if (!rc && c.devices != t->row.devices)
		verify_found(v, "tenant \"%s\": devices has %llu rows, %llu were counted", t->row.name,
			     (unsigned long long)c.devices, (unsigned long long)t->row.devices);
	if (!rc)
		rc = check_entries(v, &c);
	buf_release(&c.text);
	buf_release(&c.json);
	return rc;
}
