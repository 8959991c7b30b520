/* The inside of a tenant's sync, shared by the files sync_*.c, each of which
 * owns some states. */
#pragma once

#include "fleet/list_request.h"
#include "sync/call.h"
#include "sync/team_hosts.h"
#include "sync/tenant_sync.h"

enum sync_state {
	SYNC_NEW,
	SYNC_TENANT, /* the tenant's row in the store */
	SYNC_VERSION,
	SYNC_ME,
	SYNC_CONFIG,
	SYNC_COUNT,
	SYNC_PROBE,
	SYNC_BEGIN, /* the walk's row */
	SYNC_LIST,
	SYNC_CONFIRM, /* /me again */
	SYNC_INDEX,
	SYNC_END, /* the walk is complete */
	SYNC_GUARD,
	SYNC_SWEEP,
	SYNC_ENCRYPTION,
	SYNC_DETAILS,
	SYNC_FINISH, /* the result into the tenant's row */
	SYNC_DONE,
	SYNC_STATES,
};

enum { SYNC_LOOKUPS = 2, SYNC_PAGES = 2, SYNC_IDS = 256, SYNC_PAGE_BYTES = 16 * 1024 * 1024 };

struct lookup {
	struct call call;
	bool busy; /* asking, or its job is with the writer */
	union {
		struct apply_sweep sweep;
		struct apply_detail detail;
	} job;
};

struct page_slot {
	struct apply_page job;
	struct tenant_sync *sync;
	struct turn turn; /* holds the page's bytes until it is applied */
	bool busy;
};

struct tenant_sync {
	struct sync_environment *env;
	const struct conf_tenant *conf;
	struct sync_options options;
	struct derive_settings derive;
	struct http_origin *origin;
	enum sync_state state;
	void (*done)(void *arg, const struct sync_report *r);
	void *done_arg;
	bool cancelled, failing;
	bool connect_only;                         /* of check.h: nothing is listed, nothing is stored */
	bool counted;                              /* /hosts/count was answered */
	int64_t begun_unix_s, begun_ms, proven_ms; /* monotonic: start, last proven page */

	struct turns_tenant turns_tenant;
	struct call call; /* connect and list */
	struct timer *timer;
	struct server_facts server, confirm;
	struct tenant_row row;
	char fingerprint[STORE_FINGERPRINT_MAX];
	bool scope_changed;

	/* probe */
	enum list_order probe_order;
	unsigned probe_features, probe_rounds;
	unsigned probe_fewer; /* what is left without the parameter that a refusal names */
	bool probe_plain, probe_refused_full, recheck;
	unsigned recheck_attempts;
	bool rechecked; /* for the page that is being asked for */

	/* list */
	struct list_request list;
	bool list_worked, list_ended;
	uint64_t replace_max; /* deletions within 24 h that a page may bring the tenant to */
	struct page_slot pages[SYNC_PAGES];
	unsigned pages_busy;

	struct {
		struct apply_index job;
		uint64_t waiting; /* hosts applied since the last one */
		bool busy;
	} early; /* building indexes while the walk goes on */

	struct {
		struct team_hosts teams; /* of the walk */
		bool in_the_walk;        /* a host that it listed said whether its disk is encrypted */
		struct list_request list;
		int64_t begun_at;
		uint32_t team, word; /* of the next list */
		bool worked;         /* a list was answered */
		bool filters;        /* and the filter has been proven to be one */
		bool doubtful;       /* a list of the team had elements that could not be read */
		uint32_t checked;    /* words whose lists were compared, as a bit each */
		struct page *page;   /* under check, or with the writer */
		struct turn turn;    /* holds its bytes */
	} encryption;

	/* one job at a time, between the walk's steps */
	union {
		struct store_job any;
		struct apply_tenant tenant;
		struct apply_walk_begin begin;
		struct apply_walk_end end;
		struct apply_index index;
		struct apply_hold hold;
		struct apply_encryption encryption;
		struct apply_encryption_end encryption_end;
		struct apply_sync_end sync_end;
	} job;
	bool job_busy;
	void (*job_done)(struct tenant_sync *s, int rc);

	/* sweep and details */
	struct lookup lookups[SYNC_LOOKUPS];
	unsigned lookups_busy;
	uint64_t ids[SYNC_IDS], id_next;
	size_t id_count, id_at;
	bool ids_ended;
	bool ids_new; /* those at hand are of hosts that were never asked for */
	uint32_t sweep_left;
	int64_t details_before; /* fetched before that: due; 0: never fetched */
	uint64_t details_start; /* where the due ones begin ... */
	bool details_round;     /* ... and whether those before it are at hand */
	uint64_t details_left;  /* of the budget */
	int64_t details_until_ms;
	unsigned details_failed_in_row;

	struct sync_report report;
};

/* The one function that changes the state: logs and runs the entry action. */
void sync_enter(struct tenant_sync *s, enum sync_state state);
/* Ends the sync with a failure: waits for what is under way, then SYNC_FINISH. */
void sync_fail(struct tenant_sync *s, int rc, const struct err *e);
void sync_warn(struct tenant_sync *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Submits s->job.any (run is set); `done` on the loop. */
void sync_job(struct tenant_sync *s, void (*done)(struct tenant_sync *s, int rc));
/* Goes on with failing or cancelling when nothing is under way any more. */
void sync_settle(struct tenant_sync *s);
int64_t sync_now_ms(void);

/* The path of a page of `r`, and what the page may hold. */
void sync_list_path(struct call *c, const struct list_request *r, struct buf *out);
/* After a failure: the next page is smaller where that may help. CALL_AGAIN when
 * this one was too large as a whole, otherwise CALL_JUDGE. */
enum call_turn sync_list_smaller(struct call *c, struct list_request *r, int rc);

/* What the guard allows the pages of this walk. */
uint64_t sync_replacements(const struct tenant_sync *s);
/* After each page of a first walk. */
void sync_index_early(struct tenant_sync *s);

/* entry actions */
void sync_enter_tenant(struct tenant_sync *s);
void sync_enter_version(struct tenant_sync *s);
void sync_enter_me(struct tenant_sync *s);
void sync_enter_config(struct tenant_sync *s);
void sync_enter_count(struct tenant_sync *s);
void sync_enter_probe(struct tenant_sync *s);
void sync_enter_begin(struct tenant_sync *s);
void sync_enter_list(struct tenant_sync *s);
void sync_enter_confirm(struct tenant_sync *s);
void sync_enter_index(struct tenant_sync *s);
void sync_enter_end(struct tenant_sync *s);
void sync_enter_guard(struct tenant_sync *s);
void sync_enter_sweep(struct tenant_sync *s);
void sync_enter_encryption(struct tenant_sync *s);
void sync_enter_details(struct tenant_sync *s);
