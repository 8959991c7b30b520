/* A small store for tests, made by the store's own jobs in a folder of its own:
 * "acme" had two walks, in the second one of its three devices was gone and
 * another became compliant, one host could not be read, and a deletion is held;
 * "globex" has no devices, because its token was refused. Include after cmocka. */
#pragma once

#include "store/apply.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t NOW = 1700000000;

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static uint32_t add_tenant(struct store *s, const char *name)
{
	struct apply_tenant job = {
		.job.run = apply_tenant_run, .name = name, .url = "https://fleet.example", .now = NOW - 7200
	};
	assert_int_equal(writer_run_now(s, &job.job), OK);
	return job.row.number;
}

static const struct derive_settings settings = {
	.owner_precedence = { OWNER_CUSTOM, OWNER_IDP },
	.owner_precedence_count = 2,
	.map_users = true,
	.map_teams = true,
	.premium = true,
};

static uint64_t begin_walk(struct store *s, uint32_t tenant)
{
	struct apply_walk_begin job = {
		.job.run = apply_walk_begin_run,
		.tenant = tenant,
		.fingerprint = "f",
		.server_version = "4.76.0",
		.role = "observer",
		.tier = "premium",
		.now = NOW - 7200,
	};
	assert_int_equal(writer_run_now(s, &job.job), OK);
	return job.row.walk;
}

static void put_page(struct store *s, uint32_t tenant, uint64_t walk, struct host *hosts, uint32_t count)
{
	static struct policy_name names[] = { { 1, true, { "Disk \"encrypted\"", 16 } },
					      { 2, false, { "Firewall on", 11 } } };
	struct page_element elements[4] = { 0 };
	struct page page = { .elements = elements, .count = count, .policies = names, .policy_count = 2 };
	for (uint32_t i = 0; i < count; i++)
		elements[i] = (struct page_element){ .id = hosts[i].id, .host = &hosts[i] };
	if (count == 4) {
		elements[3] = (struct page_element){ .id = 99,
						     .reason = "the id is no number",
						     .sample = SLICE("{\"id\":\x01}") };
		page.rejected = 1;
	}
	struct apply_page job = {
		.job.run = apply_page_run,
		.tenant = tenant,
		.walk = walk,
		.after = 0,
		.last = elements[count - 1].id,
		.page = &page,
		.settings = &settings,
		.now = NOW - 3600,
	};
	assert_int_equal(writer_run_now(s, &job.job), OK);
	job = (struct apply_page){
		.job.run = apply_page_run,
		.tenant = tenant,
		.walk = walk,
		.after = elements[count - 1].id,
		.last = elements[count - 1].id,
		.end = true,
		.page = &(struct page){ 0 },
		.settings = &settings,
		.now = NOW - 3600,
	};
	assert_int_equal(writer_run_now(s, &job.job), OK);
}

static void end_walk(struct store *s, uint32_t tenant, uint64_t walk)
{
	struct apply_index index = { .job.run = apply_index_run, .tenant = tenant, .more = true };
	while (index.more)
		assert_int_equal(writer_run_now(s, &index.job), OK);
	struct apply_walk_end job = {
		.job.run = apply_walk_end_run, .tenant = tenant, .walk = walk, .now = NOW - 3600
	};
	assert_int_equal(writer_run_now(s, &job.job), OK);
}

static void end_sync(struct store *s, uint32_t tenant, int result, const char *text)
{
	struct apply_sync_end job = {
		.job.run = apply_sync_end_run,
		.tenant = tenant,
		.begun_at = NOW - 7200,
		.now = NOW - 3600,
		.result = result,
		.text = text,
	};
	assert_int_equal(writer_run_now(s, &job.job), OK);
}

static struct host host(uint64_t id, const char *name, const char *serial, const char *platform)
{
	return (struct host){
		.id = id,
		.created_at = NOW - 86400 * 30,
		.seen_time = NOW - 60,
		.policy_updated_at = NOW - 3600,
		.detail_updated_at = NOW - 3600,
		.memory_bytes = HOST_NO_INT,
		.cores_physical = HOST_NO_INT,
		.cores_logical = HOST_NO_INT,
		.disk_total_bytes = HOST_NO_INT,
		.disk_available_bytes = HOST_NO_INT,
		.uptime_ns = HOST_NO_INT,
		.team_id = HOST_NO_INT,
		.failing_policies_count = HOST_NO_INT,
		.critical_vulnerabilities_count = HOST_NO_INT,
		.hostname = slice_of(name),
		.computer_name = slice_of(name),
		.display_name = slice_of(name),
		.serial = slice_of(serial),
		.platform = slice_of(platform),
	};
}

static void fill(struct store *s)
{
	struct host_policy fails[] = { { 1, POLICY_FAIL, 1 }, { 2, POLICY_PASS, 0 } };
	struct host_policy passes[] = { { 1, POLICY_PASS, 1 }, { 2, POLICY_PASS, 0 } };
	struct host_mapping mapping = { SLICE("jane@acme.example"), SLICE("custom") };
	uint32_t acme = add_tenant(s, "acme"), globex = add_tenant(s, "globex");
	struct host hosts[4] = { host(11, "mac-1", "C02XA1", "darwin"),
				 host(12, "\x1b[31mwin\n2", "=S2", "windows"),
				 host(13, "linux-3", "S3", "ubuntu") };
	hosts[0].policies = fails;
	hosts[0].uuid = SLICE("AAAAAAAA-0000-4000-8000-000000000001");
	hosts[0].mapping = &mapping;
	hosts[0].mapping_count = 1;
	hosts[0].seen = HOST_SEEN_POLICIES | HOST_SEEN_DEVICE_MAPPING | HOST_SEEN_TEAM;
	hosts[0].team_id = 5;
	hosts[0].team_name = SLICE("Work Stations");
	hosts[1].policies = passes;
	hosts[1].seen = HOST_SEEN_POLICIES;
	hosts[0].policy_count = hosts[1].policy_count = 2;
	uint64_t walk = begin_walk(s, acme);
	put_page(s, acme, walk, hosts, 4);
	end_walk(s, acme, walk);
	/* the second walk: host 11 is well, host 13 is gone */
	struct host later[3] = { hosts[0], hosts[1] };
	later[0].policies = passes;
	walk = begin_walk(s, acme);
	put_page(s, acme, walk, later, 2);
	end_walk(s, acme, walk);
	end_sync(s, acme, OK, "");
	end_sync(s, globex, E_TOKEN, "the token was refused by \x1b[31m\"fleet.example\"");
	struct apply_hold hold = { .job.run = apply_hold_run,
				   .tenant = acme,
				   .reason = HOLD_TOO_MANY,
				   .count = 1,
				   .now = NOW - 60 };
	assert_int_equal(writer_run_now(s, &hold.job), OK);
}

static int set_up(void **state)
{
	struct store *s;
	struct err e;
	(void)state;
	snprintf(folder, sizeof(folder), P_tmpdir "/test-ctl-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	struct store_options o = { .path = folder, .map_bytes = 64 << 20 };
	if (store_open(&s, &o, &e))
		return -1;
	fill(s);
	store_close(s);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
