/* Whether a tenant can be synced, asked before it is one: the first steps of a
 * sync, /version, /me, /config and the number of hosts, with the same sentences.
 * Lists no host and stores nothing. Runs on the loop thread; it ends by itself. */
#pragma once

#include "sync/tenant_sync.h"

struct check;

struct check_result {
	int rc;
	struct err err; /* a sentence when rc != OK */
	char warning[256];
	struct server_facts server;
	bool counted; /* whether the server told how many hosts the token sees */
	uint64_t hosts;
};

/* `conf` must stay until `done`, which comes once, from the loop, never from
 * inside the start; the check is gone then. E_NOMEM, and what http_origin_new()
 * says of settings that cannot be used. */
int check_start(struct check **out, struct sync_environment *env, const struct conf_tenant *conf,
		const struct sync_options *options, void (*done)(void *arg, const struct check_result *r),
		void *arg, struct err *e);
/* `done` still comes, with E_CANCELLED. */
void check_cancel(struct check *c);
