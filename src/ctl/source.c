#include "ctl/source.h"

#include "base/mem.h"
#include "base/suggest.h"
#include "query/value.h"

#include <stdlib.h>
#include <strings.h>

/* A batch is handed out once it holds this much; one record may be larger. */
enum { BATCH_BYTES = 256 << 10, BATCH_CEILING = 64 << 20, SCRATCH_BYTES = 8 << 10, STOP = 1 };

/* ---- tenants ---- */

struct names {
	char **items;
	size_t count, cap;
};

static int note_name(void *arg, const struct tenant_row *row)
{
	struct names *n = arg;
	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 32;
		char **items = mem_realloc(n->items, cap * sizeof(*items));
		if (!items)
			return E_NOMEM;
		n->items = items;
		n->cap = cap;
	}
	n->items[n->count] = mem_strdup(row->name);
	return n->items[n->count++] ? OK : E_NOMEM;
}

static void names_release(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		mem_free(n->items[i]);
	mem_free(n->items);
}

static int unknown_tenant(struct store *s, const char *name, struct err *e)
{
	struct names n = { 0 };
	int rc = store_tenants(s, note_name, &n);
	const char *near = rc ? NULL : suggest(name, (const char *const *)n.items, n.count);
	if (rc)
		err_set(e, rc, "the tenants could not be read: %s", err_meaning(rc));
	else if (near)
		rc = err_set(e, E_NOT_FOUND, "no tenant is called \"%s\": did you mean \"%s\"?", name, near);
	else if (n.count)
		rc = err_set(e, E_NOT_FOUND, "no tenant is called \"%s\": \"musterctl tenants\" lists them",
			     name);
	else
		rc = err_set(
			e, E_NOT_FOUND,
			"no tenant is called \"%s\": the store holds none yet, \"musterd --once\" syncs them",
			name);
	names_release(&n);
	return rc;
}

int source_tenant(struct store *s, const char *name, struct tenant_row *row, struct err *e)
{
	int rc = store_tenant_by_name(s, name, row);
	if (rc == E_NOT_FOUND)
		return unknown_tenant(s, name, e);
	return rc ? err_set(e, rc, "tenant \"%s\" could not be read: %s", name, err_meaning(rc)) : OK;
}

int source_tenants(struct store *s, const char *name, int (*each)(void *arg, const struct tenant_row *row),
		   void *arg, struct err *e)
{
	struct tenant_row row;
	struct names n = { 0 };
	int rc;
	if (name) {
		rc = source_tenant(s, name, &row, e);
		return rc ? rc : each(arg, &row);
	}
	rc = store_tenants(s, note_name, &n);
	if (rc)
		err_set(e, rc, "the tenants could not be read: %s", err_meaning(rc));
	for (size_t i = 0; i < n.count && !rc; i++) {
		rc = store_tenant_by_name(s, n.items[i], &row);
		if (!rc)
			rc = each(arg, &row);
		else if (rc == E_NOT_FOUND) /* removed since the names were read */
			rc = OK;
	}
	names_release(&n);
	return rc;
}

/* ---- batches ---- */

struct batch {
	struct buf rows;    /* separated by line feeds, which compact JSON has none of */
	struct buf scratch; /* its memory is taken before the first record, so that comparing cannot fail */
	uint64_t last;
	const char *tenant;
	const struct device_filter *filter;
	const struct record_now *now;
};

static int batch_init(struct batch *b, const struct tenant_row *tenant, const struct device_filter *f,
		      const struct record_now *now)
{
	*b = (struct batch){ .tenant = tenant->name, .filter = f, .now = now };
	buf_init(&b->rows, BATCH_CEILING);
	buf_init(&b->scratch, SCRATCH_BYTES);
	return buf_reserve(&b->scratch, SCRATCH_BYTES) ? OK : E_NOMEM;
}

static void batch_release(struct batch *b)
{
	buf_release(&b->rows);
	buf_release(&b->scratch);
}

static int batch_device(void *arg, const struct store_device *d)
{
	struct batch *b = arg;
	size_t begun = b->rows.len;
	int rc = record_join(&b->rows, b->tenant, d->id, d->stable, d->packed.p, d->packed.n, b->now);
	if (rc)
		return rc;
	struct slice record = { b->rows.data + begun, (uint32_t)(b->rows.len - begun) };
	if (b->filter && !device_filter_matches(b->filter, record, &b->scratch)) {
		b->rows.len = begun;
		return OK;
	}
	buf_putc(&b->rows, '\n');
	b->last = d->id;
	return b->rows.failed ? b->rows.failed : b->rows.len >= BATCH_BYTES ? STOP : OK;
}

/* Empties the batch. */
static int batch_hand_out(struct batch *b, int (*each)(void *arg, struct slice row), void *arg)
{
	const char *p = b->rows.data, *end = p + b->rows.len;
	int rc = OK;
	while (!rc && b->rows.len && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (!stop)
			break;
		rc = each(arg, (struct slice){ p, (uint32_t)(stop - p) });
		p = stop + 1;
	}
	buf_reset(&b->rows);
	return rc;
}

/* ---- devices ---- */

/* A text that is longer than the scratch buffer is not the one that is wanted. */
static bool same_text(struct slice value, const char *wanted, struct buf *scratch)
{
	buf_reset(scratch);
	return value_text(scratch, value) && !scratch->failed && strlen(wanted) == scratch->len &&
	       strncasecmp(scratch->data, wanted, scratch->len) == 0;
}

static bool any_same(struct slice array, const char *wanted, struct buf *scratch)
{
	struct value_iter it;
	struct slice item;
	if (!value_open(&it, array))
		return false;
	while (value_next(&it, NULL, &item))
		if (same_text(item, wanted, scratch))
			return true;
	return false;
}

bool device_filter_matches(const struct device_filter *f, struct slice record, struct buf *scratch)
{
	if (f->state && !same_text(value_at(record, "compliance.state"), f->state, scratch))
		return false;
	if (f->platform && !same_text(value_at(record, "os.family"), f->platform, scratch) &&
	    !same_text(value_at(record, "os.platform"), f->platform, scratch))
		return false;
	if (f->owner && !same_text(value_at(record, "owner.email"), f->owner, scratch))
		return false;
	return !f->group || any_same(value_at(record, "access.groups"), f->group, scratch);
}

struct ids {
	uint64_t *items;
	size_t count, cap;
};

static int note_id(void *arg, uint64_t id)
{
	struct ids *ids = arg;
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

static int devices_by_index(struct store *s, uint32_t tenant, enum store_index index, const char *value,
			    struct batch *b, int (*each)(void *arg, struct slice record), void *arg)
{
	struct ids ids = { 0 };
	int rc = store_index_find(s, tenant, index, slice_of(value), note_id, &ids);
	for (size_t i = 0; i < ids.count && rc >= OK; i++) {
		rc = store_device(s, tenant, ids.items[i], batch_device, b);
		if (rc == E_NOT_FOUND) /* deleted since the index was read */
			rc = OK;
		if (rc == STOP)
			rc = batch_hand_out(b, each, arg);
		if (rc > OK)
			break;
	}
	mem_free(ids.items);
	return rc ? rc : batch_hand_out(b, each, arg);
}

static int devices_by_scan(struct store *s, uint32_t tenant, struct batch *b,
			   int (*each)(void *arg, struct slice record), void *arg)
{
	uint64_t from = 0;
	int rc, answer;
	do {
		rc = store_devices(s, tenant, from, batch_device, b);
		if (rc < OK)
			return rc;
		answer = batch_hand_out(b, each, arg);
		if (answer)
			return answer;
		from = b->last + 1;
	} while (rc == STOP && from);
	return OK;
}

int source_devices(struct store *s, const struct tenant_row *tenant, const struct device_filter *f,
		   const struct record_now *now, int (*each)(void *arg, struct slice record), void *arg)
{
	struct batch b;
	int rc = batch_init(&b, tenant, f, now);
	if (rc)
		return rc;
	if (tenant->indexed && f->owner)
		rc = devices_by_index(s, tenant->number, INDEX_OWNER, f->owner, &b, each, arg);
	else if (tenant->indexed && f->group)
		rc = devices_by_index(s, tenant->number, INDEX_GROUP, f->group, &b, each, arg);
	else if (tenant->indexed && f->state)
		rc = devices_by_index(s, tenant->number, INDEX_STATE, f->state, &b, each, arg);
	else
		rc = devices_by_scan(s, tenant->number, &b, each, arg);
	batch_release(&b);
	return rc;
}

/* ---- one device ---- */

struct wanted {
	const char *path, *word;
	struct buf *scratch;
	int (*each)(void *arg, struct slice record);
	void *arg;
	size_t found;
};

static int pass_if_same(void *arg, struct slice record)
{
	struct wanted *w = arg;
	if (w->path && !same_text(value_at(record, w->path), w->word, w->scratch))
		return OK;
	w->found++;
	return w->each(w->arg, record);
}

int source_device(struct store *s, const struct tenant_row *tenant, const char *word,
		  const struct record_now *now, int (*each)(void *arg, struct slice record), void *arg)
{
	static const struct {
		enum store_index index;
		const char *path;
	} keys[] = { { INDEX_SERIAL, "identity.serial" }, { INDEX_UUID, "identity.uuid" } };
	struct batch b;
	struct wanted w = { NULL, word, &b.scratch, each, arg, 0 };
	char *end;
	uint64_t id = strtoull(word, &end, 10);
	int rc = batch_init(&b, tenant, NULL, now);
	if (!rc && word[0] >= '0' && word[0] <= '9' && !*end) {
		rc = store_device(s, tenant->number, id, batch_device, &b);
		rc = rc == E_NOT_FOUND ? OK : rc < OK ? rc : batch_hand_out(&b, pass_if_same, &w);
	}
	for (size_t i = 0; i < 2 && !rc && !w.found; i++) {
		w.path = keys[i].path;
		if (tenant->indexed)
			rc = devices_by_index(s, tenant->number, keys[i].index, word, &b, pass_if_same, &w);
		else
			rc = devices_by_scan(s, tenant->number, &b, pass_if_same, &w);
	}
	batch_release(&b);
	return rc;
}

/* ---- other rows ---- */

struct row_batch {
	struct buf rows;
	uint64_t last;
	struct ids keys;
};

static int batch_row(void *arg, uint64_t key, struct slice json)
{
	struct row_batch *b = arg;
	/* rows that share a key stay together: the next batch begins behind it */
	if (b->rows.len >= BATCH_BYTES && key != b->last)
		return STOP;
	buf_add(&b->rows, json.p, json.n);
	buf_putc(&b->rows, '\n');
	b->last = key;
	int rc = note_id(&b->keys, key);
	return rc ? rc : b->rows.failed;
}

static int rows_hand_out(struct row_batch *b, int (*each)(void *arg, uint64_t key, struct slice row),
			 void *arg)
{
	const char *p = b->rows.data;
	int rc = OK;
	for (size_t i = 0; i < b->keys.count && !rc; i++) {
		const char *stop = memchr(p, '\n', (size_t)(b->rows.data + b->rows.len - p));
		if (!stop)
			break;
		rc = each(arg, b->keys.items[i], (struct slice){ p, (uint32_t)(stop - p) });
		p = stop + 1;
	}
	buf_reset(&b->rows);
	b->keys.count = 0;
	return rc;
}

int source_rows(struct store *s, uint32_t tenant, enum store_rows what, uint64_t from,
		int (*each)(void *arg, uint64_t key, struct slice row), void *arg)
{
	struct row_batch b = { 0 };
	int rc, answer;
	buf_init(&b.rows, BATCH_CEILING);
	do {
		rc = store_rows(s, tenant, what, from, batch_row, &b);
		answer = rc < OK ? rc : rows_hand_out(&b, each, arg);
		from = what == ROWS_CHANGES ? b.last : b.last + 1;
	} while (rc == STOP && !answer && from);
	buf_release(&b.rows);
	mem_free(b.keys.items);
	return answer;
}
