/* A row of `details` in the hands of the writer: what the detail and the
 * filtered lists said of one host. */
#pragma once

#include "model/derive.h"
#include "store/txn.h"

struct detail_row {
	struct detail_head head;   /* tried_at 0: only a filtered list spoke of it */
	struct detail_facts facts; /* once read, valid until the next row is */
	bool stored;
};

/* A host without a row gives an empty one. The word of a filtered list from
 * before the last complete round is left out: the host was in none of that
 * round's lists. */
int detail_row_get(struct store_txn *t, const struct tenant *tenant, uint64_t id, struct detail_row *out);
/* Overwrites txn->event; counts the row when it is new. */
int detail_row_put(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct detail_row *row);
