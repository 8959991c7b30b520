/* One simulated Fleet server's state: its settings, its hosts in id order, and
 * the faults and counters that belong to it. `lock` guards all of it; whoever
 * renders or changes hosts holds it. Lives as long as the program. */
#pragma once

#include "version.h"

#include <pthread.h>
#include <stdint.h>

/* What a touch changes; each host counts its changes per field. */
enum host_field {
	FIELD_OS_VERSION,
	FIELD_POLICY,
	FIELD_TEAM,
	FIELD_OWNER,
	FIELD_ENCRYPTION,
	FIELD_NAME,
	FIELD_MDM,
	HOST_FIELDS
};

struct override {
	struct override *next;
	char *key, *raw;
};

/* `machine` decides everything that a machine is; a host that enrols again has
 * the same machine under another id. */
struct sim_host {
	uint64_t id, machine;
	int64_t created_shift_s;
	uint16_t rev[HOST_FIELDS];
	struct override *overrides;
};

enum { TEAMS_MAX = 16, POLICIES_MAX = 24, NAME_BYTES = 64 };

struct team_scope {
	bool scoped; /* the token has roles in some teams only */
	uint32_t teams[TEAMS_MAX];
	uint32_t count;
};

struct prepared;
struct fault;
struct stats;
struct replay;

struct tenant {
	pthread_mutex_t lock;
	char name[NAME_BYTES];
	char role[NAME_BYTES];
	char *token;
	char *endpoints; /* "+list+version": an endpoint allowlist; NULL for none */
	struct fleet_version version;
	bool premium, api_only, plain, prepare, full_policies, owners, shared;
	struct team_scope scope;
	uint32_t teams, policies;
	uint64_t seed;
	int64_t now_s; /* the server's clock, fixed until something moves it */
	unsigned volatile_rev;
	int tls, port;
	unsigned order_salt;
	unsigned mutations;

	struct sim_host *hosts;
	uint32_t count, capacity;
	uint64_t next_id, next_machine;

	struct prepared *prepared;
	struct fault *faults;
	struct stats *stats;
	struct replay *replay;
};

/* Takes ownership of nothing; `hosts` is how many to make. */
void fleet_fill(struct tenant *t, uint32_t hosts);
void fleet_release(struct tenant *t);
/* NULL when there is no such id. */
struct sim_host *fleet_find(struct tenant *t, uint64_t id);
/* The first index whose id is greater than `after`. */
uint32_t fleet_upper(const struct tenant *t, uint64_t after);
/* Appends one host with the next id; machine 0 takes the next machine. */
struct sim_host *fleet_add(struct tenant *t, uint64_t machine);
void fleet_delete(struct tenant *t, uint32_t index);
/* The member `key` is sent as `raw` from now on. */
void fleet_override(struct sim_host *h, const char *key, const char *raw);
/* 0 is no team; always 0 without Premium. */
uint32_t fleet_team_of(const struct tenant *t, const struct sim_host *h);
bool fleet_visible(const struct tenant *t, const struct sim_host *h);
const char *fleet_team_name(uint32_t team);
/* A number that depends on its arguments only. */
uint64_t fleet_mix(uint64_t a, uint64_t b, uint64_t c);
