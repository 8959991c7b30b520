/* A host as a current Premium server lists it, for tests to vary; every fact
 * is filled. Included after cmocka.h by exactly one file of a program. */
#pragma once

#include "model/derive.h"

static const enum owner_source sample_precedence[OWNER_SOURCES] = { OWNER_CUSTOM, OWNER_IDP,
								    OWNER_MDM_IDP_ACCOUNTS,
								    OWNER_GOOGLE_CHROME_PROFILES };

static inline struct derive_settings sample_settings(void)
{
	struct derive_settings s = {
		.owner_precedence_count = OWNER_SOURCES, .map_users = true, .map_teams = true, .premium = true
	};
	memcpy(s.owner_precedence, sample_precedence, sizeof(sample_precedence));
	return s;
}

enum { SAMPLE_NOW = 1768955618, SAMPLE_POLICIES = 12 };

struct sample {
	struct host host;
	struct host_policy policies[SAMPLE_POLICIES];
	struct host_mapping mapping[2];
};

static inline void sample_init(struct sample *s)
{
	*s = (struct sample){ 0 };
	for (uint32_t i = 0; i < SAMPLE_POLICIES; i++)
		s->policies[i] =
			(struct host_policy){ 100 + (i * 5) % SAMPLE_POLICIES, POLICY_PASS, i % 4 == 0 };
	s->policies[3].result = POLICY_FAIL;
	s->policies[7].result = POLICY_UNANSWERED;
	s->mapping[0] = (struct host_mapping){ SLICE("anna@example.com"), SLICE("google_chrome_profiles") };
	s->mapping[1] = (struct host_mapping){ SLICE("anna@example.com"), SLICE("custom") };
	s->host = (struct host){
		.id = 4711,
		.seen = HOST_SEEN_DEVICE_MAPPING | HOST_SEEN_POLICIES | HOST_SEEN_ISSUES | HOST_SEEN_MDM |
			HOST_SEEN_DEVICE_STATUS | HOST_SEEN_DISK_ENCRYPTION | HOST_SEEN_TEAM,
		.created_at = SAMPLE_NOW - 9000000,
		.last_enrolled_at = SAMPLE_NOW - 8000000,
		.seen_time = SAMPLE_NOW - 60,
		.last_restarted_at = SAMPLE_NOW - 256356,
		.detail_updated_at = SAMPLE_NOW - 1800,
		.policy_updated_at = SAMPLE_NOW - 1700,
		.software_updated_at = SAMPLE_NOW - 1900,
		.uptime_ns = 20807520000000000,
		.memory_bytes = 17179869184,
		.cores_physical = 8,
		.cores_logical = 8,
		.disk_total_bytes = 494380000000,
		.disk_available_bytes = 174980000000,
		.hostname = SLICE("annas-macbook-pro.local"),
		.uuid = SLICE("C8B98348-A0A6-5838-A321-57B59D788269"),
		.serial = SLICE("C0124FXASD6G"),
		.computer_name = SLICE("Anna's MacBook Pro"),
		.display_name = SLICE("Anna's MacBook Pro"),
		.platform = SLICE("darwin"),
		.platform_like = SLICE("darwin"),
		.os_version = SLICE("macOS 15.2"),
		.build = SLICE("24C101"),
		.code_name = SLICE(""),
		.cpu_type = SLICE("arm64e"),
		.cpu_brand = SLICE("Apple M1 Pro"),
		.hardware_vendor = SLICE("Apple Inc."),
		.hardware_model = SLICE("MacBookPro17,1"),
		.osquery_version = SLICE("5.19.0"),
		.public_ip = SLICE("203.0.113.25"),
		.primary_ip = SLICE("192.0.2.45"),
		.primary_mac = SLICE("36:34:a5:6b:7b:5c"),
		.team_id = 2,
		.team_name = SLICE("Workstations"),
		.failing_policies_count = 1,
		.critical_vulnerabilities_count = 2,
		.policies = s->policies,
		.policy_count = SAMPLE_POLICIES,
		.mapping = s->mapping,
		.mapping_count = 2,
		.mdm_enrollment_status = SLICE("On (automatic)"),
		.mdm_server_url = SLICE("https://fleet.example.com/mdm/apple/mdm"),
		.mdm_name = SLICE("Fleet"),
		.mdm_device_status = SLICE("unlocked"),
		.mdm_pending_action = SLICE(""),
		.mdm_connected_to_fleet = HOST_YES,
		.mdm_encryption_key_available = HOST_YES,
		.disk_encryption_enabled = HOST_YES,
	};
}
