/* What one Fleet answer says about one host, as it was said: text is only
 * checked UTF-8, times and numbers are converted, nothing is judged yet.
 * Placeholders ("None", "-1", all-zero MAC) are still in it; derive.h cleans
 * them. Filled by the page parser (fleet/page_parser.h); everything it points
 * to lives in the arena of the page it came with. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Absent, null or unreadable number. */
#define HOST_NO_INT INT64_MIN
/* Absent, null, unreadable, or one of Fleet's "never" values (before 2001). */
#define HOST_NEVER 0

enum host_tristate { HOST_UNKNOWN = 0, HOST_NO, HOST_YES };

/* Bits of `seen`: the key stood in the object, even if null. Only the keys
 * where "not asked for", "the server does not know it" and "none" differ. */
enum host_seen {
	HOST_SEEN_DEVICE_MAPPING = 1 << 0,
	HOST_SEEN_POLICIES = 1 << 1,
	HOST_SEEN_ISSUES = 1 << 2,
	HOST_SEEN_MDM = 1 << 3,
	HOST_SEEN_DEVICE_STATUS = 1 << 4,
	HOST_SEEN_DISK_ENCRYPTION = 1 << 5, /* disk_encryption_enabled with a boolean */
	HOST_SEEN_OS_SETTINGS = 1 << 6,     /* mdm.os_settings.disk_encryption (detail) */
	HOST_SEEN_END_USERS = 1 << 7,       /* detail, 4.67 and later */
	HOST_SEEN_TEAM = 1 << 8,            /* team_id or fleet_id */
};

enum policy_result { POLICY_UNANSWERED = 0, POLICY_PASS, POLICY_FAIL };

struct host_policy {
	uint32_t id;
	uint8_t result; /* enum policy_result */
	uint8_t critical;
};

struct host_mapping {
	struct slice email, source;
};

/* A policy as a page names it; one row each, in order of first appearance. */
struct policy_name {
	uint32_t id;
	bool critical;
	struct slice name;
};

struct host {
	uint64_t id;
	uint32_t seen;        /* enum host_seen */
	uint32_t wrong_types; /* members of an unexpected type, read as null */
	uint32_t bad_utf8;    /* strings repaired with U+FFFD */

	/* times in Unix seconds, HOST_NEVER when there is none */
	int64_t created_at, last_enrolled_at, seen_time, last_restarted_at;
	int64_t detail_updated_at, policy_updated_at, software_updated_at;
	int64_t uptime_ns;
	int64_t memory_bytes;
	int64_t cores_physical, cores_logical;
	int64_t disk_total_bytes, disk_available_bytes; /* from decimal gigabytes */

	struct slice hostname, uuid, serial, computer_name, display_name;
	struct slice platform, platform_like, os_version, build, code_name;
	struct slice cpu_type, cpu_brand;
	struct slice hardware_vendor, hardware_model;
	struct slice osquery_version, orbit_version, desktop_version;
	struct slice public_ip, primary_ip, primary_mac;

	int64_t team_id; /* HOST_NO_INT: no team (or not said: see seen) */
	struct slice team_name;

	int64_t failing_policies_count, critical_vulnerabilities_count;
	const struct host_policy *policies;
	uint32_t policy_count;
	uint32_t mapping_count;
	const struct host_mapping *mapping; /* device_mapping */

	struct slice mdm_enrollment_status, mdm_server_url, mdm_name;
	struct slice mdm_device_status, mdm_pending_action;
	enum host_tristate mdm_connected_to_fleet, mdm_encryption_key_available;
	enum host_tristate disk_encryption_enabled;
	struct slice os_settings_disk_encryption; /* mdm.os_settings.disk_encryption.status */

	/* end_users of the detail, flattened: idp_username as source "idp", then
	 * other_emails with their own sources */
	const struct host_mapping *end_users;
	uint32_t end_user_count;
};

/* A page of the list, or one detail (then exactly one element). Owned by
 * whoever holds it; page_free() frees the arena with everything in it. */
struct page_element {
	uint64_t id;         /* 0: could not even find an id */
	struct host *host;   /* NULL: rejected; `reason` says why, `sample` shows it */
	const char *reason;  /* static text */
	struct slice sample; /* first bytes of the rejected element, repaired */
};

struct arena;

struct page {
	struct arena *arena;
	struct page_element *elements; /* in the order sent */
	uint32_t count, rejected;
	bool rejected_without_id;
	struct policy_name *policies;
	uint32_t policy_count;
	uint64_t bytes; /* of the body */
	uint32_t wrong_types, bad_utf8;
};

void page_free(struct page *p);
