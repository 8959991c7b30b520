/* The inside of the tenants, shared by the files tenants*.c and tenant_*.c. */
#pragma once

#include "daemon/tenants.h"

TAILQ_HEAD(tenant_line, tenant);

struct tenants {
	struct tenants_options options;
	struct tenant *by_name; /* uthash, in order of addition */
	struct due_heap heap;
	uint64_t added;          /* so many, ever */
	struct timer *timer;     /* for the first of the heap */
	struct tenant_line line; /* to be started */
	size_t syncing, syncs_max, in_line;
	struct timer *notices; /* for waiters who wait for nothing */
	struct tenant_waiters at_once;
	struct tenant_removals {
		struct tenant_removal *first;
	} removals;
	struct tenant_line to_count;
	struct tenant_counting *counting; /* one at a time */
	bool stopping, starting;
	struct timer *stopping_timer;
	void (*stopped)(void *arg);
	void *stopped_arg;
	void (*ended)(void *arg, struct tenant *tenant, const struct sync_report *r);
	void *ended_arg;
};

/* One event for the tenant's schedule, and what it says is done. */
void tenant_step(struct tenant *t, enum schedule_event event, struct schedule_facts facts);
/* Starts what stands in line as far as it may. */
void tenants_start_more(struct tenants *all);
/* Puts it into the line, or takes it out. */
void tenant_into_line(struct tenant *t);
void tenant_out_of_line(struct tenant *t);
/* Its devices are to be counted anew. */
void tenant_count(struct tenant *t);
void tenant_count_not(struct tenant *t);
void tenants_count_stop(struct tenants *all);
/* Tells the waiters; `gone`: the tenant is going. */
void tenant_tell(struct tenant *t, bool gone);
/* Nothing runs any more and it is to go. */
void tenant_removal_goes_on(struct tenant *t);
/* Says that the last sync has ended, when that was waited for. */
void tenants_check_stopped(struct tenants *all);
