#include "fleet/page_build.h"

#define F(text, kind, in, member, seen)                                                                      \
	{                                                                                                    \
		text, sizeof(text) - 1, kind, PLACES, offsetof(struct in, member), seen                      \
	}
#define INTO(text, kind, place, seen)                                                                        \
	{                                                                                                    \
		text, sizeof(text) - 1, kind, place, 0, seen                                                 \
	}

/* Members of interest, by place. Old and new spellings of one thing stand side
 * by side: their values are equal (fleet-api section 8). */
static const struct field host_fields[] = {
	F("id", KIND_INT, host, id, 0),
	F("created_at", KIND_TIME, host, created_at, 0),
	F("last_enrolled_at", KIND_TIME, host, last_enrolled_at, 0),
	F("seen_time", KIND_TIME, host, seen_time, 0),
	F("last_restarted_at", KIND_TIME, host, last_restarted_at, 0),
	F("detail_updated_at", KIND_TIME, host, detail_updated_at, 0),
	F("policy_updated_at", KIND_TIME, host, policy_updated_at, 0),
	F("software_updated_at", KIND_TIME, host, software_updated_at, 0),
	F("uptime", KIND_INT, host, uptime_ns, 0),
	F("memory", KIND_INT, host, memory_bytes, 0),
	F("cpu_physical_cores", KIND_INT, host, cores_physical, 0),
	F("cpu_logical_cores", KIND_INT, host, cores_logical, 0),
	F("gigs_total_disk_space", KIND_GIGABYTES, host, disk_total_bytes, 0),
	F("gigs_disk_space_available", KIND_GIGABYTES, host, disk_available_bytes, 0),
	F("hostname", KIND_TEXT, host, hostname, 0),
	F("uuid", KIND_TEXT, host, uuid, 0),
	F("hardware_serial", KIND_TEXT, host, serial, 0),
	F("computer_name", KIND_TEXT, host, computer_name, 0),
	F("display_name", KIND_TEXT, host, display_name, 0),
	F("platform", KIND_TEXT, host, platform, 0),
	F("platform_like", KIND_TEXT, host, platform_like, 0),
	F("os_version", KIND_TEXT, host, os_version, 0),
	F("build", KIND_TEXT, host, build, 0),
	F("code_name", KIND_TEXT, host, code_name, 0),
	F("cpu_type", KIND_TEXT, host, cpu_type, 0),
	F("cpu_brand", KIND_TEXT, host, cpu_brand, 0),
	F("hardware_vendor", KIND_TEXT, host, hardware_vendor, 0),
	F("hardware_model", KIND_TEXT, host, hardware_model, 0),
	F("osquery_version", KIND_TEXT, host, osquery_version, 0),
	F("orbit_version", KIND_TEXT, host, orbit_version, 0),
	F("fleet_desktop_version", KIND_TEXT, host, desktop_version, 0),
	F("public_ip", KIND_TEXT, host, public_ip, 0),
	F("primary_ip", KIND_TEXT, host, primary_ip, 0),
	F("primary_mac", KIND_TEXT, host, primary_mac, 0),
	F("team_id", KIND_INT, host, team_id, HOST_SEEN_TEAM),
	F("fleet_id", KIND_INT, host, team_id, HOST_SEEN_TEAM),
	F("team_name", KIND_TEXT, host, team_name, 0),
	F("fleet_name", KIND_TEXT, host, team_name, 0),
	F("disk_encryption_enabled", KIND_TRISTATE, host, disk_encryption_enabled, HOST_SEEN_DISK_ENCRYPTION),
	INTO("issues", KIND_OBJECT, PLACE_ISSUES, HOST_SEEN_ISSUES),
	INTO("mdm", KIND_OBJECT, PLACE_MDM, HOST_SEEN_MDM),
	INTO("policies", KIND_ARRAY, PLACE_POLICY, HOST_SEEN_POLICIES),
	INTO("device_mapping", KIND_ARRAY, PLACE_MAPPING, HOST_SEEN_DEVICE_MAPPING),
	INTO("end_users", KIND_ARRAY, PLACE_END_USER, HOST_SEEN_END_USERS),
};
static const struct field issues_fields[] = {
	F("failing_policies_count", KIND_INT, host, failing_policies_count, 0),
	F("critical_vulnerabilities_count", KIND_INT, host, critical_vulnerabilities_count, 0),
};
static const struct field mdm_fields[] = {
	F("enrollment_status", KIND_TEXT, host, mdm_enrollment_status, 0),
	F("server_url", KIND_TEXT, host, mdm_server_url, 0),
	F("name", KIND_TEXT, host, mdm_name, 0),
	F("encryption_key_available", KIND_TRISTATE, host, mdm_encryption_key_available, 0),
	F("connected_to_fleet", KIND_TRISTATE, host, mdm_connected_to_fleet, 0),
	F("device_status", KIND_TEXT, host, mdm_device_status, HOST_SEEN_DEVICE_STATUS),
	F("pending_action", KIND_TEXT, host, mdm_pending_action, 0),
	INTO("os_settings", KIND_OBJECT, PLACE_OS_SETTINGS, 0),
};
static const struct field os_settings_fields[] = {
	INTO("disk_encryption", KIND_OBJECT, PLACE_DISK_ENCRYPTION, HOST_SEEN_OS_SETTINGS),
};
static const struct field disk_encryption_fields[] = {
	F("status", KIND_TEXT, host, os_settings_disk_encryption, 0),
};
const struct field page_policy_fields[] = {
	[POLICY_ID] = F("id", KIND_INT, policy_item, id, 0),
	[POLICY_NAME] = F("name", KIND_POLICY_NAME, policy_item, name, 0),
	[POLICY_CRITICAL] = F("critical", KIND_FLAG, policy_item, critical, 0),
	[POLICY_RESPONSE] = F("response", KIND_RESULT, policy_item, result, 0),
};
static const struct field mapping_fields[] = {
	F("email", KIND_TEXT, host_mapping, email, 0),
	F("source", KIND_TEXT, host_mapping, source, 0),
};
static const struct field end_user_fields[] = {
	F("idp_username", KIND_TEXT, host_mapping, email, 0),
	INTO("other_emails", KIND_ARRAY, PLACE_OTHER_EMAIL, 0),
};

#define TABLE(rows)                                                                                          \
	{                                                                                                    \
		rows, sizeof(rows) / sizeof((rows)[0])                                                       \
	}
static const struct {
	const struct field *rows;
	size_t count;
} places[PLACES] = {
	[PLACE_HOST] = TABLE(host_fields),
	[PLACE_ISSUES] = TABLE(issues_fields),
	[PLACE_MDM] = TABLE(mdm_fields),
	[PLACE_OS_SETTINGS] = TABLE(os_settings_fields),
	[PLACE_DISK_ENCRYPTION] = TABLE(disk_encryption_fields),
	[PLACE_POLICY] = TABLE(page_policy_fields),
	[PLACE_MAPPING] = TABLE(mapping_fields),
	[PLACE_END_USER] = TABLE(end_user_fields),
	[PLACE_OTHER_EMAIL] = TABLE(mapping_fields),
};

/* A host has some 70 members, looked up for each host of each page: a hash of
 * the length and the last four characters, filled once at start-up. */
enum { SLOTS = 256 };
static uint8_t host_slots[SLOTS]; /* index + 1 */

static inline uint32_t word_at(const char *p)
{
	uint32_t w;
	memcpy(&w, p, sizeof(w));
	return w;
}

static inline unsigned hash_key(const char *key, size_t n)
{
	uint32_t tail = n >= 4 ? word_at(key + n - 4) : (unsigned char)key[0];
	return ((tail ^ (uint32_t)n << 5) * 0x9e3779b1u) >> 24;
}

__attribute__((constructor)) static void fill_slots(void)
{
	for (size_t i = 0; i < places[PLACE_HOST].count; i++) {
		unsigned at = hash_key(host_fields[i].name, host_fields[i].length);
		while (host_slots[at])
			at = (at + 1) % SLOTS;
		host_slots[at] = (uint8_t)(i + 1);
	}
}

static inline uint64_t long_at(const char *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof(w));
	return w;
}

/* memcmp() for the short texts that keys are, without the call. */
static inline bool same_text(const char *a, const char *b, size_t n)
{
	if (n < 8)
		return n >= 4 ? word_at(a) == word_at(b) && word_at(a + n - 4) == word_at(b + n - 4)
			      : memcmp(a, b, n) == 0;
	for (size_t i = 0; i + 8 < n; i += 8)
		if (long_at(a + i) != long_at(b + i))
			return false;
	return long_at(a + n - 8) == long_at(b + n - 8);
}

static inline bool named(const struct field *f, const char *key, size_t n)
{
	return f->length == n && same_text(f->name, key, n);
}

const struct field *page_field(enum place place, const char *key, size_t n)
{
	if (n == 0)
		return NULL;
	if (place == PLACE_HOST) {
		for (unsigned at = hash_key(key, n); host_slots[at]; at = (at + 1) % SLOTS)
			if (named(&host_fields[host_slots[at] - 1], key, n))
				return &host_fields[host_slots[at] - 1];
		return NULL;
	}
	for (size_t i = 0; i < places[place].count; i++)
		if (named(&places[place].rows[i], key, n))
			return &places[place].rows[i];
	return NULL;
}
