#include "store/apply.h"

#include "base/must.h"
#include "store/device.h"
#include "store/env.h"
#include "store/missing.h"
#include "store/reject.h"

/* The two streams of the merge: the page's elements and the stored devices,
 * both in id order. */
struct merge {
	struct store_txn *t;
	struct apply_page *job;
	struct tenant *tenant;
	MDB_cursor *devices, *volatiles;
	bool stored; /* old_id and old are the stored device at hand */
	bool at_end; /* nothing at all stands behind: rows can be appended */
	uint64_t old_id;
	MDB_val old;
};

static int look(struct merge *m, MDB_val key, MDB_cursor_op op)
{
	uint32_t number;
	int rc = mdb_cursor_get(m->devices, &key, &m->old, op);
	m->stored = false;
	m->at_end = rc == MDB_NOTFOUND;
	if (rc)
		return m->at_end ? OK : txn_fail(m->t, rc, "reading the devices");
	m->stored = row_key_parse(key, &number, &m->old_id) && number == m->tenant->now.row.number;
	return OK;
}

static int next_stored(struct merge *m)
{
	return look(m, (MDB_val){ 0 }, MDB_NEXT);
}

/* Goes to the first stored device after `id`. */
static int seek_after(struct merge *m, uint64_t id)
{
	struct row_key k;
	if (id == UINT64_MAX) {
		m->stored = m->at_end = false;
		return OK;
	}
	return look(m, row_key(&k, m->tenant->now.row.number, id + 1), MDB_SET_RANGE);
}

static int put(struct merge *m, MDB_cursor *cursor, MDB_val key, MDB_val value)
{
	int rc = MDB_KEYEXIST;
	m->t->writes++;
	if (m->at_end)
		rc = mdb_cursor_put(cursor, &key, &value, MDB_APPEND);
	if (rc == MDB_KEYEXIST)
		rc = mdb_cursor_put(cursor, &key, &value, 0);
	return rc ? txn_fail(m->t, rc, "writing a device") : OK;
}

/* ---- one element ---- */

static int put_volatile_if_moved(struct merge *m, const struct device_work *w, bool *moved)
{
	struct row_key k;
	MDB_val key = row_key(&k, m->tenant->now.row.number, w->id), value;
	*moved = true;
	if (w->known) {
		int rc = mdb_cursor_get(m->volatiles, &key, &value, MDB_SET);
		if (rc && rc != MDB_NOTFOUND)
			return txn_fail(m->t, rc, "reading volatile members");
		*moved = rc || value.mv_size != w->packed_n ||
			 memcmp(value.mv_data, w->packed, w->packed_n) != 0;
	}
	return *moved ? put(m, m->volatiles, key, (MDB_val){ w->packed_n, (void *)w->packed }) : OK;
}

static int put_device(struct merge *m, struct device_work *w)
{
	struct row_key k;
	bool moved;
	int rc = put_volatile_if_moved(m, w, &moved);
	if (!rc)
		rc = put(m, m->devices, row_key(&k, m->tenant->now.row.number, w->id), device_value(m->t, w));
	/* the cursor stands on what was put */
	return rc || m->at_end ? rc : next_stored(m);
}

static int appears(struct merge *m, struct device_work *w, struct host *host)
{
	bool revived;
	int rc = device_derive(m->t, w, host, NULL, false);
	if (!rc)
		rc = device_appears(m->t, w, &revived);
	if (rc)
		return rc;
	if (revived)
		m->job->counts.revived++;
	else
		m->job->counts.created++;
	return put_device(m, w);
}

static int compare(struct merge *m, struct device_work *w, struct host *host)
{
	struct apply_counts *counts = &m->job->counts;
	bool was_missing, moved;
	int rc = device_derive(m->t, w, host, NULL, false);
	if (!rc)
		rc = missing_drop(m->t, m->tenant, w->id, &was_missing);
	if (rc)
		return rc;
	counts->returned += was_missing;
	if (!slice_eq(w->stable, w->old_stable) || w->head.created_at != w->old_head.created_at) {
		counts->changed++;
		if (!slice_eq(w->stable, w->old_stable) && (rc = device_differs(m->t, w)))
			return rc;
		return put_device(m, w);
	}
	if ((rc = put_volatile_if_moved(m, w, &moved)))
		return rc;
	if (moved)
		counts->volatile_only++;
	else
		counts->unchanged++;
	return next_stored(m);
}

static int may_replace(const struct merge *m)
{
	const struct tenant_row *row = &m->tenant->now.row;
	if (!m->job->guarded || tenant_row_deleted_24h(row, m->job->now) < m->job->deleted_max)
		return OK;
	return err_set(&m->t->err, E_HELD,
		       "too many of the %llu devices of \"%s\" have become other machines (same id, another "
		       "created_at), is this another server? they are held; to accept all of it: "
		       "--accept-deletions %s=%llu",
		       (unsigned long long)row->devices, row->name, row->name,
		       (unsigned long long)row->devices);
}

static int whole_element(struct merge *m, const struct page_element *element)
{
	struct device_work w;
	w.tenant = m->tenant;
	w.settings = m->job->settings;
	w.now = m->job->now;
	w.id = element->id;
	w.known = m->stored && m->old_id == element->id;
	w.old_peeked = false;
	if (!w.known)
		return appears(m, &w, element->host);
	if (!device_head_get(m->old, &w.old_head, &w.old_stable))
		return err_set(&m->t->err, E_CORRUPT,
			       "the device %llu of \"%s\" cannot be read; restore a backup",
			       (unsigned long long)w.id, m->tenant->now.row.name);
	if (!device_is_another(&w, element->host))
		return compare(m, &w, element->host);
	int rc = may_replace(m);
	if (rc)
		return rc;
	rc = device_goes(m->t, &w, TOMBSTONE_DELETED);
	m->job->counts.replaced++;
	w.known = false;
	w.old_peeked = false;
	/* The old row stands until it is overwritten, so nothing is appended. */
	return rc ? rc : appears(m, &w, element->host);
}

/* It cannot be read but it is there: the device keeps its old record. */
static int rejected_element(struct merge *m, const struct page_element *element)
{
	bool was;
	m->job->counts.rejected++;
	int rc = reject_add(m->t, m->tenant, element, m->job->now);
	if (rc || !m->stored || m->old_id != element->id)
		return rc;
	rc = missing_drop(m->t, m->tenant, element->id, &was);
	if (rc)
		return rc;
	m->job->counts.returned += was;
	return next_stored(m);
}

/* ---- the page ---- */

static int mark_until(struct merge *m, uint64_t last)
{
	while (m->stored && m->old_id <= last) {
		if (!m->job->page->rejected_without_id) {
			int rc = missing_add(m->t, m->tenant, m->old_id, m->job->now);
			if (rc)
				return rc;
			m->job->counts.marked_missing++;
		}
		int rc = next_stored(m);
		if (rc)
			return rc;
	}
	return OK;
}

static int merge_elements(struct merge *m)
{
	const struct page *page = m->job->page;
	uint64_t previous = m->job->after;
	int rc = seek_after(m, m->job->after);
	for (uint32_t i = 0; i < page->count && !rc; i++) {
		const struct page_element *element = &page->elements[i];
		if (!element->id) {
			m->job->counts.rejected++;
			rc = reject_add(m->t, m->tenant, element, m->job->now);
			continue;
		}
		if (element->id <= previous)
			return err_set(&m->t->err, E_ORDER,
				       "host %llu of \"%s\" came after host %llu; the page is refused",
				       (unsigned long long)element->id, m->tenant->now.row.name,
				       (unsigned long long)previous);
		previous = element->id;
		rc = mark_until(m, element->id - 1);
		if (!rc)
			rc = element->host ? whole_element(m, element) : rejected_element(m, element);
	}
	if (!rc && (m->job->end || m->job->last > m->job->after))
		rc = mark_until(m, m->job->end ? UINT64_MAX : m->job->last);
	return rc;
}

int apply_page_run(struct store_job *base, struct store_txn *t)
{
	struct apply_page *job = (struct apply_page *)base;
	struct merge m = { .t = t, .job = job };
	uint64_t writes_before = t->writes;
	job->counts = (struct apply_counts){ 0 };
	int rc = txn_tenant(t, job->tenant, &m.tenant);
	if (rc)
		return rc;
	struct tenant_row *row = &m.tenant->now.row;
	if (!row->walking || row->walk != job->walk)
		return err_set(&t->err, E_CONFLICT, "walk %llu of \"%s\" is not under way; begin a new one",
			       (unsigned long long)job->walk, row->name);
	/* The page before it failed while this one was waiting. */
	if (job->after != row->cursor)
		return err_set(&t->err, E_CONFLICT,
			       "a page of \"%s\" begins after host %llu, but its walk has come to host %llu; "
			       "the next sync goes on from there",
			       row->name, (unsigned long long)job->after, (unsigned long long)row->cursor);
	if (!(rc = device_policies(t, m.tenant, job->page)) &&
	    !(rc = txn_cursor(t, DB_DEVICES, &m.devices)) && !(rc = txn_cursor(t, DB_VOLATILE, &m.volatiles)))
		rc = merge_elements(&m);
	if (rc)
		return rc;
	if (job->last > row->cursor)
		row->cursor = job->last;
	row->walk_hosts += job->page->count;
	row->walk_touched_at = job->now;
	txn_tenant_settle(t, m.tenant, writes_before);
	return OK;
}
