/* Devices by scan or by index, and one device by its names. */
#include "base/mem.h"
#include "query/policy_names.h"
#include "query/query_state.h"

#include <stdlib.h>

static int note_id(void *arg, uint64_t id)
{
	struct query_ids *ids = arg;
	if (ids->count == ids->cap) {
		size_t cap = ids->cap ? ids->cap * 2 : 256;
		uint64_t *items = mem_realloc(ids->items, cap * sizeof(*items));
		if (!items)
			return E_NOMEM;
		ids->items = items;
		ids->cap = cap;
	}
	ids->items[ids->count++] = id;
	return OK;
}

/* Answers OK for one that does not match. */
static int add_if_matching(void *arg, const struct store_device *d)
{
	struct query *q = arg;
	size_t begun = q->rows->len;
	q->from = d->id + 1;
	int rc = record_join(q->rows, q->tenant.name, d->id, d->stable, d->packed.p, d->packed.n, &q->now);
	if (rc)
		return rc;
	struct slice record = { q->rows->data + begun, (uint32_t)(q->rows->len - begun) };
	if (device_filter_matches(&q->request.filter, record, &q->scratch))
		return query_row_end(q);
	q->rows->len = begun;
	return OK;
}

static int slice_by_index(struct query *q, int (*each)(void *arg, const struct store_device *d))
{
	while (q->ids.at < q->ids.count) {
		int rc = store_device(q->store, q->tenant.number, q->ids.items[q->ids.at++], each, q);
		if (rc && rc != E_NOT_FOUND) /* deleted since the index was read */
			return rc;
	}
	return OK;
}

/* At the end of the scan the answer is OK; QUERY_FULL: go on at q->from. */
static int slice_by_scan(struct query *q, int (*each)(void *arg, const struct store_device *d))
{
	return store_devices(q->store, q->tenant.number, q->from, each, q);
}

static int find_by_filter(struct query *q)
{
	const struct device_filter *f = &q->request.filter;
	const char *value = f->owner ? f->owner : f->group ? f->group : f->state;
	enum store_index index = f->owner ? INDEX_OWNER : f->group ? INDEX_GROUP : INDEX_STATE;
	if (!q->tenant.indexed || !value || q->by_index)
		return OK;
	q->by_index = true;
	return store_index_find(q->store, q->tenant.number, index, slice_of(value), note_id, &q->ids);
}

int query_devices_slice(struct query *q, struct err *e)
{
	int rc = find_by_filter(q);
	if (!rc)
		rc = q->by_index ? slice_by_index(q, add_if_matching) : slice_by_scan(q, add_if_matching);
	q->ended = rc == OK || (rc == QUERY_FULL && !q->by_index && q->from == 0);
	return query_failed(q, rc == QUERY_FULL ? OK : rc, e, "listing the devices");
}

/* ---- one device ---- */

enum { KEY_ID, KEY_SERIAL, KEY_UUID, KEYS };
static const struct {
	enum store_index index;
	const char *path;
} keys[KEYS] = {
	[KEY_SERIAL] = { INDEX_SERIAL, "identity.serial" },
	[KEY_UUID] = { INDEX_UUID, "identity.uuid" },
};

static int add_if_named(void *arg, const struct store_device *d)
{
	struct query *q = arg;
	const char *path = keys[q->key].path;
	q->from = d->id + 1;
	buf_reset(&q->row);
	int rc = record_join(&q->row, q->tenant.name, d->id, d->stable, d->packed.p, d->packed.n, &q->now);
	if (rc)
		return rc;
	if (path && !device_filter_same(buf_slice(&q->row), path, q->request.word, &q->scratch))
		return OK;
	q->found++;
	policy_names_join(q->rows, buf_slice(&q->row), &q->policies);
	return query_row_end(q);
}

static int by_id(struct query *q)
{
	char *end;
	const char *word = q->request.word;
	uint64_t id = strtoull(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end)
		return OK;
	int rc = store_device(q->store, q->tenant.number, id, add_if_named, q);
	return rc == E_NOT_FOUND || rc == QUERY_FULL ? OK : rc;
}

static int by_key(struct query *q)
{
	if (!q->tenant.indexed)
		return slice_by_scan(q, add_if_named);
	if (!q->by_index) {
		q->by_index = true;
		q->ids.count = q->ids.at = 0;
		int rc = store_index_find(q->store, q->tenant.number, keys[q->key].index,
					  slice_of(q->request.word), note_id, &q->ids);
		if (rc)
			return rc;
	}
	return slice_by_index(q, add_if_named);
}

/* A word is tried as one kind of name after the other; the first that finds
 * something is it. Several devices may share a serial. */
int query_device_slice(struct query *q, struct err *e)
{
	int rc = q->key == KEY_ID ? by_id(q) : by_key(q);
	if (rc == QUERY_FULL && !q->by_index && q->from == 0)
		rc = OK; /* the last id there can be */
	if (rc == OK) {
		q->ended = q->found > 0 || q->key == KEY_UUID;
		q->key++;
		q->from = 0;
		q->by_index = false;
	}
	return query_failed(q, rc == QUERY_FULL ? OK : rc, e, "reading the device");
}
