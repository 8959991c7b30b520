/* Policy names stand once per tenant, not in each record; here they are put in
 * for a reader of one record. */
#pragma once

#include "base/buf.h"
#include "model/policy_table.h"

/* Appends the record with a "name" in every item of compliance.policies whose
 * name is known, and everything else as it was. */
void policy_names_join(struct buf *out, struct slice record, const struct policy_table *names);
