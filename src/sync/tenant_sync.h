/* One sync of one tenant: connect, walk, confirm, sweep, details. Runs on the
 * loop thread; everything it changes goes through the store's writer. Owned by
 * whoever made it; `done` comes once, from the loop, never from inside start.
 *
 *   connect   /version, /me, /config, then a probe of the cursor and parameters
 *   walk      page after page of the host list, each proven before it is applied
 *   confirm   /me again: a walk during which role or teams changed proves nothing
 *   sweep     missing hosts are asked for one by one, behind the guard
 *   encryption  lists filtered by disk encryption, where the walk's do not tell it
 *   details   GET /hosts/:id of hosts that are due, two in flight              */
#pragma once

#include "base/random.h"
#include "conf/conf.h"
#include "fleet/server.h"
#include "net/http.h"
#include "store/apply.h"
#include "sync/observer.h"

enum sync_details { DETAILS_NONE, DETAILS_DUE, DETAILS_ALL };

struct sync_options {
	enum sync_details details;
	uint32_t details_ms;   /* time for the detail queue */
	bool spread_details;   /* a sync follows every interval_s: what limits.details auto means */
	uint32_t interval_s;   /* a walk older than that is not resumed */
	unsigned max_attempts; /* of one request */
	uint32_t unproven_ms;  /* give up after so long without a proven page */
	uint32_t backoff_base_ms;
	uint32_t probe_gap_ms; /* between the three probes before page mode */
	uint32_t sweep_budget; /* missing hosts asked for in one sync; accepted deletions are not limited */
	bool accept;           /* held deletions ... */
	uint64_t accept_count; /* ... of exactly so many devices */
};
void sync_options_default(struct sync_options *o);

/* What all syncs of one process share; borrowed. */
struct sync_environment {
	struct loop *loop;
	struct http_client *http;
	struct store *store;
	struct writer *writer;
	struct turns *turns; /* at the memory for pages that are not applied yet; NULL: no ceiling */
	struct random random;
	const struct sync_observer *observer; /* NULL: nobody counts */
};

struct sync_progress {
	const char *phase;        /* "connecting", "listing", "sweeping", ... */
	uint64_t hosts, expected; /* expected 0: not known */
	uint64_t pages, bytes, requests, retries;
	uint64_t details;
};

/* Why nothing was accepted although sync_options.accept told to. */
enum accept_refusal {
	ACCEPT_NOT_REFUSED,
	ACCEPT_OTHER_NUMBER,  /* more or fewer are held */
	ACCEPT_NOTHING_HELD,  /* there was nothing to accept */
	ACCEPT_SCOPE_UNKNOWN, /* nothing may be deleted at all */
};

struct sync_report {
	int rc;
	struct err err;    /* a sentence when rc != OK */
	char warning[256]; /* or "" */
	struct server_facts server;
	struct sync_progress total;
	struct apply_counts counts;
	uint64_t gone, out_of_scope, still_there, details_failed;
	uint64_t wrong_types, bad_utf8; /* members of the list read as null; strings repaired */
	enum store_hold_reason hold;
	uint64_t hold_count;
	int64_t hold_since;
	uint64_t missing;
	bool resumed, baseline;
	enum accept_refusal accept_refused;
	uint32_t took_ms;
	int64_t retry_after_s; /* of the failure, when the server named a time; else -1 */
};

struct tenant_sync;

int tenant_sync_new(struct tenant_sync **out, struct sync_environment *env, const struct conf_tenant *conf,
		    const struct sync_options *options, struct err *e);
void tenant_sync_start(struct tenant_sync *s, void (*done)(void *arg, const struct sync_report *r),
		       void *arg);
/* Ends it as soon as the jobs under way are answered; `done` comes with E_CANCELLED. */
void tenant_sync_cancel(struct tenant_sync *s);
void tenant_sync_progress(const struct tenant_sync *s, struct sync_progress *out);
/* After `done`, or before start. */
void tenant_sync_free(struct tenant_sync *s);
