/* What the store's writer costs per host, without network and parser: a cold
 * load, a warm walk, one with all volatile members moved, one with 1 % of the
 * records changed. Usage: store_apply FOLDER [HOSTS [TENANTS]]
 * The folder must be empty; it holds the store afterwards. */
#include "base/arena.h"
#include "base/mem.h"
#include "base/must.h"
#include "store/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 2000, POLICIES = 12, TEXT = 64 };

struct synthetic {
	struct page page;
	struct page_element elements[PAGE];
	struct host hosts[PAGE];
	struct host_policy policies[PAGE][POLICIES];
	struct host_mapping mapping[PAGE];
	struct policy_name names[POLICIES];
	char text[PAGE][5][TEXT];
	char policy_text[POLICIES][TEXT];
};

struct round {
	int64_t now;
	bool moved;             /* volatile members */
	unsigned changed_every; /* 0: none */
};

static struct slice text(char *to, const char *fmt, uint64_t a)
{
	return (struct slice){ to, (uint32_t)snprintf(to, TEXT, fmt,
						      (unsigned long long)(a * 2654435761u % 0xfffffffb),
						      (unsigned long long)a) };
}

static void fill_host(struct synthetic *s, uint32_t i, uint64_t id, const struct round *r)
{
	struct host *h = &s->hosts[i];
	bool changed = r->changed_every && id % r->changed_every == 0;
	*h = (struct host){
		.id = id,
		.seen = 0x1ff & ~(HOST_SEEN_OS_SETTINGS | HOST_SEEN_END_USERS),
		.created_at = 1700000000,
		.last_enrolled_at = 1700000100,
		.seen_time = r->now - (r->moved ? 10 : 0),
		.last_restarted_at = 1766000000,
		.detail_updated_at = 1766000000 + (r->moved ? 3600 : 0),
		.policy_updated_at = 1766000000 + (r->moved ? 3600 : 0),
		.software_updated_at = 1766000000,
		.uptime_ns = 123456789000000 + (r->moved ? 3600000000000 : 0),
		.memory_bytes = 17179869184,
		.cores_physical = 8,
		.cores_logical = 16,
		.disk_total_bytes = 494380000000,
		.disk_available_bytes = 200000000000 + (r->moved ? 1000000 : 0),
		.team_id = 3,
		.team_name = SLICE("Engineering"),
		.failing_policies_count = 1,
		.critical_vulnerabilities_count = 0,
		.policies = s->policies[i],
		.policy_count = POLICIES,
		.mapping_count = 1,
		.mapping = &s->mapping[i],
		.platform = SLICE("darwin"),
		.os_version = SLICE("macOS 15.1.1"),
		.build = SLICE("24B91"),
		.cpu_type = SLICE("arm64e"),
		.cpu_brand = SLICE("Apple M3 Pro"),
		.hardware_vendor = SLICE("Apple Inc."),
		.hardware_model = SLICE("Mac15,6"),
		.osquery_version = SLICE("5.14.1"),
		.public_ip = SLICE("203.0.113.7"),
		.primary_ip = SLICE("192.168.4.21"),
		.primary_mac = SLICE("3c:22:fb:10:20:30"),
		.mdm_enrollment_status = SLICE("On (automatic)"),
		.mdm_server_url = SLICE("https://fleet.example.com/mdm/apple/mdm"),
		.mdm_name = SLICE("Fleet"),
		.mdm_connected_to_fleet = HOST_YES,
		.mdm_encryption_key_available = HOST_YES,
		.mdm_device_status = SLICE("unlocked"),
		.mdm_pending_action = SLICE(""),
		.disk_encryption_enabled = HOST_YES,
	};
	h->hostname = text(s->text[i][0], "laptop-%llx-%llu.example.com", id);
	h->computer_name = h->display_name = text(s->text[i][1], "Laptop %llx %llu", id);
	h->serial = text(s->text[i][2], "C%08llX%03llu", id);
	h->uuid = text(s->text[i][3], "%08llx-5A6B-4C7D-8E9F-%012llu", id);
	s->mapping[i] = (struct host_mapping){ text(s->text[i][4], "user-%llx-%llu@example.com", id),
					       SLICE("mdm_idp_accounts") };
	for (uint32_t p = 0; p < POLICIES; p++)
		s->policies[i][p] = (struct host_policy){
			p + 1, (p == id % POLICIES) != (changed && p == 3) ? POLICY_FAIL : POLICY_PASS, p < 2
		};
	s->elements[i] = (struct page_element){ .id = id, .host = h };
}

static void fill_page(struct synthetic *s, uint64_t first, uint32_t count, const struct round *r)
{
	s->page = (struct page){
		.elements = s->elements, .count = count, .policies = s->names, .policy_count = POLICIES
	};
	for (uint32_t p = 0; p < POLICIES; p++)
		s->names[p] =
			(struct policy_name){ p + 1, p < 2,
					      text(s->policy_text[p], "Policy %llx %llu is enabled", p + 1) };
	for (uint32_t i = 0; i < count; i++)
		fill_host(s, i, first + i, r);
}

static double cpu_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double wall_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static unsigned long long number_in(const char *file, const char *key)
{
	char line[256];
	unsigned long long v = 0;
	FILE *f = fopen(file, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), " %llu", &v);
	if (f)
		fclose(f);
	return v;
}

struct clocks {
	double cpu, wall;
	unsigned long long written;
};

static struct clocks clocks(void)
{
	return (struct clocks){ cpu_us(), wall_us(), number_in("/proc/self/io", "wchar:") };
}

static void run(struct store *s, struct store_job *job)
{
	int rc = writer_run_now(s, job);
	if (rc) {
		fprintf(stderr, "store_apply: %s\n", job->err.text);
		exit(1);
	}
}

static void add(struct clocks *sum, struct clocks begun)
{
	struct clocks now = clocks();
	sum->cpu += now.cpu - begun.cpu;
	sum->wall += now.wall - begun.wall;
	sum->written += now.written - begun.written;
}

static void report(const char *what, struct clocks c, uint64_t hosts)
{
	printf("%-28s %7.2f us CPU  %7.2f us wall  %8.1f bytes written, a host; RssAnon %llu kB\n", what,
	       c.cpu / (double)hosts, c.wall / (double)hosts, (double)c.written / (double)hosts,
	       number_in("/proc/self/status", "RssAnon:"));
}

static void walk(struct store *s, const uint32_t *numbers, uint32_t tenants, uint64_t hosts,
		 const struct round *r, const char *what)
{
	static struct synthetic synthetic;
	static const struct derive_settings settings = {
		.owner_precedence = { OWNER_CUSTOM, OWNER_IDP, OWNER_MDM_IDP_ACCOUNTS,
				      OWNER_GOOGLE_CHROME_PROFILES },
		.owner_precedence_count = 4,
		.map_users = true,
		.map_teams = true,
		.premium = true,
	};
	struct clocks pages = { 0 }, indexes = { 0 };
	uint64_t walks[64] = { 0 };
	for (uint32_t n = 0; n < tenants; n++) {
		struct apply_walk_begin begin = { .job.run = apply_walk_begin_run,
						  .tenant = numbers[n],
						  .fingerprint = "f",
						  .now = r->now };
		run(s, &begin.job);
		walks[n] = begin.row.walk;
	}
	for (uint64_t first = 1; first <= hosts; first += PAGE) {
		uint32_t count = (uint32_t)(hosts - first + 1 < PAGE ? hosts - first + 1 : PAGE);
		fill_page(&synthetic, first, count, r);
		for (uint32_t n = 0; n < tenants; n++) {
			struct apply_page page = { .job.run = apply_page_run,
						   .tenant = numbers[n],
						   .walk = walks[n],
						   .after = first - 1,
						   .last = first + count - 1,
						   .page = &synthetic.page,
						   .settings = &settings,
						   .now = r->now };
			struct clocks begun = clocks();
			run(s, &page.job);
			add(&pages, begun);
		}
	}
	report(what, pages, hosts * tenants);
	for (uint32_t n = 0; n < tenants; n++) {
		struct clocks begun = clocks();
		struct apply_index index = { .job.run = apply_index_run, .tenant = numbers[n], .more = true };
		while (index.more)
			run(s, &index.job);
		struct apply_walk_end end = {
			.job.run = apply_walk_end_run, .tenant = numbers[n], .walk = walks[n], .now = r->now
		};
		run(s, &end.job);
		add(&indexes, begun);
	}
	report("  indexes and end", indexes, hosts * tenants);
}

static void finding(void *arg, const char *found)
{
	(void)arg;
	printf("verify: %s\n", found);
}

int main(int argc, char **argv)
{
	uint64_t hosts = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
	uint32_t tenants = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1, numbers[64];
	struct store *s;
	struct err e;
	if (argc < 2 || tenants > 64 || store_open(&s, &(struct store_options){ .path = argv[1] }, &e)) {
		fprintf(stderr, "store_apply: %s\n",
			argc < 2 ? "usage: store_apply FOLDER [HOSTS [TENANTS]]" : e.text);
		return 2;
	}
	for (uint32_t n = 0; n < tenants; n++) {
		char name[16];
		snprintf(name, sizeof(name), "tenant-%02u", n);
		struct apply_tenant tenant = { .job.run = apply_tenant_run,
					       .name = name,
					       .url = "https://fleet.example.com",
					       .now = 1 };
		run(s, &tenant.job);
		numbers[n] = tenant.row.number;
	}
	must(tenants > 0);
	hosts /= tenants;
	walk(s, numbers, tenants, hosts, &(struct round){ 1766400000, false, 0 }, "cold");
	walk(s, numbers, tenants, hosts, &(struct round){ 1766400000, false, 0 }, "warm, nothing changed");
	walk(s, numbers, tenants, hosts, &(struct round){ 1766403600, true, 0 }, "warm, all volatile moved");
	walk(s, numbers, tenants, hosts, &(struct round){ 1766403600, true, 100 }, "warm, 1 % changed");
	double begun = cpu_us();
	int rc = store_verify(s, finding, NULL);
	printf("verify: %s, %.2f us CPU a host\n", rc ? "damaged" : "clean",
	       (cpu_us() - begun) / (double)(hosts * tenants));
	store_close(s);
	return rc != 0;
}
