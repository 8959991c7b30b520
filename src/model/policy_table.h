/* The policies of one tenant by id. Names stand here once, not in each record.
 * Owns its copies. Rows are kept sorted by id. */
#pragma once

#include "model/host.h"

struct policy_table {
	struct policy_name *rows;
	uint32_t count, cap;
};

void policy_table_init(struct policy_table *t);
void policy_table_release(struct policy_table *t);
/* NULL when unknown; valid until the next set. */
const struct policy_name *policy_table_find(const struct policy_table *t, uint32_t id);
/* 1: new or changed, 0: as before, E_NOMEM. */
int policy_table_set(struct policy_table *t, uint32_t id, struct slice name, bool critical);
