/* The parameters of GET /hosts and /hosts/count, checked as Fleet does. */
#pragma once

#include "fleet.h"
#include "reply.h"
#include "request.h"

enum list_order { ORDER_NONE, ORDER_ID, ORDER_CREATED, ORDER_SEEN, ORDER_HOSTNAME };

struct list_query {
	uint64_t page, per_page;
	bool has_page;
	enum list_order order;
	bool descending;
	const char *after; /* text as sent; NULL when absent */
	uint64_t after_id; /* as MySQL makes it a number */
	/* filters */
	int64_t team; /* -1: any */
	const char *disk_encryption, *status, *search;
	unsigned flags; /* enum render_flags */
};

/* False when `reply` is an error now. */
bool list_query_parse(struct list_query *q, const struct tenant *t, const struct request *r,
		      struct reply *reply);
/* True when no filter is set. */
bool list_query_plain(const struct list_query *q, const struct tenant *t);
bool list_query_matches(const struct list_query *q, const struct tenant *t, const struct sim_host *h);
