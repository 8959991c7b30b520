#include "store/index_run.h"

#include "base/must.h"
#include "store/apply.h"
#include "store/env.h"
#include "store/index.h"
#include "store/limits.h"

void index_run_release(struct index_run *r)
{
	mem_free(r->memory);
	*r = (struct index_run){ 0 };
}

void index_run_forget(struct index_run *r, uint32_t tenant)
{
	if (r->tenant == tenant)
		index_run_release(r);
}

static bool has_room(const struct index_run *r)
{
	size_t used = r->keys_bytes + r->count * sizeof(*r->entries);
	return INDEX_RUN_BYTES - used >= INDEX_KINDS * (INDEX_KEY_MAX + sizeof(*r->entries)) &&
	       INDEX_SPARE_BYTES / sizeof(*r->entries) >= r->count + INDEX_KINDS;
}

static void add(struct index_run *r, const struct index_key *key)
{
	must(r->entries);
	struct index_run_entry *entry = --r->entries;
	unsigned char *to = r->memory + r->keys_bytes;
	entry->n = (uint32_t)(key->n - TENANT_KEY_BYTES);
	entry->at = (uint32_t)r->keys_bytes;
	memcpy(to, key->bytes + TENANT_KEY_BYTES, entry->n);
	entry->prefix = get_u64(to);
	r->keys_bytes += entry->n;
	r->count++;
}

/* Fills the run with devices after `upto` until it is full. */
static int collect(struct store_txn *t, struct index_run *r, uint32_t tenant, uint64_t upto)
{
	MDB_cursor *cursor;
	struct row_key k;
	MDB_val key = row_key(&k, tenant, upto + 1), value;
	struct index_key keys[INDEX_KINDS];
	int rc = txn_cursor(t, DB_DEVICES, &cursor);
	if (rc)
		return rc;
	int mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; !mdb_rc && has_room(r); mdb_rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		struct device_head head;
		struct slice stable;
		struct record_peek peek;
		uint32_t number;
		uint64_t id;
		if (!row_key_parse(key, &number, &id) || number != tenant) {
			mdb_rc = MDB_NOTFOUND;
			break;
		}
		if (!device_head_get(value, &head, &stable) || record_peek_index(&peek, stable, &t->new_text))
			return err_set(&t->err, E_CORRUPT,
				       "the device %llu of tenant %u cannot be read; restore a backup",
				       (unsigned long long)id, (unsigned)tenant);
		index_keys(keys, tenant, id, &peek);
		for (int i = 0; i < INDEX_KINDS; i++)
			if (keys[i].n)
				add(r, &keys[i]);
		r->last = id;
	}
	if (mdb_rc && mdb_rc != MDB_NOTFOUND)
		return txn_fail(t, mdb_rc, "reading the devices");
	r->final = mdb_rc == MDB_NOTFOUND;
	return OK;
}

/* The memory of the run before is taken, if there is any: giving back and taking
 * blocks of this size between the pages of LMDB leaves holes. */
static int make_empty(struct store_txn *t, struct index_run *r, const struct tenant *tenant)
{
	unsigned char *memory = r->memory;
	if (!memory)
		memory = mem_alloc(INDEX_RUN_BYTES + INDEX_SPARE_BYTES);
	*r = (struct index_run){ .memory = memory };
	if (!memory)
		return err_set(&t->err, E_NOMEM, "out of memory while building the indexes of \"%s\"",
			       tenant->now.row.name);
	r->tenant = tenant->now.row.number;
	r->last = tenant->now.index_upto;
	r->entries = r->spare = (struct index_run_entry *)(void *)(memory + INDEX_RUN_BYTES);
	return OK;
}

/* `whole`: only a run that is full, there are more devices to come. */
static int begin_run(struct store_txn *t, struct index_run *r, struct tenant *tenant, bool whole)
{
	int rc = make_empty(t, r, tenant);
	if (!rc && r->last != UINT64_MAX)
		rc = collect(t, r, r->tenant, r->last);
	if (rc) {
		index_run_release(r);
	} else if (whole && r->final) {
		r->tenant = 0;
	} else {
		tenant->now.index_reach = r->last;
		index_run_sort(r);
	}
	return rc;
}

enum { AHEAD = 8 };

/* Which page an entry went to is not told, but two of one page are less than a
 * page apart. */
static bool is_apart(const void *at, const void *before)
{
	return (uintptr_t)at - (uintptr_t)before + INDEX_PAGE_BYTES >= 2 * INDEX_PAGE_BYTES;
}

/* Every page that is touched stays in memory until the commit, so they are
 * counted as well: the last entries of a large tenant go to a page each. */
static int put_step(struct store_txn *t, struct index_run *r)
{
	unsigned char bytes[INDEX_KEY_MAX];
	const void *before = NULL;
	unsigned pages = 0;
	MDB_cursor *cursor;
	int rc = txn_cursor(t, DB_INDEXES, &cursor);
	if (rc)
		return rc;
	size_t end = r->count - r->done > INDEX_STEP_ENTRIES ? r->done + INDEX_STEP_ENTRIES : r->count;
	put_u32(bytes, r->tenant);
	for (; r->done < end && pages < INDEX_STEP_PAGES; r->done++) {
		const struct index_run_entry *entry = &r->entries[r->done];
		MDB_val key = { TENANT_KEY_BYTES + entry->n, bytes }, value = { 0, (void *)"" };
		memcpy(bytes + TENANT_KEY_BYTES, r->memory + entry->at, entry->n);
		/* sorted entries have their keys anywhere: fetch one of those to come */
		__builtin_prefetch(r->memory + (entry + (end - r->done > AHEAD ? AHEAD : 0))->at);
		int mdb_rc = mdb_cursor_put(cursor, &key, &value, MDB_NOOVERWRITE | MDB_RESERVE);
		if (mdb_rc && mdb_rc != MDB_KEYEXIST)
			return txn_fail(t, mdb_rc, "writing an index");
		pages += is_apart(value.mv_data, before);
		before = value.mv_data;
		t->writes++;
	}
	return OK;
}

/* One step for the tenant whose run is in memory. */
static int step_run(struct store_txn *t, struct index_run *r, struct tenant *tenant)
{
	int rc = put_step(t, r);
	if (rc || r->done < r->count)
		return rc;
	tenant->dirty = true;
	tenant->now.index_upto = r->last;
	tenant->now.row.indexed = r->final;
	if (r->final)
		index_run_release(r);
	r->tenant = 0;
	return OK;
}

/* There is memory for one run, so tenants take turns: a job that finds another
 * tenant's run under way moves that one on, and its own begins when it is done. */
static int step_other(struct store_txn *t, struct index_run *r)
{
	struct tenant *tenant;
	int rc = txn_tenant(t, r->tenant, &tenant);
	return rc ? rc : step_run(t, r, tenant);
}

int apply_index_run(struct store_job *base, struct store_txn *t)
{
	struct apply_index *job = (struct apply_index *)base;
	struct index_run *r = &t->s->index_run;
	struct tenant *tenant;
	int rc = txn_tenant(t, job->tenant, &tenant);
	if (rc)
		return rc;
	job->next = tenant->now.index_upto;
	job->more = false;
	if (tenant->now.row.indexed)
		return OK;
	tenant->dirty = true;
	if (r->tenant && r->tenant != job->tenant) {
		job->more = true;
		return step_other(t, r);
	}
	if (!r->tenant && (rc = begin_run(t, r, tenant, job->early)))
		return rc;
	if (r->tenant && (rc = step_run(t, r, tenant)))
		return rc;
	job->more = job->early ? r->tenant != 0 : !tenant->now.row.indexed;
	job->next = tenant->now.index_upto;
	return OK;
}
