/* What differs between two snapshots, as rows to be applied in their order and to
 * be shown. Pure.
 *
 * A row of a tenant points into the snapshots: who applies it lets go of the old
 * tenant and holds the new one, also where nothing changed, so that an old snapshot
 * stays only as long as syncs that run on it. Tenants given at run time are not in
 * a snapshot: where `defaults` differ, conf_tenant_again() makes them anew and
 * plan_tenant() says what changed. */
#pragma once

#include "conf/conf.h"

enum plan_kind {
	PLAN_SETTING, /* of the daemon; holds from now on */
	PLAN_RESTART, /* of the daemon; holds after a restart, the old value until then */
	PLAN_REMOVED, /* a tenant: `was` */
	PLAN_ADDED,   /* `now` */
	PLAN_CHANGED, /* `was` and `now` */
	PLAN_UNCHANGED,
	PLAN_KINDS
};

struct plan_row {
	enum plan_kind kind;
	const char *name;        /* "retention.changes", or the tenant's */
	const char *old, *fresh; /* of a setting: its values as JSON */
	const char *settings;    /* of PLAN_CHANGED: "interval, limits.page_hosts"; no values */
	bool server;             /* scheme, host or port changed: new baseline, token again */
	const struct conf_tenant *was, *now;
};

struct plan {
	struct plan_row *rows; /* by kind, within it in the order of the table, or by name */
	size_t count;
	size_t counts[PLAN_KINDS];
	bool defaults; /* what tenants have that say nothing is another */
};

/* OK or E_NOMEM. Both snapshots must outlive the plan. */
int plan_make(struct plan **out, const struct conf *was, const struct conf *now);
void plan_free(struct plan *p);

/* The same for one pair of tenants: appends the names of the settings that differ
 * to `settings`, ", " between them; nothing when they are the same. */
void plan_tenant(const struct conf_tenant *was, const struct conf_tenant *now, struct buf *settings);
/* True when scheme, host and port of two repaired addresses are the same. */
bool plan_same_server(const char *url, const char *other);
