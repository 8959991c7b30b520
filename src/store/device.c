#include "store/device.h"

#include "store/detail_row.h"
#include "store/feed.h"
#include "store/index.h"
#include "store/missing.h"

static int unreadable(struct store_txn *t, const struct device_work *w, const char *what)
{
	return err_set(&t->err, E_CORRUPT, "the %s of device %llu of \"%s\" cannot be read; restore a backup",
		       what, (unsigned long long)w->id, w->tenant->now.row.name);
}

static int peek_old(struct store_txn *t, struct device_work *w)
{
	if (w->old_peeked)
		return OK;
	int rc = record_peek(&w->old_peek, w->old_stable, &t->old_text);
	if (rc == E_NOMEM)
		return err_set(&t->err, rc, "out of memory while reading a device");
	if (rc)
		return unreadable(t, w, "record");
	w->old_peeked = true;
	return OK;
}

static int peek_new(struct store_txn *t, const struct device_work *w, struct record_peek *peek)
{
	int rc = record_peek(peek, w->stable, &t->new_text);
	return rc ? err_set(&t->err, rc, "reading back the device %llu of \"%s\" failed: %s",
			    (unsigned long long)w->id, w->tenant->now.row.name, err_meaning(rc))
		  : OK;
}

/* ---- deriving ---- */

static int previous_of(struct store_txn *t, struct device_work *w, struct previous_device *previous)
{
	int rc = peek_old(t, w);
	if (rc)
		return rc;
	*previous = (struct previous_device){
		.known = true,
		.owner_email = w->old_peek.owner_email,
		.list_mapping = w->old_peek.list_mapping,
		.list_mapping_count = w->old_peek.list_mapping_count,
		.has_list_mapping = w->old_peek.has_list_mapping,
	};
	return OK;
}

static int encode(struct store_txn *t, struct device_work *w, const struct device *d)
{
	static const char room[DEVICE_HEAD_BYTES];
	unsigned char packed[RECORD_VOLATILE_MAX];
	buf_reset(&t->record);
	buf_add(&t->record, room, sizeof(room));
	int rc = record_write_stable(&t->record, d, &w->tenant->policies);
	if (!rc)
		rc = t->record.failed;
	if (rc)
		return err_set(&t->err, rc, "writing the record of device %llu of \"%s\" failed: %s",
			       (unsigned long long)w->id, w->tenant->now.row.name, err_meaning(rc));
	w->stable = (struct slice){ t->record.data + DEVICE_HEAD_BYTES,
				    (uint32_t)(t->record.len - DEVICE_HEAD_BYTES) };
	w->packed_n = volatile_value_put(w->packed, packed, record_pack_volatile(packed, d));
	return OK;
}

int device_derive(struct store_txn *t, struct device_work *w, struct host *list,
		  const struct detail_facts *detail, bool alone)
{
	struct detail_row stored;
	struct previous_device previous = { .known = w->known };
	struct device d;
	if (!detail) {
		int rc = detail_row_get(t, w->tenant, w->id, w->now, &stored);
		if (rc)
			return rc;
		detail = &stored.facts;
	}
	/* Reading the old record back costs more than deriving, so only where what stood
	 * before decides: which of several owners stays, or a mapping to stand in. */
	if (!w->known || !alone)
		derive(&d, list, detail, &previous, w->settings, w->now);
	if (w->known && (alone || d.owner_ambiguous)) {
		int rc = previous_of(t, w, &previous);
		if (rc)
			return rc;
		derive(&d, list, detail, &previous, w->settings, w->now);
	}
	w->head = w->known ? w->old_head : (struct device_head){ .first_seen = w->now };
	w->head.list_at = w->now;
	if (list->created_at != HOST_NEVER)
		w->head.created_at = list->created_at;
	return encode(t, w, &d);
}

bool device_is_another(const struct device_work *w, const struct host *host)
{
	return w->old_head.created_at && host->created_at != HOST_NEVER &&
	       w->old_head.created_at != host->created_at;
}

MDB_val device_value(struct store_txn *t, struct device_work *w)
{
	device_head_put((unsigned char *)t->record.data, &w->head);
	return (MDB_val){ t->record.len, t->record.data };
}

/* ---- one device alone ---- */

int device_find(struct store_txn *t, struct device_work *w, struct tenant *tenant, uint64_t id)
{
	struct row_key k;
	MDB_val value;
	w->tenant = tenant;
	w->id = id;
	w->old_peeked = false;
	int rc = txn_get(t, DB_DEVICES, row_key(&k, tenant->now.row.number, id), &value);
	w->known = !rc;
	if (rc)
		return rc == E_NOT_FOUND ? OK : rc;
	return device_head_get(value, &w->old_head, &w->old_stable) ? OK : unreadable(t, w, "record");
}

int device_put(struct store_txn *t, struct device_work *w, bool *changed)
{
	struct row_key k;
	MDB_val key = row_key(&k, w->tenant->now.row.number, w->id), value;
	*changed = !slice_eq(w->stable, w->old_stable);
	int rc = *changed ? device_differs(t, w) : OK;
	if (rc)
		return rc;
	rc = txn_get(t, DB_VOLATILE, key, &value);
	if (rc && rc != E_NOT_FOUND)
		return rc;
	if (rc || value.mv_size != w->packed_n || memcmp(value.mv_data, w->packed, w->packed_n) != 0)
		rc = txn_put(t, DB_VOLATILE, key, (MDB_val){ w->packed_n, w->packed });
	if (!rc && *changed)
		rc = txn_put(t, DB_DEVICES, key, device_value(t, w));
	return rc;
}

/* ---- telling ---- */

/* Removes the tombstone of the same machine and gives its first_seen back. */
static int take_tombstone(struct store_txn *t, struct device_work *w, bool *revived)
{
	struct row_key k;
	MDB_val key = row_key(&k, w->tenant->now.row.number, w->id), value;
	struct tombstone_head head;
	struct slice stable;
	*revived = false;
	int rc = w->tenant->now.tombstones ? txn_get(t, DB_TOMBSTONES, key, &value) : E_NOT_FOUND;
	if (rc)
		return rc == E_NOT_FOUND ? OK : rc;
	if (!tombstone_head_get(value, &head, &stable))
		return unreadable(t, w, "tombstone");
	if (head.created_at && w->head.created_at && head.created_at != w->head.created_at)
		return OK;
	w->head.first_seen = head.first_seen;
	if (!w->head.created_at)
		w->head.created_at = head.created_at;
	*revived = true;
	w->tenant->now.tombstones--;
	return txn_delete(t, DB_TOMBSTONES, key);
}

int device_appears(struct store_txn *t, struct device_work *w, bool *revived)
{
	struct record_peek peek;
	uint64_t replaces = 0;
	int rc = take_tombstone(t, w, revived);
	if (rc)
		return rc;
	w->tenant->now.row.devices++;
	if (!w->tenant->now.row.baseline && !index_covers(w->tenant, w->id))
		return OK;
	if ((rc = peek_new(t, w, &peek)))
		return rc;
	if (*revived)
		rc = feed_revived(t, w->tenant, w->id, &peek, w->now);
	else if (!(rc = index_replaced(t, w->tenant, w->id, &peek, &replaces)))
		rc = feed_created(t, w->tenant, w->id, &peek, replaces, w->now);
	return rc ? rc : index_update(t, w->tenant, w->id, NULL, &peek);
}

int device_differs(struct store_txn *t, struct device_work *w)
{
	struct record_peek peek;
	if (!w->tenant->now.row.baseline && !index_covers(w->tenant, w->id))
		return OK;
	int rc = peek_old(t, w);
	if (!rc)
		rc = peek_new(t, w, &peek);
	if (!rc)
		rc = feed_changed(t, w->tenant, w->id, (struct feed_side){ w->old_stable, &w->old_peek },
				  (struct feed_side){ w->stable, &peek }, w->now);
	return rc ? rc : index_update(t, w->tenant, w->id, &w->old_peek, &peek);
}

static int bury(struct store_txn *t, struct device_work *w, enum tombstone_kind kind)
{
	unsigned char bytes[TOMBSTONE_HEAD_BYTES];
	struct row_key k;
	MDB_val key = row_key(&k, w->tenant->now.row.number, w->id), value;
	int rc = txn_get(t, DB_TOMBSTONES, key, &value);
	if (rc && rc != E_NOT_FOUND)
		return rc;
	w->tenant->now.tombstones += rc == E_NOT_FOUND;
	tombstone_head_put(bytes, &(struct tombstone_head){ kind, w->now, w->old_head.created_at,
							    w->old_head.first_seen });
	buf_reset(&t->event);
	buf_add(&t->event, bytes, sizeof(bytes));
	buf_add(&t->event, w->old_stable.p, w->old_stable.n);
	if ((rc = txn_check(t, &t->event, "writing a tombstone")))
		return rc;
	return txn_put(t, DB_TOMBSTONES, key, (MDB_val){ t->event.len, t->event.data });
}

static int drop_detail(struct store_txn *t, struct device_work *w)
{
	struct row_key k;
	if (!w->tenant->now.details)
		return OK;
	int rc = txn_delete(t, DB_DETAILS, row_key(&k, w->tenant->now.row.number, w->id));
	if (rc == E_NOT_FOUND)
		return OK;
	w->tenant->now.details -= !rc;
	return rc;
}

int device_goes(struct store_txn *t, struct device_work *w, enum tombstone_kind kind)
{
	bool was;
	int rc = peek_old(t, w);
	if (!rc)
		rc = bury(t, w, kind);
	if (!rc)
		rc = feed_gone(t, w->tenant, w->id, kind, &w->old_peek, w->now);
	if (!rc)
		rc = index_update(t, w->tenant, w->id, &w->old_peek, NULL);
	if (!rc)
		rc = drop_detail(t, w);
	if (!rc)
		rc = missing_drop(t, w->tenant, w->id, &was);
	if (rc)
		return rc;
	w->tenant->now.row.devices--;
	tenant_count_deletion(&w->tenant->now.row, w->now);
	return OK;
}
