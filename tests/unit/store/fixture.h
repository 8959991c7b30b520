/* A store in a temporary folder, one tenant, and pages made from short rows. */
#pragma once

#include "base/mem.h"
#include "model/record.h"
#include "store/apply.h"
#include "store/store.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIXTURE_HOSTS = 4096 };

struct fixture {
	char folder[64];
	struct store *s;
	uint32_t tenant;
	uint64_t walk, cursor;
	int64_t now;
	struct err err;
	struct apply_counts counts;
};

static const struct derive_settings fixture_settings = {
	.owner_precedence = { OWNER_CUSTOM, OWNER_IDP, OWNER_MDM_IDP_ACCOUNTS, OWNER_GOOGLE_CHROME_PROFILES },
	.owner_precedence_count = 4,
	.map_users = true,
	.map_teams = true,
	.premium = true,
};

static inline int fixture_run(struct fixture *f, struct store_job *job)
{
	int rc = writer_run_now(f->s, job);
	f->err = job->err;
	return rc;
}

static inline int fixture_open_map(struct fixture *f, size_t map_bytes)
{
	return store_open(&f->s, &(struct store_options){ .path = f->folder, .map_bytes = map_bytes },
			  &f->err);
}

static inline void fixture_folder(struct fixture *f)
{
	*f = (struct fixture){ .now = 1766400000 };
	snprintf(f->folder, sizeof(f->folder), "/tmp/muster-store-XXXXXX");
	if (!mkdtemp(f->folder))
		abort();
}

static inline uint32_t fixture_tenant(struct fixture *f, const char *name)
{
	struct apply_tenant job = {
		.job.run = apply_tenant_run, .name = name, .url = "https://fleet.example.com", .now = f->now
	};
	assert_int_equal(fixture_run(f, &job.job), OK);
	return job.row.number;
}

static inline void fixture_open(struct fixture *f)
{
	fixture_folder(f);
	if (fixture_open_map(f, 64 << 20))
		fail_msg("%s", f->err.text);
	f->tenant = fixture_tenant(f, "acme");
}

static inline void fixture_remove(struct fixture *f)
{
	char path[400];
	DIR *d = opendir(f->folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof(path), "%s/%s", f->folder, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(f->folder);
}

static inline void fixture_finding(void *arg, const char *text)
{
	(void)arg;
	print_message("verify: %s\n", text);
}

static inline void fixture_close(struct fixture *f)
{
	if (f->s)
		assert_int_equal(store_verify(f->s, fixture_finding, NULL), OK);
	store_close(f->s);
	f->s = NULL;
	fixture_remove(f);
}

/* One host of a page. */
struct row {
	uint64_t id;     /* 0: rejected without an id */
	int variant;     /* stable members */
	int moved;       /* volatile members */
	int64_t created; /* 0: a fixed time */
	bool rejected;
	const char *serial, *uuid, *owner, *team; /* NULL: made from the id */
};

struct fixture_page {
	struct page page;
	struct page_element elements[FIXTURE_HOSTS];
	struct host hosts[FIXTURE_HOSTS];
	struct host_mapping mapping[FIXTURE_HOSTS];
	struct host_policy policies[FIXTURE_HOSTS][2];
	struct policy_name names[2];
	char text[FIXTURE_HOSTS][3][48];
};

static inline void fixture_host(struct fixture_page *p, uint32_t i, const struct row *row)
{
	struct host *h = &p->hosts[i];
	snprintf(p->text[i][0], 48, "SN%06" PRIu64, row->id);
	snprintf(p->text[i][1], 48, "00000000-0000-4000-8000-%012" PRIu64, row->id);
	snprintf(p->text[i][2], 48, "host-%" PRIu64 "-%d", row->id, row->variant);
	*h = (struct host){
		.id = row->id,
		.seen = HOST_SEEN_DEVICE_MAPPING | HOST_SEEN_POLICIES | HOST_SEEN_ISSUES | HOST_SEEN_TEAM,
		.created_at = row->created ? row->created : 1700000000,
		.seen_time = 1766399990 + row->moved,
		.uptime_ns = HOST_NO_INT,
		.memory_bytes = 8 << 20,
		.cores_physical = 4,
		.cores_logical = 8,
		.disk_total_bytes = HOST_NO_INT,
		.disk_available_bytes = HOST_NO_INT,
		.team_id = 1,
		.team_name = slice_of(row->team ? row->team : "Team"),
		.failing_policies_count = row->variant & 1,
		.critical_vulnerabilities_count = HOST_NO_INT,
		.platform = SLICE("darwin"),
		.os_version = SLICE("macOS 15.1"),
		.serial = slice_of(row->serial ? row->serial : p->text[i][0]),
		.uuid = slice_of(row->uuid ? row->uuid : p->text[i][1]),
		.hostname = slice_of(p->text[i][2]),
		.policies = p->policies[i],
		.policy_count = 2,
		.mapping = &p->mapping[i],
		.mapping_count = 1,
	};
	p->mapping[i] = (struct host_mapping){ slice_of(row->owner ? row->owner : "ann@example.com"),
					       SLICE("custom") };
	p->policies[i][0] = (struct host_policy){ 1, POLICY_PASS, 0 };
	p->policies[i][1] = (struct host_policy){ 2, row->variant & 1 ? POLICY_FAIL : POLICY_PASS, 0 };
}

static inline struct fixture_page *fixture_page_of(const struct row *rows, size_t count)
{
	struct fixture_page *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	assert_true(count <= FIXTURE_HOSTS);
	p->names[0] = (struct policy_name){ 1, false, SLICE("Firewall is on") };
	p->names[1] = (struct policy_name){ 2, false, SLICE("Disk is encrypted") };
	p->page = (struct page){
		.elements = p->elements, .count = (uint32_t)count, .policies = p->names, .policy_count = 2
	};
	for (size_t i = 0; i < count; i++) {
		p->elements[i].id = rows[i].id;
		if (rows[i].rejected || !rows[i].id) {
			p->elements[i].reason = "not an object";
			p->elements[i].sample = SLICE("{\"id\":\"x\"");
			p->page.rejected++;
			p->page.rejected_without_id |= !rows[i].id;
			continue;
		}
		fixture_host(p, (uint32_t)i, &rows[i]);
		p->elements[i].host = &p->hosts[i];
	}
	return p;
}

static inline struct tenant_row fixture_row(struct fixture *f)
{
	struct apply_tenant job = { .job.run = apply_tenant_run, .name = "acme", .now = f->now };
	assert_int_equal(fixture_run(f, &job.job), OK);
	return job.row;
}

static inline void fixture_walk_begin_mode(struct fixture *f, enum walk_mode mode, bool resume)
{
	struct apply_walk_begin job = { .job.run = apply_walk_begin_run,
					.tenant = f->tenant,
					.mode = mode,
					.resume = resume,
					.fingerprint = "print",
					.server_version = "4.79.0",
					.role = "observer",
					.tier = "premium",
					.now = f->now };
	assert_int_equal(fixture_run(f, &job.job), OK);
	f->walk = job.row.walk;
	f->cursor = job.row.cursor;
}

static inline int fixture_try_page(struct fixture *f, const struct row *rows, size_t count, bool end)
{
	struct fixture_page *p = fixture_page_of(rows, count);
	uint64_t last = f->cursor;
	for (size_t i = 0; i < count; i++)
		if (rows[i].id > last)
			last = rows[i].id;
	struct apply_page job = { .job.run = apply_page_run,
				  .tenant = f->tenant,
				  .walk = f->walk,
				  .after = f->cursor,
				  .last = last,
				  .end = end,
				  .page = &p->page,
				  .settings = &fixture_settings,
				  .now = f->now };
	job.job.hosts = count;
	int rc = fixture_run(f, &job.job);
	f->counts = job.counts;
	if (!rc)
		f->cursor = last;
	free(p);
	return rc;
}

static inline void fixture_page(struct fixture *f, const struct row *rows, size_t count, bool end)
{
	if (fixture_try_page(f, rows, count, end))
		fail_msg("%s", f->err.text);
}

static inline void fixture_index(struct fixture *f)
{
	struct apply_index job = { .job.run = apply_index_run, .tenant = f->tenant };
	do
		assert_int_equal(fixture_run(f, &job.job), OK);
	while (job.more);
}

static inline uint64_t fixture_walk_end(struct fixture *f)
{
	struct apply_walk_end job = {
		.job.run = apply_walk_end_run, .tenant = f->tenant, .walk = f->walk, .now = f->now
	};
	fixture_index(f);
	assert_int_equal(fixture_run(f, &job.job), OK);
	return job.missing;
}

/* A whole walk of one page; the counts are those of the page. */
static inline uint64_t fixture_walk(struct fixture *f, const struct row *rows, size_t count)
{
	fixture_walk_begin_mode(f, WALK_CURSOR_ID, false);
	fixture_page(f, rows, count, true);
	return fixture_walk_end(f);
}

static inline void fixture_sweep(struct fixture *f, uint64_t id, enum sweep_verdict verdict)
{
	struct apply_sweep job = { .job.run = apply_sweep_run,
				   .tenant = f->tenant,
				   .walk = f->walk,
				   .id = id,
				   .verdict = verdict,
				   .now = f->now };
	if (fixture_run(f, &job.job))
		fail_msg("%s", f->err.text);
}

/* The rows of one kind, one a line. */
struct fixture_text {
	char text[1 << 19];
	size_t n, rows;
};

static inline int fixture_add_row(void *arg, uint64_t key, struct slice json)
{
	struct fixture_text *t = arg;
	(void)key;
	t->rows++;
	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n, "%.*s\n", (int)json.n, json.p);
	return OK;
}

static inline struct fixture_text *fixture_rows(struct fixture *f, enum store_rows what, uint64_t from)
{
	static struct fixture_text t;
	t.n = t.rows = 0;
	t.text[0] = '\0';
	assert_int_equal(store_rows(f->s, f->tenant, what, from, fixture_add_row, &t), OK);
	return &t;
}

#define assert_has(haystack, needle)                                                                         \
	do {                                                                                                 \
		if (!strstr(haystack, needle))                                                               \
			fail_msg("\"%s\" is not in: %s", needle, haystack);                                  \
	} while (0)
