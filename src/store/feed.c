#include "store/feed.h"

#include "base/clock.h"
#include "base/json.h"

static void begin(struct store_txn *t, const struct tenant *tenant, const char *kind, int64_t now)
{
	struct buf *b = &t->event;
	char at[CLOCK_RFC3339_BYTES];
	clock_format_rfc3339(now, at);
	buf_reset(b);
	json_open(b, '{');
	json_k(b, "seq");
	json_int(b, (int64_t)tenant->now.row.seq + 1);
	json_k(b, "at");
	json_text(b, slice_of(at));
	json_k(b, "kind");
	json_text(b, slice_of(kind));
}

static void device(struct buf *b, uint64_t id, const struct record_peek *peek)
{
	json_k(b, "id");
	json_int(b, (int64_t)id);
	json_k(b, "serial");
	json_text(b, peek ? peek->serial : SLICE_NONE);
	json_k(b, "hostname");
	json_text(b, peek ? peek->hostname : SLICE_NONE);
}

static int end(struct store_txn *t, struct tenant *tenant)
{
	struct row_key k;
	json_close(&t->event, '}');
	int rc = txn_check(t, &t->event, "writing a change event");
	if (rc)
		return rc;
	rc = txn_put(t, DB_CHANGES, row_key(&k, tenant->now.row.number, tenant->now.row.seq + 1),
		     (MDB_val){ t->event.len, t->event.data });
	if (!rc)
		tenant->now.row.seq++;
	return rc;
}

int feed_baseline(struct store_txn *t, struct tenant *tenant, int64_t now)
{
	begin(t, tenant, "baseline", now);
	json_k(&t->event, "devices");
	json_int(&t->event, (int64_t)tenant->now.row.devices);
	return end(t, tenant);
}

int feed_created(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *peek,
		 uint64_t replaces, int64_t now)
{
	if (!tenant->now.row.baseline)
		return OK;
	begin(t, tenant, "created", now);
	device(&t->event, id, peek);
	if (replaces) {
		json_k(&t->event, "replaces");
		json_int(&t->event, (int64_t)replaces);
	}
	return end(t, tenant);
}

int feed_revived(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *peek,
		 int64_t now)
{
	if (!tenant->now.row.baseline)
		return OK;
	begin(t, tenant, "revived", now);
	device(&t->event, id, peek);
	return end(t, tenant);
}

struct told {
	const char *name;
	struct slice before, after;
};

static void tell(struct buf *b, const struct told *rows, size_t count, bool after)
{
	json_open(b, '{');
	for (size_t i = 0; i < count; i++) {
		if (slice_eq(rows[i].before, rows[i].after))
			continue;
		json_key(b, rows[i].name, strlen(rows[i].name));
		json_text(b, after ? rows[i].after : rows[i].before);
	}
	json_close(b, '}');
}

int feed_changed(struct store_txn *t, struct tenant *tenant, uint64_t id, struct feed_side before,
		 struct feed_side after, int64_t now)
{
	const struct told rows[] = {
		{ "compliance.state", before.peek->compliance, after.peek->compliance },
		{ "encryption.state", before.peek->encryption, after.peek->encryption },
		{ "owner.email", before.peek->owner_email, after.peek->owner_email },
	};
	size_t count = sizeof(rows) / sizeof(rows[0]), differ = 0;
	if (!tenant->now.row.baseline)
		return OK;
	begin(t, tenant, "changed", now);
	device(&t->event, id, after.peek);
	json_k(&t->event, "fields");
	int rc = record_changed_fields(&t->event, before.stable, after.stable);
	if (rc)
		return err_set(&t->err, rc, "comparing the device %llu of \"%s\" failed: %s",
			       (unsigned long long)id, tenant->now.row.name, err_meaning(rc));
	for (size_t i = 0; i < count; i++)
		differ += !slice_eq(rows[i].before, rows[i].after);
	if (differ) {
		json_k(&t->event, "from");
		tell(&t->event, rows, count, false);
		json_k(&t->event, "to");
		tell(&t->event, rows, count, true);
	}
	return end(t, tenant);
}

int feed_gone(struct store_txn *t, struct tenant *tenant, uint64_t id, enum tombstone_kind kind,
	      const struct record_peek *peek, int64_t now)
{
	if (!tenant->now.row.baseline)
		return OK;
	begin(t, tenant, tombstone_kind_name(kind), now);
	device(&t->event, id, peek);
	return end(t, tenant);
}
