/* derive(list, detail, previous, settings, now) -> device: pure, no clock, no
 * store, no memory of its own. The rules a customer may argue about live here
 * and in the files derive_*.c, each with a table of tests. */
#pragma once

#include "model/host.h"

/* ---- what was concluded ---- */
enum os_family { OS_OTHER, OS_MACOS, OS_WINDOWS, OS_LINUX, OS_IOS, OS_IPADOS, OS_ANDROID, OS_CHROMEOS };
enum encryption_state {
	ENCRYPTION_UNKNOWN,
	ENCRYPTION_ON,
	ENCRYPTION_OFF,
	ENCRYPTION_ENFORCING,
	ENCRYPTION_ACTION_REQUIRED,
	ENCRYPTION_FAILED,
	ENCRYPTION_REMOVING,
};
enum mdm_enrollment { MDM_UNKNOWN, MDM_AUTOMATIC, MDM_MANUAL, MDM_PERSONAL, MDM_PENDING, MDM_OFF };
enum compliance_state {
	COMPLIANCE_UNKNOWN,
	COMPLIANCE_COMPLIANT,
	COMPLIANCE_NONCOMPLIANT,
	COMPLIANCE_NOT_EVALUATED
};

/* The words of docs/device.schema.json; never NULL. */
const char *os_family_name(enum os_family v);
const char *encryption_state_name(enum encryption_state v);
const char *mdm_enrollment_name(enum mdm_enrollment v);
const char *compliance_state_name(enum compliance_state v);

/* ---- settings of a tenant that take part ---- */
enum owner_source {
	OWNER_CUSTOM,
	OWNER_IDP,
	OWNER_MDM_IDP_ACCOUNTS,
	OWNER_GOOGLE_CHROME_PROFILES,
	OWNER_SOURCES
};
const char *owner_source_name(enum owner_source v);
/* -1 when it is none of them */
int owner_source_parse(struct slice s);

struct derive_settings {
	bool critical_only;              /* only critical policies count */
	const uint32_t *ignore_policies; /* ascending ids */
	uint32_t ignore_count;
	enum owner_source owner_precedence[OWNER_SOURCES]; /* best first */
	uint32_t owner_precedence_count;                   /* sources not listed are no owners */
	bool map_users, map_teams;
	bool premium; /* licence tier is not "free" */
};

/* ---- facts kept apart from the list, with their time (invariant 7) ---- */
struct detail_facts {
	int64_t fetched_at; /* Unix seconds; 0: no detail has arrived */
	/* The host they were picked from, NULL once unpacked: by it derive() sees
	 * that the detail arrived alone and stands in for the list. */
	const struct host *of;
	enum host_tristate disk_encryption_enabled;
	struct slice os_settings_disk_encryption;
	/* The same word by another way: what the filtered lists said last, and when;
	 * without a word: that it is in none of them. 0: they said nothing. */
	struct slice listed_disk_encryption;
	int64_t listed_at;
	enum host_tristate encryption_key_available;
	struct slice orbit_version, desktop_version;
	struct slice device_status, pending_action;
	bool has_end_users;
	const struct host_mapping *end_users;
	uint32_t end_user_count;
	bool has_mapping; /* old servers put device_mapping into the detail */
	const struct host_mapping *mapping;
	uint32_t mapping_count;
	bool has_policies;                  /* stand in while the list sends only a count (before 4.47) */
	const struct host_policy *policies; /* ascending ids */
	uint32_t policy_count;
};

/* Picks the detail's own facts out of a parsed GET /hosts/:id; points into it.
 * Its policies are sorted in place by id. */
void detail_facts_of(struct detail_facts *out, const struct host *detail, int64_t fetched_at);

/* ---- what stood before, as far as it matters now ---- */
struct previous_device {
	bool known;
	struct slice owner_email; /* p == NULL: had none */
	/* the candidates that came from the list, for a detail that arrives alone */
	const struct host_mapping *list_mapping;
	uint32_t list_mapping_count;
	bool has_list_mapping;
};

/* ---- the device ---- */
enum { DEVICE_MAX_CANDIDATES = 16, DEVICE_MAX_POLICIES = 512 };

struct owner_candidate {
	struct slice email, source;
	bool from_detail;
};

struct device {
	uint64_t id;
	struct slice uuid, serial, hostname, computer_name,
		display_name; /* uuid as sent; lower-cased on writing */
	enum os_family family;
	struct slice platform, os_name, os_version, os_build, os_arch;
	struct slice vendor, model, cpu;
	int64_t cores_physical, cores_logical, memory_bytes; /* HOST_NO_INT: null */
	int64_t disk_total_bytes;
	enum encryption_state encryption;
	const char *encryption_method; /* "filevault", "bitlocker", "luks" or NULL */
	/* The member that said so ("disk_encryption_enabled", "os_settings") or
	 * NULL; static. Not whether list or detail sent it: that would differ from
	 * walk to walk and look like a change. */
	const char *encryption_evidence;
	enum host_tristate key_escrowed;
	enum mdm_enrollment enrollment;
	struct slice mdm_vendor, mdm_server_url, device_status;
	struct slice pending_action; /* "none" when the server says that nothing is pending */
	enum host_tristate managed_by_fleet;
	enum compliance_state compliance;
	int64_t failing, critical_failing, unanswered; /* HOST_NO_INT: not known */
	const struct host_policy *policies;            /* ascending ids */
	uint32_t policy_count;
	bool policies_known;                    /* results one by one, not only a count */
	const struct derive_settings *settings; /* which of them count; see derive_policy_counts() */
	struct slice owner_email, owner_source; /* p == NULL: none */
	bool owner_ambiguous;
	struct owner_candidate candidates[DEVICE_MAX_CANDIDATES];
	uint32_t candidate_count;
	struct slice access_user;  /* p == NULL: no grant */
	struct slice access_group; /* team name; p == NULL: none */
	int64_t team_id;
	struct slice team_name;
	struct slice osquery, orbit, desktop;
	int64_t critical_vulnerabilities;
	int64_t enrolled; /* Unix seconds; HOST_NEVER: null */
	/* volatile */
	int64_t last_seen, restarted, detail_updated, policy_updated, software_updated, evaluated_at;
	int64_t uptime_s, disk_available_bytes;
	struct slice primary_ip, primary_mac, public_ip;
};

/* True when a policy takes part in the state: not ignored, and critical where
 * only those count. */
bool derive_policy_counts(const struct derive_settings *settings, const struct host_policy *policy);

/* `list` is a list item, or a detail parsed as a host when a detail arrived
 * alone (then detail->of == list, and previous->list_mapping stands in for its
 * missing device_mapping). `detail` and `previous` may be NULL. `policies` of
 * `list` are sorted in place by id when they are not. Nothing is allocated: the
 * device points into its inputs, `settings` included. */
void derive(struct device *out, struct host *list, const struct detail_facts *detail,
	    const struct previous_device *previous, const struct derive_settings *settings, int64_t now);
