/* The look-ups by serial, uuid, owner, group and compliance state.
 *
 * Key: tenant, kind, folded value, 0, id. Folded means ASCII lower case with
 * NUL as 1. Of a value over 64 bytes the first 64 stand there, then 1 and a
 * hash of the whole, then the id: LMDB's keys end at 511 bytes, and who looks
 * something up compares the record anyway. */
#pragma once

#include "model/record.h"
#include "store/txn.h"

enum {
	INDEX_KINDS = 5,
	INDEX_VALUE_MAX = 64,
	INDEX_KEY_MAX = TENANT_KEY_BYTES + 1 + INDEX_VALUE_MAX + 1 + 8 + 8,
};

struct index_key {
	unsigned char bytes[INDEX_KEY_MAX];
	size_t n; /* 0: the device has no such value */
};

/* All but the id: what every key of that value begins with. */
size_t index_prefix(unsigned char out[INDEX_KEY_MAX], uint32_t tenant, enum store_index kind,
		    struct slice value);
/* The entries of one device. */
void index_keys(struct index_key out[INDEX_KINDS], uint32_t tenant, uint64_t id,
		const struct record_peek *peek);

/* Whether entries of the device may be in already: then every change keeps them,
 * and otherwise the build that is still to come will put them in. */
bool index_covers(const struct tenant *tenant, uint64_t id);
/* Brings the entries of a device from `before` to `after` (NULL: none), writing
 * only what differs. Nothing while the tenant's indexes are not begun. */
int index_update(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *before,
		 const struct record_peek *after);

/* Another device of the tenant with the same serial and uuid, both real: 0 when
 * there is none. */
int index_replaced(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct record_peek *peek,
		   uint64_t *replaced);
