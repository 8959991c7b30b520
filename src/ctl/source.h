/* Where the rows of the commands come from: a store that is open for reading.
 * Every row is handed out between two transactions of the store, never inside
 * one, because whoever takes it may stand still (a pager), and a reader that
 * stands still keeps the daemon from using its free pages. A callback that
 * answers non-zero ends the list, and its answer is returned. */
#pragma once

#include "model/policy_table.h"
#include "model/record.h"
#include "store/store.h"

/* The tenant of that name; else E_NOT_FOUND, the nearest name suggested. */
int source_tenant(struct store *s, const char *name, struct tenant_row *row, struct err *e);
/* The tenants in order of name, or only the one that is named (`name` may be NULL). */
int source_tenants(struct store *s, const char *name, int (*each)(void *arg, const struct tenant_row *row),
		   void *arg, struct err *e);

/* What a device must have to be listed; NULL: anything. Compared without regard
 * to ASCII case. */
struct device_filter {
	const char *state;    /* compliance.state */
	const char *platform; /* os.family or os.platform */
	const char *owner;    /* owner.email */
	const char *group;    /* one of access.groups */
};
/* `record`: JSON. Texts are compared in `scratch`. */
bool device_filter_matches(const struct device_filter *f, struct slice record, struct buf *scratch);

/* The records in order of id, each whole (record_join). An index is used when
 * the filter allows it and the tenant has one. */
int source_devices(struct store *s, const struct tenant_row *tenant, const struct device_filter *f,
		   const struct record_now *now, int (*each)(void *arg, struct slice record), void *arg);

/* The devices that `word` names: an id, a serial number, or a hardware uuid.
 * Whatever matches first in that order; several may share a serial. OK with no
 * call when there is none. */
int source_device(struct store *s, const struct tenant_row *tenant, const char *word,
		  const struct record_now *now, int (*each)(void *arg, struct slice record), void *arg);

/* Rows of the other lists, as store_rows() gives them. */
int source_rows(struct store *s, uint32_t tenant, enum store_rows what, uint64_t from,
		int (*each)(void *arg, uint64_t key, struct slice row), void *arg);
