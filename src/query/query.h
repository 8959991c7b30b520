/* What readers ask of a store, answered as rows: one JSON object a line. An
 * answer comes in slices, each from short transactions of its own, so that
 * whoever takes them may stand still (a pager, a slow socket) without holding a
 * reader; a long answer is therefore not one snapshot. One thread at a time. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "query/device_filter.h"
#include "store/store.h"

#include <stdbool.h>

enum query_kind {
	QUERY_TENANTS,    /* each tenant's row */
	QUERY_SUMMARY,    /* devices counted by state; one row a tenant */
	QUERY_DEVICES,    /* the records of a tenant that match the filter, in order of id */
	QUERY_DEVICE,     /* those that `word` names: an id, a serial, or a hardware uuid */
	QUERY_CHANGES,    /* the feed after `since` */
	QUERY_HELD,       /* tenants that miss devices, or whose deletions are held */
	QUERY_MISSING,    /* devices of a tenant that are missing */
	QUERY_REJECTS,    /* hosts that could not be read */
	QUERY_TOMBSTONES, /* devices that are gone */
	QUERY_VERIFY,     /* what is wrong with the store; one row a finding */
	QUERY_KINDS,
};

/* Nothing of it is copied but `tenant` and what follows from it: the texts
 * must outlive the query. */
struct query_request {
	enum query_kind kind;
	const char *tenant; /* NULL: all of them (TENANTS, SUMMARY and HELD only) */
	const char *word;
	uint64_t since;
	struct device_filter filter;
	int64_t now;           /* Unix seconds */
	int64_t stale_after_s; /* 0: the tenant's setting, or 7 days */
};

struct query;

/* E_NOT_FOUND, the nearest name suggested, when there is no such tenant. */
int query_new(struct query **out, struct store *s, const struct query_request *r, struct err *e);
void query_free(struct query *q);
/* Appends whole rows, each with its line feed, about `bytes` of them; possibly
 * none although `more` follow, when a step of counting took long enough. Once it
 * failed or `more` was false, it must not be called again. */
int query_slice(struct query *q, struct buf *rows, size_t bytes, bool *more, struct err *e);
/* After the last slice: members about the whole, for the object under way.
 * Kinds of one tenant: `"tenant":{...}` as QUERY_TENANTS has it; SUMMARY:
 * `"tenants"` and, when there are several, `"all"`, their sum; VERIFY:
 * `"tenants"`, `"devices"` and `"findings"`, numbers. */
void query_end(const struct query *q, struct buf *out);
