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

/* A host without a row gives an empty one. Once no round of filtered lists has
 * completed for 48 h before `now` (two were due), a word of theirs that is as
 * old is left out. */
int detail_row_get(struct store_txn *t, const struct tenant *tenant, uint64_t id, int64_t now,
		   struct detail_row *out);
/* The first row from id `*id` on, and its id. E_NOT_FOUND without a sentence. */
int detail_row_next(struct store_txn *t, const struct tenant *tenant, uint64_t *id, int64_t now,
		    struct detail_row *out);
/* Overwrites txn->event; counts the row when it is new. */
int detail_row_put(struct store_txn *t, struct tenant *tenant, uint64_t id, const struct detail_row *row);
