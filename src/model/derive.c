#include "model/derive.h"

#include "model/derive_rules.h"

/* A time further ahead of ours than this comes from a wrong clock. */
enum { BELIEVABLE_AHEAD_S = 24 * 3600 };

/* Fleet says 0 for sizes and counts that it does not know. */
static int64_t positive(int64_t v)
{
	return v > 0 ? v : HOST_NO_INT;
}

static int64_t not_negative(int64_t v)
{
	return v >= 0 ? v : HOST_NO_INT;
}

static int64_t seconds_of(int64_t ns)
{
	return ns >= 1000000000 ? ns / 1000000000 : HOST_NO_INT;
}

static void derive_identity(struct device *out, const struct host *list)
{
	out->id = list->id;
	out->uuid = uuid_real(list->uuid);
	out->serial = text_real(list->serial);
	out->hostname = text_trim(list->hostname);
	out->computer_name = text_trim(list->computer_name);
	out->display_name = text_trim(list->display_name);
	out->enrolled = list->last_enrolled_at;
}

static void derive_hardware(struct device *out, const struct host *list)
{
	out->vendor = text_real(list->hardware_vendor);
	out->model = text_real(list->hardware_model);
	out->cpu = text_real(list->cpu_brand);
	out->cores_physical = positive(list->cores_physical);
	out->cores_logical = positive(list->cores_logical);
	out->memory_bytes = positive(list->memory_bytes);
	out->disk_total_bytes = positive(list->disk_total_bytes);
}

static void derive_agent(struct device *out, const struct host *list, const struct detail_facts *detail)
{
	/* the list sends null for the last two since it has them at all */
	out->osquery = text_trim(list->osquery_version);
	out->orbit = text_trim(detail->orbit_version.p ? detail->orbit_version : list->orbit_version);
	out->desktop = text_trim(detail->desktop_version.p ? detail->desktop_version : list->desktop_version);
}

static void derive_team(struct device *out, const struct host *list)
{
	out->team_id = list->team_id;
	out->team_name = list->team_id == HOST_NO_INT ? SLICE_NONE : text_trim(list->team_name);
}

static void derive_volatile(struct device *out, const struct host *list, int64_t now)
{
	out->last_seen = list->seen_time;
	out->restarted = list->last_restarted_at;
	out->detail_updated = list->detail_updated_at;
	out->policy_updated = list->policy_updated_at;
	out->software_updated = list->software_updated_at;
	/* evidence from the future would never become stale */
	out->evaluated_at =
		list->policy_updated_at > now + BELIEVABLE_AHEAD_S ? HOST_NEVER : list->policy_updated_at;
	out->uptime_s = seconds_of(list->uptime_ns);
	out->disk_available_bytes = positive(list->disk_available_bytes);
	out->primary_ip = ip_real(list->primary_ip);
	out->primary_mac = mac_real(list->primary_mac);
	out->public_ip = ip_real(list->public_ip);
}

void derive(struct device *out, struct host *list, const struct detail_facts *detail,
	    const struct previous_device *previous, const struct derive_settings *settings, int64_t now)
{
	static const struct detail_facts no_detail;
	static const struct previous_device no_previous;
	if (!detail || (!detail->fetched_at && !detail->listed_at))
		detail = &no_detail;
	if (!previous)
		previous = &no_previous;

	out->settings = settings;
	derive_identity(out, list);
	derive_os(out, list);
	derive_hardware(out, list);
	derive_encryption(out, list, detail);
	derive_mdm(out, list, detail);
	derive_compliance(out, list, detail, settings);
	derive_team(out, list);
	derive_owner(out, list, detail, previous, settings);
	derive_agent(out, list, detail);
	out->critical_vulnerabilities = not_negative(list->critical_vulnerabilities_count);
	derive_volatile(out, list, now);
}

void detail_facts_of(struct detail_facts *out, const struct host *detail, int64_t fetched_at)
{
	*out = (struct detail_facts){
		.fetched_at = fetched_at,
		.of = detail,
		.disk_encryption_enabled = detail->disk_encryption_enabled,
		.os_settings_disk_encryption = detail->os_settings_disk_encryption,
		.encryption_key_available = detail->mdm_encryption_key_available,
		.orbit_version = detail->orbit_version,
		.desktop_version = detail->desktop_version,
		.device_status = detail->mdm_device_status,
		.pending_action = detail->mdm_pending_action,
		.has_end_users = detail->seen & HOST_SEEN_END_USERS,
		.end_users = detail->end_users,
		.end_user_count = detail->end_user_count,
		.has_mapping = detail->seen & HOST_SEEN_DEVICE_MAPPING,
		.mapping = detail->mapping,
		.mapping_count = detail->mapping_count,
		.has_policies = detail->seen & HOST_SEEN_POLICIES,
		.policies = detail->policies,
		.policy_count = detail->policy_count,
	};
	policies_sort(detail->policies, detail->policy_count);
}
