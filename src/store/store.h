/* One LMDB environment with the device records of all tenants. A struct store
 * belongs to the program that opened it; at most one process may have it open
 * for writing (a second one is refused and told the first one's pid), any
 * number may read. All writing is done by the writer thread (writer.h); the
 * functions here may be called from any thread, each read in a short
 * transaction of its own. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STORE_FORMAT = 4, STORE_NAME_MAX = 64, STORE_FINGERPRINT_MAX = 1024 };

struct store;

struct store_options {
	const char *path; /* a directory, created with mode 0700 when writing */
	bool read_only;
	size_t map_bytes; /* 0: 256 GiB of address space; grows when full */
};

/* E_LOCKED names the other pid; E_NEWER_FORMAT; E_CONFIG for an older one; E_NOT_FOUND when read-only and
 * there is none; E_CORRUPT when it is not a store. */
int store_open(struct store **out, const struct store_options *o, struct err *e);
/* The writer must have been stopped. NULL is fine. */
void store_close(struct store *s);

/* ---- tenants and their walk ---- */
enum store_hold_reason { HOLD_NONE = 0, HOLD_ALL_GONE, HOLD_TOO_MANY, HOLD_SCOPE_CHANGED, HOLD_REPLACED };
const char *store_hold_reason_name(enum store_hold_reason r);

enum walk_mode { WALK_CURSOR_ID = 0, WALK_CURSOR_H_ID, WALK_PAGES };

/* What is kept of a tenant; one row of the `tenants` database. */
struct tenant_row {
	uint32_t number; /* never reused; the prefix of all its keys */
	char name[STORE_NAME_MAX + 1];
	/* walk */
	uint64_t walk; /* number of the walk under way, or of the last one */
	bool walking;  /* a walk was begun and has not completed */
	enum walk_mode mode;
	uint64_t cursor; /* last id proven by it */
	int64_t walk_begun_at, walk_touched_at, walk_completed_at;
	uint64_t walk_hosts;                     /* elements seen so far by it */
	char fingerprint[STORE_FINGERPRINT_MAX]; /* of that walk */
	/* upkeep */
	bool paused;          /* by an operator: no sync begins by itself */
	bool removing;        /* apply_remove() has begun, and goes on until nothing is left */
	uint64_t seq_dropped; /* changes up to this one are no longer kept */
	/* beside the walk */
	uint64_t details_cursor; /* the last due detail that was asked for */
	/* When the last complete round of lists by disk encryption began, and the
	 * last one at all that came to an end; 0: none. */
	int64_t encryption_at, encryption_tried_at;
	/* state */
	bool baseline;    /* the first walk has completed */
	bool indexed;     /* the indexes of the first walk are built */
	uint64_t devices; /* records now */
	uint64_t seq;     /* last sequence number of the change feed */
	uint64_t missing; /* marks set now */
	enum store_hold_reason hold;
	uint64_t hold_count;
	int64_t hold_since;
	/* deletions of the last 24 h, for the guard: hour number -> count */
	uint32_t deleted_hour[24], deleted_count[24];
	/* last sync as it ended (invariant 14) */
	int64_t sync_begun_at, sync_ended_at, sync_ok_at;
	int32_t sync_result; /* OK or an E_ code */
	char sync_text[256];
	/* the server as last seen */
	char server_version[48], role[32], tier[16], url[256];
	/* the setting of the tenant, for those who read; 0: none was given */
	int64_t stale_after_s;
};

/* E_NOT_FOUND; `row` is a copy. */
int store_tenant_by_name(struct store *s, const char *name, struct tenant_row *row);
/* Calls `each` for every tenant in order of name; a non-zero answer ends it. */
int store_tenants(struct store *s, int (*each)(void *arg, const struct tenant_row *row), void *arg);
/* Deletions within the 24 h before `now`. */
uint64_t tenant_row_deleted_24h(const struct tenant_row *row, int64_t now);

/* ---- reading devices ---- */
struct store_device {
	uint64_t id;
	int64_t created_at, first_seen, list_at; /* Unix seconds */
	struct slice stable, packed;             /* valid during the call */
};
/* In id order from `from` on; `each` non-zero ends it and is returned. Long
 * lists are cut into several short transactions, so a list is not one snapshot. */
int store_devices(struct store *s, uint32_t tenant, uint64_t from,
		  int (*each)(void *arg, const struct store_device *d), void *arg);
int store_device(struct store *s, uint32_t tenant, uint64_t id,
		 int (*each)(void *arg, const struct store_device *d), void *arg);

enum store_index { INDEX_SERIAL = 1, INDEX_UUID, INDEX_OWNER, INDEX_GROUP, INDEX_STATE };
/* Ids whose folded (ASCII lower case) value equals `value`, ascending; used for
 * exact look-ups, so each hit must still be compared with the record. STATE
 * values are the words of compliance.state. A tenant whose first walk has not
 * completed has no index yet: E_NOT_FOUND, scan instead. */
int store_index_find(struct store *s, uint32_t tenant, enum store_index index, struct slice value,
		     int (*each)(void *arg, uint64_t id), void *arg);

/* ---- the other things one may read, each as one JSON object a row ---- */
enum store_rows { ROWS_CHANGES, ROWS_TOMBSTONES, ROWS_REJECTS, ROWS_MISSING };
/* `from`: sequence (changes, exclusive), or id (inclusive). */
int store_rows(struct store *s, uint32_t tenant, enum store_rows what, uint64_t from,
	       int (*each)(void *arg, uint64_t key, struct slice json), void *arg);
/* The tenant's policies: id -> name. */
struct policy_table;
int store_policies(struct store *s, uint32_t tenant, struct policy_table *out);

/* ---- work lists for the sync ---- */
/* Ids marked missing by walk `walk` (and by an earlier completed one too when
 * `twice`), ascending from `from`; at most `max`. */
int store_missing(struct store *s, uint32_t tenant, uint64_t walk, bool twice, uint64_t from, uint64_t *ids,
		  size_t max, size_t *count, struct err *e);
/* Counts all of them. */
int store_missing_count(struct store *s, uint32_t tenant, uint64_t walk, bool twice, uint64_t *count);
/* Ids whose detail was never tried (`fetched_before` == 0) or was tried before
 * that time, or so long after it that a clock must have been wrong (those never
 * tried excluded), from id `from` on, at most
 * `max`; `next` is where to go on, 0 at the end. Looks at no more than 4,000
 * devices a call. */
int store_details_due(struct store *s, uint32_t tenant, int64_t fetched_before, uint64_t from, uint64_t *ids,
		      size_t max, size_t *count, uint64_t *next, struct err *e);

/* ---- health ---- */
/* Rebuilds every index and count from the devices and compares; each finding
 * is one sentence. E_CORRUPT when there was one. */
int store_verify(struct store *s, void (*finding)(void *arg, const char *text), void *arg);
struct store_stat {
	uint64_t used_bytes; /* of pages that hold something, as far as the list of free ones is short */
	uint64_t file_bytes, map_bytes;
	uint64_t disk_free_bytes, disk_size_bytes; /* of its file system, for this user */
	uint32_t readers;                          /* that have a snapshot, other processes included */
	struct store_reader {
		int pid; /* 0: there is none */
		uint64_t thread, snapshot;
	} oldest;
};
int store_stat(struct store *s, struct store_stat *out);
