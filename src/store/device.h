/* One device in the hands of the writer: derived from what a page or a detail
 * said and from what is stored, then told to the feed, the indexes and the
 * tombstones. In a walk the rows of `devices` and `volatile` are put and
 * deleted by the caller, who has their cursors in place. */
#pragma once

#include "model/derive.h"
#include "model/record.h"
#include "store/txn.h"

struct device_work {
	/* given by the caller */
	struct tenant *tenant;
	const struct derive_settings *settings;
	int64_t now;
	uint64_t id;
	bool known; /* the two below are what is stored */
	struct device_head old_head;
	struct slice old_stable; /* valid until the devices database is written */
	/* filled by device_derive() */
	struct device_head head;
	struct slice stable; /* in txn->record, after DEVICE_HEAD_BYTES for the head */
	unsigned char packed[VOLATILE_VALUE_MAX];
	size_t packed_n;
	/* filled when needed */
	bool old_peeked;
	struct record_peek old_peek;
};

/* `list` as for derive(); `alone` when it is a detail that arrived by itself.
 * `detail` NULL: the stored row of details is taken, if there is one. */
int device_derive(struct store_txn *t, struct device_work *w, struct host *list,
		  const struct detail_facts *detail, bool alone);

/* The same id with another created_at is another machine (invariant 4). */
bool device_is_another(const struct device_work *w, const struct host *host);
/* The value for the devices database: head and stable part. */
MDB_val device_value(struct store_txn *t, struct device_work *w);

/* Looks for the device outside of a walk: fills what the caller gives but
 * `settings` and `now`. OK with known == false when it is not stored. */
int device_find(struct store_txn *t, struct device_work *w, struct tenant *tenant, uint64_t id);
/* Puts the rows of a known device that was derived anew, where they differ, and
 * tells; `changed` is whether the stable part did. */
int device_put(struct store_txn *t, struct device_work *w, bool *changed);

/* It is not stored yet: counted, told as created or, when its tombstone stands,
 * revived; indexed. */
int device_appears(struct store_txn *t, struct device_work *w, bool *revived);
/* Its stable part differs: told, indexed. */
int device_differs(struct store_txn *t, struct device_work *w);
/* It is gone: tombstone, told, counted; its index entries, detail facts and
 * missing mark are removed. */
int device_goes(struct store_txn *t, struct device_work *w, enum tombstone_kind kind);

/* Keeps the policies a page named, where they are new or changed. */
int device_policies(struct store_txn *t, struct tenant *tenant, const struct page *page);
