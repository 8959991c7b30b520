/* What a tenant was asked: counters and the last requests. Guarded by the
 * tenant's lock. */
#pragma once

#include "jout.h"

#include <stdint.h>

#define ENDPOINTS(X)                                                                                         \
	X(LIST, "list")                                                                                      \
	X(DETAIL, "detail")                                                                                  \
	X(MAPPING, "mapping")                                                                                \
	X(VERSION, "version")                                                                                \
	X(ME, "me")                                                                                          \
	X(CONFIG, "config")                                                                                  \
	X(TEAMS, "teams")                                                                                    \
	X(COUNT, "count")                                                                                    \
	X(SUMMARY, "summary")                                                                                \
	X(POLICIES, "policies")                                                                              \
	X(LABELS, "labels")                                                                                  \
	X(OTHER, "other")

enum endpoint {
#define X(name, text) EP_##name,
	ENDPOINTS(X)
#undef X
		ENDPOINT_COUNT
};

enum { STATS_STATUSES = 24, STATS_LOG = 256 };

struct stats_entry {
	char method[8];
	char *target;
	int status;
	int64_t at_ms, took_ms; /* since the program started */
};

struct stats {
	struct {
		int status;
		uint64_t count;
	} by_status[ENDPOINT_COUNT][STATS_STATUSES];
	int in_flight[ENDPOINT_COUNT], max_in_flight[ENDPOINT_COUNT];
	uint64_t requests, connections, bytes, hosts_listed;
	struct stats_entry log[STATS_LOG];
};

const char *endpoint_name(enum endpoint e);
int endpoint_parse(const char *name); /* -1: none */
struct stats *stats_new(void);
void stats_free(struct stats *s);
void stats_clear(struct stats *s);
void stats_begin(struct stats *s, enum endpoint e);
void stats_end(struct stats *s, enum endpoint e, const char *method, const char *target, int status,
	       int64_t began_ms, int64_t ended_ms);
/* The members of one object. */
void stats_render(const struct stats *s, struct jout *o);
