/* Devices counted by what was concluded of them. */
#pragma once

#include "base/buf.h"
#include "store/store.h"

#include <stdatomic.h>

/* For a tenant whose setting is not known. */
enum { STALE_AFTER_STANDARD_S = 7 * 86400 };

enum summary_group { SUMMARY_COMPLIANCE, SUMMARY_ENCRYPTION, SUMMARY_MDM, SUMMARY_GROUPS };
enum { SUMMARY_STATES_MAX = 8 };

struct summary {
	uint64_t devices, stale, online, missing, held;
	uint64_t states[SUMMARY_GROUPS][SUMMARY_STATES_MAX];
};

/* "compliance", "encryption", "mdm" */
const char *summary_group_name(enum summary_group g);
/* The word of the group's i-th state; NULL behind the last. */
const char *summary_state_name(enum summary_group g, size_t i);

/* `record`: one device as record_join() writes it. */
void summary_count(struct summary *s, struct slice record);
void summary_add(struct summary *sum, const struct summary *s);
/* Counts all devices of a tenant, until `stop` (may be NULL) is set: E_CANCELLED
 * then. On any thread. `now`: Unix seconds. */
int summary_of_tenant(struct summary *out, struct store *s, const struct tenant_row *row, int64_t now,
		      const atomic_bool *stop);
/* Appends one JSON object; `row` NULL: a sum, its tenant is "(all)". */
void summary_json(struct buf *out, const struct summary *s, const struct tenant_row *row);
