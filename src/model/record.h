/* The stored form of a device. Two parts that are kept apart (invariant 6):
 *
 *   stable    the values of docs/device.schema.json, one token each in a fixed
 *             order (record_token.h), without keys: half the bytes of the JSON,
 *             and every one of them is copied several times on its way to the
 *             disk. Equal bytes mean "nothing changed", and only they do
 *   volatile  a packed binary of the members that move by themselves: under
 *             100 bytes, because an hourly walk rewrites all of them
 *
 * Readers get JSON: record_join() writes the members of the stable part, then
 * `,"volatile":{...}`. Neither the tenant's name nor the id is in a part, the
 * store's key knows them. Policy names are not in it either; only those of
 * failing policies stand in compliance.reasons. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "model/derive.h"
#include "model/policy_table.h"

enum { RECORD_VOLATILE_MAX = 160 };

/* Appends the stable part. `names` (of the tenant, may be NULL) gives
 * compliance.reasons their text; a failing policy it does not know is named
 * "policy <id>". Texts are cut after 255 characters. OK, E_NOMEM or E_LIMIT. */
int record_write_stable(struct buf *out, const struct device *d, const struct policy_table *names);
/* Returns the packed length, at most RECORD_VOLATILE_MAX. Times outside 2001 to
 * 2137 and addresses too long for struct record_volatile become null. */
size_t record_pack_volatile(unsigned char out[RECORD_VOLATILE_MAX], const struct device *d);

/* Volatile members, unpacked. Text is NUL-terminated, "" is null. */
struct record_volatile {
	int64_t last_seen, restarted, detail_updated, policy_updated, software_updated, evaluated_at;
	int64_t uptime_s, disk_available_bytes;
	char primary_ip[48], primary_mac[18], public_ip[48];
};
int record_unpack_volatile(struct record_volatile *out, const void *packed, size_t n);

/* What is computed when read, never stored. */
struct record_now {
	int64_t now;
	int64_t stale_after_s; /* 0: `stale` is not computed */
};

/* The record without what moves: one JSON object, `tenant` to `enrolled`. On
 * E_CORRUPT (whatever the bytes) or a failed buffer a part of it may stand in
 * `out`, which is then of no use. */
int record_expand(struct buf *out, const char *tenant, uint64_t id, struct slice stable);
/* The whole record: that object with "volatile", "stale" and "online" as last
 * members. online: seen within 15 minutes; null for agentless systems (iOS,
 * iPadOS, Android), which nearly always say offline though they are used, and
 * for devices never seen. stale: the evidence (evaluated_at) is older than
 * stale_after; null when there is none or no stale_after. Errors as above. */
int record_join(struct buf *out, const char *tenant, uint64_t id, struct slice stable, const void *packed,
		size_t packed_n, const struct record_now *now);

/* ---- reading a stable part back ---- */

/* A few members picked out of the stable part. The slices point into `stable`
 * where the text needed no unescaping, else into `scratch`; words are static. */
struct record_peek {
	struct slice uuid, serial, compliance, owner_email, access_group; /* what indexes need */
	struct slice owner_source, hostname, display_name;
	struct slice os_family, os_name, os_version, access_user, team_name;
	struct slice encryption, enrollment;
	bool owner_ambiguous;
	struct host_mapping list_mapping[DEVICE_MAX_CANDIDATES];
	uint32_t list_mapping_count;
	bool has_list_mapping;
	int64_t enrolled; /* Unix seconds or HOST_NEVER */
	int64_t team_id;  /* 0: of no team */
};
/* E_CORRUPT on anything that record_write_stable() would not have written in
 * their place, whatever the bytes; E_NOMEM. `scratch` is emptied first. */
int record_peek(struct record_peek *out, struct slice stable, struct buf *scratch);
/* Only what the indexes need; the rest of `out` is not set, and only the bytes
 * up to there are looked at. They stand first, so this is far quicker. */
int record_peek_index(struct record_peek *out, struct slice stable, struct buf *scratch);

/* Names of the members that differ, as dotted paths of two levels at most
 * ("os.version", "compliance.state", "owner.email"), appended as a JSON array.
 * E_CORRUPT when one of them is not a stable part; then `out` is of no use. */
int record_changed_fields(struct buf *out, struct slice before, struct slice after);
