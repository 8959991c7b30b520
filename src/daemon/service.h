/* musterd as a daemon: everything that lives as long as the process, from a
 * configuration to the last callback. */
#pragma once

#include "base/histogram.h"
#include "daemon/keyring_line.h"
#include "daemon/options.h"
#include "daemon/tenants.h"
#include "net/loop.h"
#include "serve/admin.h"
#include "serve/http.h"
#include "sync/turns.h"

enum service_state { SERVICE_STARTING, SERVICE_READY, SERVICE_DRAINING };

struct service {
	const struct options *options;
	struct conf *conf; /* the snapshot in force; owned */
	enum service_state state;
	int64_t started_at, conf_loaded_at; /* Unix seconds */
	bool reload_failed;

	struct sync_environment env;
	struct turns turns; /* at the memory for pages that are not applied yet */
	struct timer *turns_timer;
	struct waker *waker; /* the writer's answers */
	struct work_queue *work;
	struct tenants *tenants;
	/* Without a keyring no tenants are added at run time. */
	struct keyring_line keyring_line;
	LIST_HEAD(tenant_changes, tenant_change) changes; /* of such tenants, under way */
	struct admin *admin;                              /* NULL: none is wanted */
	struct metrics *metrics;
	struct http_server *http; /* NULL: none is wanted */
	struct interrupts *interrupts;
	struct signal_watch *hangup;
	struct timer *alive;    /* the service manager's watchdog, and the log's repeats */
	struct timer *deadline; /* of the end */
	struct upkeep *upkeep;  /* retention */
	struct loop_lag *lag_watch;
	struct histogram lag; /* seconds */
	uint64_t lag_max_us;
	bool admin_closed, tenants_stopped;
	int64_t drain_until_ms;
};

/* Runs until it is told to end. Takes `conf` over; answers a MUSTER_EXIT_ code. */
int service_run(struct conf *conf, const struct options *options);
/* Begins to end: no new sync, those under way are cancelled and go on with the
 * next start from where they were. */
void service_stop(struct service *s);

/* The ceilings over all tenants, from now on. */
void service_limit(struct service *s, const struct conf_ceilings *l);

/* ---- reload.c ---- */
/* Reads the configuration again, and applies it when there was no error. Rows
 * say what changed or what was complained about. Answers whether it was applied. */
bool service_reload(struct service *s, void (*row)(void *arg, struct slice json), void *arg);

/* ---- upkeep.c ---- */
int service_upkeep_start(struct service *s);
void service_upkeep_stop(struct service *s);
bool service_upkeep_busy(const struct service *s);
void service_upkeep_free(struct service *s);

/* ---- commands ---- */
extern const struct admin_command service_commands[];
extern const size_t service_command_count;
