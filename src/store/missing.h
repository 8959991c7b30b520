/* The marks of devices that a walk did not see. A mark means something only
 * when the walk whose number it carries has completed. */
#pragma once

#include "store/txn.h"

/* Marks the device as not seen by the tenant's present walk. */
int missing_add(struct store_txn *t, struct tenant *tenant, uint64_t id, int64_t now);
/* The device was seen. *was tells whether it was marked. */
int missing_drop(struct store_txn *t, struct tenant *tenant, uint64_t id, bool *was);
/* Whether the mark counts for `walk`; `twice`: an earlier one missed it too. */
bool missing_counts(const struct missing_mark *mark, uint64_t walk, bool twice);
/* At the end of walk `walk`: removes the marks it did not set again and counts
 * those that stay and count. */
int missing_settle(struct store_txn *t, struct tenant *tenant, uint64_t walk, bool twice, uint64_t *count);
