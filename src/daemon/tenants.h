/* The tenants of the running daemon: what they are, when they are synced, how
 * it went. Owned by the service; everything here belongs to the loop's thread.
 *
 * sync/schedule.h decides; this module does as it says: one timer of the loop
 * serves all tenants, those that are due stand in one line, and at most
 * tenants_limit() syncs run at once. */
#pragma once

#include "conf/conf.h"
#include "net/work.h"
#include "query/summary.h"
#include "sync/due_heap.h"
#include "sync/schedule.h"
#include "sync/tenant_sync.h"

#include <sys/queue.h>
#include <uthash.h>

enum tenant_source { TENANT_OF_FILE, TENANT_OF_RUNTIME };
/* "file", "runtime" */
const char *tenant_source_name(enum tenant_source s);

/* Since the daemon began. */
struct tenant_totals {
	uint64_t syncs_ok, syncs_failed, syncs_cancelled;
	uint64_t requests, retries, bytes, pages, hosts;
	uint64_t created, changed, deleted, rejected, details, details_failed;
};

/* How the last sync ended. */
struct tenant_last {
	int64_t begun_at, ended_at, ok_at; /* Unix seconds; 0: there was none since the daemon began */
	int rc;
	char text[256]; /* of the failure, or a warning, or "" */
	uint32_t took_ms;
	uint64_t hosts, created, changed, deleted;
	int64_t certificate_expires; /* Unix seconds, 0: not known */
};

/* What is shown of it beside, of syncs before the daemon began too. */
struct tenant_seen {
	uint64_t number;           /* running, of those that were added; never used again */
	int64_t attempt_at, ok_at; /* Unix seconds; 0: never */
	double took_s;             /* the last sync that ended */
	bool up;                   /* which succeeded */
	uint64_t seq, seq_first;   /* of its feed: now, and when it was added */
	uint64_t missing, held;
	/* since the daemon began */
	uint64_t errors, received;
};

struct tenants;
struct tenant;

/* Somebody who waits for the end of a sync. In line while `tenant` is set. */
struct tenant_waiter {
	TAILQ_ENTRY(tenant_waiter) link;
	struct tenant *tenant;
	uint32_t round; /* which end it waits for */
	/* Once, from the loop; `gone`: the tenant was removed meanwhile. */
	void (*ended)(struct tenant_waiter *w, bool gone);
	void *arg;
};
TAILQ_HEAD(tenant_waiters, tenant_waiter);

struct tenant {
	UT_hash_handle hh;
	struct tenants *all;
	enum tenant_source source;
	const struct conf_tenant *conf; /* the settings in force; held */
	const char *name;               /* its own copy */
	int64_t added_at;               /* Unix seconds; of the run-time ones */
	struct schedule schedule;
	struct due due;
	TAILQ_ENTRY(tenant) line; /* of those to be started */
	bool in_line;
	struct tenant_sync *sync;            /* under way, or NULL */
	const struct conf_tenant *sync_conf; /* what it runs with; held */
	bool accept;                         /* the next sync accepts exactly so many deletions */
	uint64_t accept_count;
	struct tenant_waiters waiters;
	uint32_t round; /* ends that waiters were told of */
	struct tenant_totals totals;
	struct tenant_last last;
	struct tenant_seen seen;
	struct summary summary; /* of its devices, counted after the last sync that changed some */
	bool counted, to_count;
	TAILQ_ENTRY(tenant) count_line;
	struct tenant_removal *removal; /* it is going */
};

struct tenants_options {
	struct sync_environment *env;
	struct work_queue *work;
	struct sync_options sync; /* the interval is each tenant's own */
};
int tenants_new(struct tenants **out, const struct tenants_options *o, struct err *e);
/* No sync may run, see tenants_stop(). NULL is fine. */
void tenants_free(struct tenants *t);

/* Most syncs at once; 0 until it is called. */
void tenants_limit(struct tenants *t, size_t syncs);

struct tenant *tenants_find(struct tenants *t, const char *name);
size_t tenants_count(const struct tenants *t);
/* In order of addition; NULL begins and ends. */
struct tenant *tenants_next(struct tenants *t, struct tenant *before);
/* Names, for suggestions: `*names` is the caller's to free, its texts are not. */
int tenants_names(struct tenants *t, const char *const **names, size_t *count);
struct tenants_load {
	size_t total, syncing, in_line;
	size_t states[SCHEDULE_STATES];
};
void tenants_load(const struct tenants *t, struct tenants_load *out);

/* Begins to schedule a tenant; holds `conf`. `slot_ms` is schedule_slot_ms() of
 * those that are added together. E_CONFLICT when the name is taken, E_LOCKED
 * while an earlier tenant of that name is still being removed, E_NOMEM. */
int tenants_add(struct tenants *t, enum tenant_source source, const struct conf_tenant *conf,
		uint32_t slot_ms, struct tenant **out, struct err *e);
/* Takes new settings over; a sync under way is begun anew when it has to be. */
void tenant_configure(struct tenant *t, const struct conf_tenant *conf, bool token_changed, uint32_t slot_ms);
/* The same settings from another snapshot: no more than that it is held instead. */
void tenant_adopt(struct tenant *t, const struct conf_tenant *conf);
/* A sync as soon as one may begin; joins one under way. */
void tenant_ask(struct tenant *t);
/* The next sync that begins accepts exactly so many deletions. One that runs has
 * decided already: another follows it. */
void tenant_accept(struct tenant *t, uint64_t count);
/* Kept over restarts. */
void tenant_pause(struct tenant *t, bool paused);
/* `w` is told when the sync that is wanted or under way has ended; call it after
 * tenant_ask(). Nothing is wanted: at once, from the loop. */
void tenant_wait(struct tenant *t, struct tenant_waiter *w);
void tenant_unwait(struct tenant_waiter *w);
/* Whether a sync runs or is about to. */
bool tenant_busy(const struct tenant *t);

/* Takes the tenant out: its sync is cancelled, it is no longer found. Its
 * devices are kept, or removed in slices. `done` comes once, from the loop, when
 * all is gone; `progress` (may be NULL) in between. */
struct tenant_removal_events {
	void (*progress)(void *arg, uint64_t devices);
	void (*done)(void *arg, int rc, uint64_t devices, const struct err *e);
	void *arg;
};
/* E_NOMEM: nothing happened. */
int tenants_remove(struct tenant *t, bool keep_devices, const struct tenant_removal_events *events,
		   struct err *e);
/* The same for a tenant that is only in the store. */
int tenants_remove_stored(struct tenants *t, const char *name, const struct tenant_removal_events *events,
			  struct err *e);
/* Hears of the end of a removal under way that nobody hears of yet: E_NOT_FOUND,
 * or E_LOCKED. */
int tenants_removal_await(struct tenants *t, const char *name, const struct tenant_removal_events *events,
			  struct err *e);
/* Whether one of that name is going and not yet gone. */
bool tenants_removing(const struct tenants *t, const char *name);

/* Cancels all syncs, begins no more, and says when none is left. */
void tenants_stop(struct tenants *t, void (*stopped)(void *arg), void *arg);

/* What follows each sync's end; at most one, for metrics. */
void tenants_on_end(struct tenants *t,
		    void (*ended)(void *arg, struct tenant *tenant, const struct sync_report *r), void *arg);
