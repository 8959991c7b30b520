/* Which page of the host list to ask for next, and how large: pure state, moved
 * by what was seen. One list_request belongs to one walk of one tenant. */
#pragma once

#include "base/buf.h"
#include "fleet/server.h"

#include <stdbool.h>
#include <stdint.h>

enum { LIST_MIN_HOSTS = 20, LIST_START_HOSTS = 100, LIST_CALM_HOSTS = 250, LIST_MAX_HOSTS = 1000 };

/* Parameters beyond order and cursor; each is a feature, not a necessity. */
enum list_feature {
	LIST_DEVICE_MAPPING = 1 << 0,
	LIST_POLICIES = 1 << 1,      /* 4.47 */
	LIST_DEVICE_STATUS = 1 << 2, /* 4.80 */
};

enum list_order { LIST_BY_ID, LIST_BY_H_ID, LIST_BY_PAGE };

struct list_request {
	enum list_order order;
	unsigned features;
	uint64_t after; /* last id proven */
	uint32_t page;  /* LIST_BY_PAGE */
	uint32_t per_page;
	bool fixed;       /* the operator chose the size */
	bool shrink_only; /* LIST_BY_PAGE: growing would skip rows */
	/* Only hosts of this status of the disk encryption setting (4.39 and
	 * Premium; NULL: all hosts) in this team, 0 for those of none. */
	const char *disk_encryption;
	uint64_t team;
};

/* `page_hosts` 0 adapts, anything else is kept (but for time-outs). */
void list_request_init(struct list_request *r, enum list_order order, unsigned features, uint64_t after,
		       uint32_t page_hosts);
/* The words of that filter, in the direction in which hosts move: who moves on
 * while they are asked for one after the other is in the later list too. */
enum { LIST_ENCRYPTION_WORDS = 6 };
extern const char *const list_encryption_words[LIST_ENCRYPTION_WORDS];
unsigned list_features_of(const struct server_facts *f);
const char *list_order_key(enum list_order o);
/* "device_mapping=true&populate_policies=true", stable text for the fingerprint. */
void list_features_text(char *out, size_t size, unsigned features);

/* The path with its query, appended. */
void list_request_path(struct buf *out, const struct list_request *r);
/* One proven page moves the cursor (or the page number) on. */
void list_request_advance(struct list_request *r, uint64_t last_id);
/* Adapts the size to what a page cost: under 5 s and about 4 MiB; above 250
 * hosts only as many as come in a second. At most doubles. */
void list_request_adapt(struct list_request *r, uint32_t hosts, uint64_t bytes, uint32_t took_ms);
/* A time-out halves the size (not below 20). */
void list_request_shrink(struct list_request *r);
/* The server refused a parameter: drops the feature that the failure names, or
 * the newest one. False when there is none left to drop. */
bool list_request_drop_feature(struct list_request *r, struct slice body);
