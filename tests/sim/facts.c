#include "facts.h"

#include <stdio.h>
#include <string.h>

/* Seconds; "never" as Fleet writes it in three ways. */
static const int64_t never_2000 = 946684800, never_1970 = 86400, never_0001 = -62135596800;
enum { HOUR_S = 3600, DAY_S = 86400 };

enum salt {
	SALT_PLATFORM = 10,
	SALT_NAME,
	SALT_OS,
	SALT_HARDWARE,
	SALT_TIMES,
	SALT_MDM,
	SALT_DISK,
	SALT_OWNER,
	SALT_POLICY,
	SALT_ADDRESS,
	SALT_VOLATILE
};

static const char *const given[] = {
	"anna",  "bruno", "chiara", "david", "elif",  "farid",  "grace", "hugo",
	"ines",  "jonas", "keiko",  "liam",  "maria", "noah",   "olga",  "priya",
	"quinn", "rosa",  "sven",   "tariq", "uma",   "victor", "wen",   "yara"
};
static const char *const family[] = { "ahmed",  "berg",  "costa",  "dubois", "eriksen", "fischer",
				      "garcia", "haas",  "ito",    "jensen", "kovacs",  "lopez",
				      "meyer",  "novak", "okafor", "petrov", "rossi",   "silva",
				      "tanaka", "urban", "vogel",  "weber" };

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

static uint64_t draw(const struct tenant *t, const struct sim_host *h, enum salt salt)
{
	return fleet_mix(t->seed, h->machine, salt);
}

static void set_text(struct fact_text *to, const char *s)
{
	to->n = (size_t)snprintf(to->s, sizeof(to->s), "%s", s);
}

static enum fact_platform pick_platform(uint64_t n)
{
	unsigned p = n % 100;
	return p < 45   ? ON_MACOS
	       : p < 80 ? ON_WINDOWS
	       : p < 90 ? ON_UBUNTU
	       : p < 92 ? ON_DEBIAN
	       : p < 95 ? ON_IOS
	       : p < 97 ? ON_IPADOS
	       : p < 99 ? ON_ANDROID
			: ON_CHROME;
}

static void fill_apple(struct facts *f, uint64_t n)
{
	static const char *const models[] = { "MacBookPro18,1", "Mac14,2", "Mac15,6", "MacBookAir10,1",
					      "Macmini9,1" };
	static const char *const chips[] = { "Apple M1 Pro", "Apple M2", "Apple M3 Pro", "Apple M1",
					     "Apple M1" };
	f->platform = f->platform_like = "darwin";
	f->cpu_type = "arm64e";
	f->cpu_subtype = "ARM64E";
	f->vendor = "Apple Inc.";
	f->model = PICK(models, n);
	f->cpu_brand = PICK(chips, n);
	f->cores = n % 3 ? 8 : 10;
}

static void fill_pc(struct facts *f, uint64_t n)
{
	static const char *const vendors[] = { "LENOVO", "Dell Inc.", "HP", "Microsoft Corporation" };
	static const char *const models[] = { "20XW005PUS", "Latitude 7440", "HP EliteBook 840 G9",
					      "Surface Laptop 5" };
	static const char *const chips[] = { "11th Gen Intel(R) Core(TM) i5-1145G7 @ 2.60GHz",
					     "13th Gen Intel(R) Core(TM) i7-1365U", "AMD Ryzen 7 PRO 6850U",
					     "12th Gen Intel(R) Core(TM) i5-1245U" };
	f->cpu_type = "x86_64";
	f->cpu_subtype = "-1";
	f->vendor = PICK(vendors, n);
	f->model = PICK(models, n);
	f->cpu_brand = PICK(chips, n);
	f->hardware_version = "None";
	f->cores = 4 + (int)(n % 3) * 2;
}

static void fill_mobile(struct facts *f, const char *platform, const char *vendor, const char *model)
{
	f->platform = platform;
	f->vendor = vendor;
	f->model = model;
	f->agent = false;
	f->osquery_version = f->orbit_version = f->desktop_version = "";
}

/* The version texts come in steps, so that a touch moves a host one step up. */
static void fill_os(struct facts *f, unsigned step)
{
	static const char *const macos[] = { "macOS 14.7.1", "macOS 15.2", "macOS 15.7.1", "macOS 26.0.1",
					     "macOS 26.1" };
	static const char *const macos_builds[] = { "23H222", "24C101", "24G231", "25A362", "25B78" };
	static const char *const windows[] = { "Windows 11 Enterprise 22H2 10.0.22621.3007",
					       "Windows 11 Enterprise 23H2 10.0.22631.4602",
					       "Windows 10 Pro 22H2 10.0.19045.5247",
					       "Windows 11 Pro 24H2 10.0.26100.2605" };
	static const char *const windows_builds[] = { "22621", "22631", "19045", "26100" };
	static const char *const ubuntu[] = { "Ubuntu 20.04.6 LTS", "Ubuntu 22.04.5 LTS",
					      "Ubuntu 24.04.3 LTS" };
	static const char *const ubuntu_names[] = { "focal", "jammy", "noble" };
	static const char *const others[][3] = {
		{ "Debian GNU/Linux 12.5.0", "Debian GNU/Linux 12.8.0", "Debian GNU/Linux 12.11.0" },
		{ "iOS 17.5.1", "iOS 18.1", "iOS 18.2" },
		{ "iPadOS 17.5.1", "iPadOS 18.1", "iPadOS 18.2" },
		{ "Android 13", "Android 14", "Android 15" },
		{ "ChromeOS 120.0.6099", "ChromeOS 126.0.6478", "ChromeOS 131.0.6778" }
	};
	const char *os = "", *build = "";
	switch (f->on) {
	case ON_MACOS:
		os = PICK(macos, step);
		build = PICK(macos_builds, step);
		break;
	case ON_WINDOWS:
		os = PICK(windows, step);
		build = PICK(windows_builds, step);
		break;
	case ON_UBUNTU:
		os = PICK(ubuntu, step);
		f->code_name = PICK(ubuntu_names, step);
		break;
	case ON_NEW:
		break;
	default:
		os = others[f->on - ON_DEBIAN][step % 3];
	}
	snprintf(f->os_version, sizeof(f->os_version), "%s", os);
	snprintf(f->build, sizeof(f->build), "%s", build);
}

static void fill_platform(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	uint64_t n = draw(t, h, SALT_HARDWARE);
	f->on = pick_platform(draw(t, h, SALT_PLATFORM));
	f->platform_like = f->code_name = f->cpu_type = f->cpu_subtype = f->cpu_brand = f->hardware_version =
		"";
	f->agent = true;
	f->osquery_version = n % 5 ? "5.19.0" : "5.21.0";
	f->orbit_version = "1.48.1";
	f->desktop_version = "1.48.1";
	switch (f->on) {
	case ON_MACOS:
		fill_apple(f, n);
		break;
	case ON_WINDOWS:
		fill_pc(f, n);
		f->platform = f->platform_like = "windows";
		break;
	case ON_UBUNTU:
	case ON_DEBIAN:
		fill_pc(f, n);
		f->platform = f->on == ON_UBUNTU ? "ubuntu" : "debian";
		f->platform_like = "debian";
		f->code_name = f->on == ON_DEBIAN ? "bookworm" : "";
		f->desktop_version = "";
		break;
	case ON_IOS:
		fill_mobile(f, "ios", "Apple Inc.", "iPhone15,2");
		break;
	case ON_IPADOS:
		fill_mobile(f, "ipados", "Apple Inc.", "iPad13,18");
		break;
	case ON_ANDROID:
		fill_mobile(f, "android", "Google", "Pixel 8");
		break;
	default:
		fill_mobile(f, "chrome", "HP", "HP Chromebook x360 14c");
		f->osquery_version = "fleetd-chrome-1.3.1";
	}
	f->memory_bytes = (int64_t)(8 + 8 * (n >> 8 & 3)) << 30;
	fill_os(f, (unsigned)(draw(t, h, SALT_OS) % 3 + h->rev[FIELD_OS_VERSION]));
}

static void fill_names(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	uint64_t n = draw(t, h, SALT_NAME) + h->rev[FIELD_NAME];
	const char *who = PICK(given, n >> 8);
	char text[128];
	if (f->on == ON_WINDOWS)
		snprintf(text, sizeof(text), "DESKTOP-%07llX", (unsigned long long)(n & 0xfffffff));
	else if (f->on == ON_MACOS)
		snprintf(text, sizeof(text), "%c%ss-MacBook-%llu.local", who[0] - 32, who + 1,
			 (unsigned long long)h->machine);
	else
		snprintf(text, sizeof(text), "%s-%05llu", f->platform, (unsigned long long)h->machine);
	set_text(&f->hostname, text);
	if (f->on == ON_MACOS)
		snprintf(text, sizeof(text), "%c%s's MacBook Pro", who[0] - 32, who + 1);
	set_text(&f->computer_name, text);
	if (f->on == ON_MACOS || f->on == ON_IOS || f->on == ON_IPADOS)
		snprintf(text, sizeof(text), "C02%09llX",
			 (unsigned long long)(h->machine * 2654435761u & 0xfffffffff));
	else
		snprintf(text, sizeof(text), "PF%08llX",
			 (unsigned long long)(h->machine * 2654435761u & 0xffffffff));
	set_text(&f->serial, text);
	uint64_t a = fleet_mix(t->seed, h->machine, 100), b = fleet_mix(t->seed, h->machine, 101);
	const char *form = h->machine % 2 ? "%08llX-%04llX-%04llX-%04llX-%012llX"
					  : "%08llx-%04llx-%04llx-%04llx-%012llx";
	snprintf(f->uuid, sizeof(f->uuid), form, (unsigned long long)(a >> 32),
		 (unsigned long long)(a >> 16 & 0xffff), (unsigned long long)(a & 0xffff),
		 (unsigned long long)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
}

static void fill_addresses(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	uint64_t n = fleet_mix(t->seed, h->machine, SALT_ADDRESS + 1000u * t->volatile_rev);
	f->public_ip = n % 7 ? "203.0.113.10" : "198.51.100.23";
	snprintf(f->primary_ip, sizeof(f->primary_ip), "10.%u.%u.%u", (unsigned)(n >> 8 & 63),
		 (unsigned)(n >> 16 & 255), (unsigned)(n >> 24 & 255));
	uint64_t mac = draw(t, h, SALT_ADDRESS);
	snprintf(f->primary_mac, sizeof(f->primary_mac), "%02x:%02x:%02x:%02x:%02x:%02x",
		 (unsigned)(mac & 0xfc) | 2, (unsigned)(mac >> 8 & 255), (unsigned)(mac >> 16 & 255),
		 (unsigned)(mac >> 24 & 255), (unsigned)(mac >> 32 & 255), (unsigned)(mac >> 40 & 255));
	if (!f->agent)
		f->public_ip = "";
}

static void fill_times(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	uint64_t n = draw(t, h, SALT_TIMES);
	uint64_t v = fleet_mix(t->seed, h->machine, SALT_VOLATILE + 1000u * t->volatile_rev);
	int64_t now = t->now_s;
	/* created_at is fixed against the calendar: the clock of the server moves, it must not */
	f->created_s = 1704067200 + (int64_t)(n % (500 * DAY_S)) + h->created_shift_s;
	f->enrolled_s = f->created_s + 2;
	f->online = f->agent && (n >> 32) % 100 < 80;
	int64_t away = f->online ? (int64_t)(v % 30) : HOUR_S + (int64_t)((n >> 40) % (3 * DAY_S));
	f->seen_s = now - away;
	f->detail_s = f->seen_s - (int64_t)(v >> 8) % HOUR_S;
	f->label_s = f->detail_s;
	f->policy_s = f->detail_s - (int64_t)(v >> 20) % 600;
	f->software_s = f->detail_s - 60;
	f->updated_s = f->detail_s;
	f->uptime_ns =
		((int64_t)((n >> 16) % (20 * DAY_S)) + DAY_S + (int64_t)t->volatile_rev * 61) * 1000000000;
	f->restarted_s = f->seen_s - f->uptime_ns / 1000000000;
	f->restarted_micros = n % 4 ? 0 : (unsigned)(n >> 12) % 1000000;
	if (!f->agent) {
		f->seen_s = f->created_s;
		f->uptime_ns = 0;
		f->restarted_s = never_0001;
		f->restarted_micros = 0;
		f->policy_s = f->label_s = never_2000;
	}
}

static void fill_disk(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	uint64_t n = draw(t, h, SALT_DISK);
	f->disk_total_cgb = 25000 + (int64_t)(n % 3) * 25050 + 45;
	int64_t used = (int64_t)(fleet_mix(t->seed, h->machine, SALT_DISK + 1000u * t->volatile_rev) % 200);
	f->disk_free_cpct = (int64_t)(n >> 8) % 8000 + 500 + used % 100;
	f->disk_free_cgb = f->disk_total_cgb * f->disk_free_cpct / 10000;
	if (f->agent)
		f->disk_free_cpct -= f->disk_free_cpct % 100;
	unsigned state = ((unsigned)(n >> 24) + 37u * h->rev[FIELD_ENCRYPTION]) % 100;
	f->encrypted = state < 80;
	f->key_escrowed = f->encrypted && state < 76 && f->on <= ON_WINDOWS;
	static const char *const trouble[] = { "enforcing", "action_required", "failed",
					       "removing_enforcement", "verifying" };
	if (t->premium && f->mdm_fleet && f->on <= ON_WINDOWS)
		f->disk_encryption_status =
			f->encrypted ? (state < 75 ? "verified" : "verifying") : PICK(trouble, state);
}

static void fill_mdm(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	unsigned n = (unsigned)(draw(t, h, SALT_MDM) % 100 + 29u * h->rev[FIELD_MDM]) % 100;
	f->mdm_name = "";
	if (f->on == ON_UBUNTU || f->on == ON_DEBIAN || f->on == ON_CHROME)
		return;
	f->enrollment = n < 70 ? "On (automatic)" : n < 88 ? "On (manual)" : "Off";
	if (f->on == ON_ANDROID)
		f->enrollment = "On (personal)";
	if (!strcmp(f->enrollment, "Off"))
		return;
	bool other = n >= 60 && n < 70;
	f->mdm_fleet = !other;
	f->mdm_name = other ? (f->on == ON_MACOS ? "Jamf" : "Intune") : "Fleet";
	f->mdm_url = other ? "https://mdm.vendor.example/connect" : "https://fleet.example.com/mdm/apple/mdm";
}

static void map_owner(struct facts *f, uint64_t n, const char *source)
{
	struct fact_mapping *m = &f->mapping[f->mappings++];
	snprintf(m->email, sizeof(m->email), "%s.%s%u@example.com", PICK(given, n >> 4),
		 PICK(family, n >> 10), (unsigned)(n >> 20 & 63));
	m->source = source;
}

static void fill_owner(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	uint64_t n = fleet_mix(t->seed, h->machine, SALT_OWNER + 1000u * h->rev[FIELD_OWNER]);
	unsigned kind = n % 100;
	if (kind < 10 || !f->agent)
		return;
	map_owner(f, n, "google_chrome_profiles");
	if (kind < 40)
		return;
	map_owner(f, n,
		  kind < 60                                           ? "custom"
		  : kind < 80 && version_at_least(&t->version, 4, 76) ? "idp"
								      : "mdm_idp_accounts");
	if (kind >= 97)
		map_owner(f, n >> 3, f->mapping[1].source);
}

/* A host of Apple Business Manager that never enrolled. */
static void make_pending(struct facts *f)
{
	if (f->on != ON_MACOS)
		return;
	f->pending = true;
	f->agent = f->online = f->encrypted = f->key_escrowed = false;
	set_text(&f->hostname, "");
	set_text(&f->computer_name, "");
	f->uuid[0] = f->primary_ip[0] = f->primary_mac[0] = f->os_version[0] = f->build[0] = '\0';
	f->osquery_version = f->orbit_version = f->desktop_version = f->public_ip = "";
	f->cpu_brand = f->cpu_type = f->cpu_subtype = f->platform_like = "";
	f->memory_bytes = f->uptime_ns = 0;
	f->disk_total_cgb = f->disk_free_cgb = f->disk_free_cpct = f->cores = 0;
	f->enrolled_s = f->detail_s = f->label_s = f->policy_s = never_2000;
	f->seen_s = f->software_s = f->created_s;
	f->restarted_s = never_0001;
	f->restarted_micros = 0;
	f->enrollment = "Pending";
	f->mdm_name = "Fleet";
	f->mdm_url = "https://fleet.example.com/mdm/apple/mdm";
	f->mdm_fleet = false;
	f->disk_encryption_status = NULL;
	f->mappings = 0;
}

/* 255 characters of four bytes each. */
static void make_wide(struct fact_text *to)
{
	to->n = 0;
	for (int i = 0; i < 255; i++, to->n += 4)
		memcpy(to->s + to->n, i % 2 ? "\xf0\x9f\x92\xbb" : "\xf0\x9f\x90\xa7", 4);
	to->s[to->n] = '\0';
}

static void make_nul(struct fact_text *to)
{
	memcpy(to->s, "nul\0inside", 10);
	to->n = 10;
}

static void make_new(struct facts *f)
{
	f->detail_s = f->label_s = f->policy_s = never_1970;
	f->on = ON_NEW;
	f->platform = f->platform_like = "";
	f->os_version[0] = '\0';
	f->restarted_s = never_0001;
	f->restarted_micros = 0;
}

/* About one machine in six has something odd about it. */
static void make_odd(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	switch (h->machine % 113) {
	case 5:
		set_text(&f->computer_name, "The \"big\" \\ one");
		break;
	case 9:
		set_text(&f->computer_name, "R&D <lab> \xe2\x80\xa8 line");
		break;
	case 13:
		set_text(&f->computer_name, "\xf0\x9f\x9a\x80 rocket \xc3\xa9\xc3\xa8");
		break;
	case 17:
		make_nul(&f->computer_name);
		break;
	case 21:
		set_text(&f->serial, "");
		break;
	case 25:
		set_text(&f->serial, "-1");
		break;
	case 29:
		set_text(&f->serial, "None");
		break;
	case 33:
		set_text(&f->serial, "0");
		break;
	case 37:
		set_text(&f->serial, "VMware-56 4d 4a 5a b0 22 7b d7-9b a5 0b dc 8f f2 3b 60");
		break;
	case 41:
	case 42:
		set_text(&f->serial, "DUPLICATE-SERIAL");
		break;
	case 46:
		f->uptime_ns = 20807520000000000;
		break;
	case 50:
		snprintf(f->primary_mac, sizeof(f->primary_mac), "00:00:00:00:00:00");
		break;
	case 54:
		snprintf(f->primary_ip, sizeof(f->primary_ip), "2001:db8::1234:5678:9abc:def0");
		break;
	case 58:
		make_pending(f);
		break;
	case 62:
		make_wide(&f->computer_name);
		break;
	case 66:
		make_wide(&f->serial);
		break;
	case 70:
		make_wide(&f->hostname);
		break;
	case 74:
		f->enrolled_s = never_1970;
		break;
	case 78:
		make_new(f);
		break;
	case 82:
		f->restarted_s = never_0001;
		break;
	case 86:
		snprintf(f->os_version, sizeof(f->os_version), "Haiku R1/beta5");
		f->platform = "haiku";
		break;
	case 90:
		snprintf(f->uuid, sizeof(f->uuid), "%s", "03000200-0400-0500-0006-000700080009");
		break;
	case 94:
		f->mappings = 0;
		if (f->agent) {
			struct fact_text wide;
			make_wide(&wide);
			map_owner(f, draw(t, h, SALT_OWNER), "custom");
			memcpy(f->mapping[0].email, wide.s, wide.n + 1);
		}
		break;
	}
}

void facts_make(struct facts *f, const struct tenant *t, const struct sim_host *h)
{
	/* the long text arrays are filled where they are used */
	memset(f, 0, offsetof(struct facts, serial));
	memset(&f->created_s, 0, offsetof(struct facts, mapping) - offsetof(struct facts, created_s));
	f->mappings = 0;
	f->team = fleet_team_of(t, h);
	fill_platform(f, t, h);
	fill_names(f, t, h);
	fill_addresses(f, t, h);
	fill_times(f, t, h);
	fill_mdm(f, t, h);
	fill_disk(f, t, h);
	if (t->owners)
		fill_owner(f, t, h);
	if (!t->plain)
		make_odd(f, t, h);
}

enum policy_answer facts_policy(const struct tenant *t, const struct sim_host *h, const struct facts *f,
				uint32_t policy)
{
	if (!f->agent || f->policy_s == never_1970)
		return ANSWER_NONE;
	/* a touch turns one policy of the host, not all */
	uint32_t turned = h->rev[FIELD_POLICY] ? (uint32_t)(h->machine + h->rev[FIELD_POLICY]) %
							 (t->policies ? t->policies : 1)
					       : UINT32_MAX;
	uint64_t n = fleet_mix(t->seed ^ h->machine * 31, policy, SALT_POLICY) % 1000;
	enum policy_answer a = n < 955 ? ANSWER_PASS : n < 990 ? ANSWER_FAIL : ANSWER_NONE;
	if (policy == turned)
		return a == ANSWER_PASS ? ANSWER_FAIL : ANSWER_PASS;
	return a;
}
