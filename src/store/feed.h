/* The change feed: one JSON object an event, numbered per tenant without gaps,
 * written in the transaction of the change itself. Nothing is told during a
 * first walk, whose end is one baseline event.
 *
 *   {"seq":7,"at":"...","kind":"changed","id":12,"serial":..,"hostname":..,
 *    "fields":["compliance.state"],"from":{..},"to":{..}}
 *
 * `from` and `to` hold those of compliance.state, encryption.state and
 * owner.email that changed. */
#pragma once

#include "model/record.h"
#include "store/txn.h"

int feed_baseline(struct store_txn *t, struct tenant *tenant, int64_t now);
/* `replaces` 0: nothing. */
int feed_created(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *peek,
		 uint64_t replaces, int64_t now);
int feed_revived(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *peek,
		 int64_t now);
struct feed_side {
	struct slice stable;
	const struct record_peek *peek;
};
int feed_changed(struct store_txn *t, struct tenant *tenant, uint64_t id, struct feed_side before,
		 struct feed_side after, int64_t now);
/* peek == NULL: the record could not be read. */
int feed_gone(struct store_txn *t, struct tenant *tenant, uint64_t id, enum tombstone_kind kind,
	      const struct record_peek *peek, int64_t now);
