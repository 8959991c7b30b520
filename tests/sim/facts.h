/* What one machine is and says at the moment: made from the tenant's seed, the
 * machine's number and its change counters, so the same request gives the same
 * answer in every run. */
#pragma once

#include "fleet.h"

#include <stddef.h>

enum { FACT_TEXT_BYTES = 1040, FACT_MAPPINGS = 4 };

/* Text that may contain NUL. */
struct fact_text {
	size_t n;
	char s[FACT_TEXT_BYTES];
};

enum fact_platform {
	ON_MACOS,
	ON_WINDOWS,
	ON_UBUNTU,
	ON_DEBIAN,
	ON_IOS,
	ON_IPADOS,
	ON_ANDROID,
	ON_CHROME,
	ON_NEW
};

struct fact_mapping {
	char email[FACT_TEXT_BYTES];
	const char *source;
};

struct facts {
	enum fact_platform on;
	const char *platform, *platform_like, *code_name, *cpu_type, *cpu_subtype, *cpu_brand;
	const char *vendor, *model, *hardware_version, *osquery_version, *orbit_version, *desktop_version;
	const char *public_ip;
	char os_version[96], build[32], uuid[40], primary_ip[48], primary_mac[24];
	struct fact_text serial, hostname, computer_name;
	int64_t created_s, updated_s, enrolled_s, seen_s, detail_s, label_s, policy_s, software_s,
		restarted_s;
	unsigned restarted_micros;
	int64_t uptime_ns, memory_bytes;
	int cores;
	int64_t disk_total_cgb, disk_free_cgb, disk_free_cpct; /* hundredths */
	bool agent, online, pending, encrypted, key_escrowed;
	/* mdm */
	const char *enrollment, *mdm_url, *mdm_name;
	bool mdm_fleet;
	const char *disk_encryption_status; /* NULL: none */
	struct fact_mapping mapping[FACT_MAPPINGS];
	int mappings;
	uint32_t team;
};

enum policy_answer { ANSWER_PASS, ANSWER_FAIL, ANSWER_NONE };

void facts_make(struct facts *f, const struct tenant *t, const struct sim_host *h);
enum policy_answer facts_policy(const struct tenant *t, const struct sim_host *h, const struct facts *f,
				uint32_t policy);
