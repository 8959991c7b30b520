#include "render.h"

#include <stdio.h>
#include <string.h>

static bool since(const struct tenant *t, unsigned major, unsigned minor)
{
	return version_at_least(&t->version, major, minor);
}

static void time_member(struct jout *o, const char *key, int64_t unix_s)
{
	jout_key(o, key);
	jout_time(o, unix_s, 0);
}

static void text_member(struct jout *o, const char *key, const struct fact_text *s)
{
	jout_key(o, key);
	jout_text_n(o, s->s, s->n);
}

void render_mapping(struct jout *o, const struct facts *f)
{
	if (!f->mappings) {
		jout_null(o);
		return;
	}
	jout_open(o, '[');
	for (int i = 0; i < f->mappings; i++) {
		jout_open(o, '{');
		jout_kt(o, "email", f->mapping[i].email);
		jout_kt(o, "source", f->mapping[i].source);
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

/* Sorted as the server does: failing, unanswered, passing. */
static void render_policies(struct jout *o, const struct tenant *t, const struct sim_host *h,
			    const struct facts *f)
{
	static const enum policy_answer order[] = { ANSWER_FAIL, ANSWER_NONE, ANSWER_PASS };
	static const char *const words[] = { "pass", "fail", "" };
	if (!t->policies || !f->agent) {
		jout_null(o);
		return;
	}
	jout_open(o, '[');
	for (int turn = 0; turn < 3; turn++) {
		for (uint32_t p = 1; p <= t->policies; p++) {
			if (facts_policy(t, h, f, p) != order[turn])
				continue;
			jout_open(o, '{');
			render_policy(o, t, p);
			jout_kt(o, "response", words[order[turn]]);
			if (version_has_fleets(&t->version))
				jout_kn(o, "fleet_id");
			jout_close(o, '{');
		}
	}
	jout_close(o, '[');
}

static void render_issues(struct jout *o, const struct tenant *t, const struct sim_host *h,
			  const struct facts *f, unsigned flags)
{
	int failing = 0, vulnerable = 0;
	if (!(flags & RENDER_NO_ISSUES)) {
		for (uint32_t p = 1; p <= t->policies; p++)
			failing += facts_policy(t, h, f, p) == ANSWER_FAIL;
		vulnerable = t->premium && since(t, 4, 53) ? (int)(h->machine % 5) : 0;
	}
	jout_key(o, "issues");
	jout_open(o, '{');
	if (!since(t, 4, 53)) {
		jout_ki(o, "total_issues_count", failing);
		jout_ki(o, "failing_policies_count", failing);
	} else {
		jout_ki(o, "failing_policies_count", failing);
		if (t->premium)
			jout_ki(o, "critical_vulnerabilities_count", vulnerable);
		jout_ki(o, "total_issues_count", failing + vulnerable);
	}
	jout_close(o, '{');
}

static void render_os_settings(struct jout *o, const struct facts *f)
{
	jout_key(o, "os_settings");
	jout_open(o, '{');
	jout_key(o, "disk_encryption");
	jout_open(o, '{');
	jout_kt(o, "status", f->disk_encryption_status);
	jout_kt(o, "detail", "");
	jout_close(o, '{');
	jout_close(o, '{');
}

static void render_mdm(struct jout *o, const struct tenant *t, const struct facts *f, unsigned flags)
{
	jout_key(o, "mdm");
	jout_open(o, '{');
	jout_kt(o, "enrollment_status", f->enrollment);
	if (since(t, 4, 48))
		jout_kb(o, "dep_profile_error", false);
	jout_kt(o, "server_url", f->mdm_url);
	if (since(t, 4, 29))
		jout_kt(o, "name", f->mdm_name);
	jout_kb(o, "encryption_key_available", f->key_escrowed);
	if (flags & RENDER_DETAIL && since(t, 4, 39)) {
		render_os_settings(o, f);
		jout_kn(o, "profiles");
	}
	if (since(t, 4, 53))
		jout_kb(o, "connected_to_fleet", f->mdm_fleet);
	if ((flags & RENDER_DEVICE_STATUS || flags & RENDER_DETAIL) && since(t, 4, 45)) {
		jout_kt(o, "device_status", "unlocked");
		jout_kt(o, "pending_action", "");
	}
	jout_close(o, '{');
}

static void render_end_users(struct jout *o, const struct facts *f)
{
	jout_key(o, "end_users");
	jout_open(o, '[');
	if (f->mappings) {
		jout_open(o, '{');
		for (int i = 0; i < f->mappings; i++) {
			if (strcmp(f->mapping[i].source, "idp") != 0 &&
			    strcmp(f->mapping[i].source, "mdm_idp_accounts") != 0)
				continue;
			jout_kt(o, "idp_username", f->mapping[i].email);
			break;
		}
		jout_kn(o, "idp_info_updated_at");
		jout_key(o, "other_emails");
		jout_open(o, '[');
		for (int i = 0; i < f->mappings; i++) {
			if (!strcmp(f->mapping[i].source, "idp") ||
			    !strcmp(f->mapping[i].source, "mdm_idp_accounts"))
				continue;
			jout_open(o, '{');
			jout_kt(o, "email", f->mapping[i].email);
			jout_kt(o, "source", f->mapping[i].source);
			jout_close(o, '{');
		}
		jout_close(o, '[');
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

static void render_software(struct jout *o, const struct sim_host *h)
{
	char name[64];
	jout_open(o, '[');
	for (int i = 0; i < 300; i++) {
		jout_open(o, '{');
		jout_ki(o, "id", i + 1);
		snprintf(name, sizeof(name), "Application %d.app", i);
		jout_kt(o, "name", name);
		snprintf(name, sizeof(name), "%d.%d.%llu", i % 7, i % 13,
			 (unsigned long long)(h->machine % 10));
		jout_kt(o, "version", name);
		jout_kt(o, "source", "apps");
		jout_kt(o, "generated_cpe", "");
		jout_kn(o, "vulnerabilities");
		jout_key(o, "installed_paths");
		jout_open(o, '[');
		jout_text(o, "/Applications/Application.app");
		jout_close(o, '[');
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

static void render_detail_end(struct jout *o, const struct tenant *t, const struct sim_host *h,
			      const struct facts *f)
{
	jout_key(o, "labels");
	jout_open(o, '[');
	jout_open(o, '{');
	jout_ki(o, "id", 6);
	jout_kt(o, "name", "All Hosts");
	jout_kt(o, "query", "select 1;");
	jout_kt(o, "platform", "");
	jout_kt(o, "label_type", "builtin");
	jout_kt(o, "label_membership_type", "dynamic");
	jout_close(o, '{');
	jout_close(o, '[');
	jout_key(o, "packs");
	jout_open(o, '[');
	jout_close(o, '[');
	jout_key(o, "policies");
	render_policies(o, t, h, f);
	jout_kn(o, "batteries");
	if (since(t, 4, 67))
		render_end_users(o, f);
	if (since(t, 4, 69)) {
		jout_kn(o, "last_mdm_enrolled_at");
		jout_key(o, "last_mdm_checked_in_at");
		if (f->mdm_fleet)
			jout_time(o, f->detail_s, 0);
		else
			jout_null(o);
	}
}

static void render_times(struct jout *o, const struct tenant *t, const struct sim_host *h,
			 const struct facts *f, unsigned flags)
{
	time_member(o, "created_at", f->created_s);
	time_member(o, "updated_at", f->updated_s);
	if (flags & RENDER_SOFTWARE || (flags & RENDER_DETAIL)) {
		jout_key(o, "software");
		if (flags & RENDER_SOFTWARE) {
			render_software(o, h);
		} else {
			jout_open(o, '[');
			jout_close(o, '[');
		}
	} else if (since(t, 4, 73)) {
		jout_kn(o, "software");
	}
	if (since(t, 4, 26))
		time_member(o, "software_updated_at", f->software_s);
	if (!(flags & RENDER_NO_ID))
		jout_ki(o, "id", (int64_t)h->id);
	time_member(o, "detail_updated_at", f->detail_s);
	time_member(o, "label_updated_at", f->label_s);
	time_member(o, "policy_updated_at", f->policy_s);
	time_member(o, "last_enrolled_at", f->enrolled_s);
	time_member(o, "seen_time", f->seen_s);
	jout_kb(o, "refetch_requested", false);
}

static void render_agent(struct jout *o, const struct tenant *t, const struct facts *f, unsigned flags)
{
	jout_kt(o, "osquery_version", f->osquery_version);
	if (!since(t, 4, 43))
		return;
	bool known = flags & RENDER_DETAIL && f->agent;
	jout_kt(o, "orbit_version", known ? f->orbit_version : NULL);
	jout_kt(o, "fleet_desktop_version", known ? f->desktop_version : NULL);
	jout_key(o, "scripts_enabled");
	jout_raw(o, known ? "true" : "null");
}

static void render_machine(struct jout *o, const struct tenant *t, const struct facts *f, unsigned flags)
{
	text_member(o, "hostname", &f->hostname);
	jout_kt(o, "uuid", f->uuid);
	jout_kt(o, "platform", f->platform);
	render_agent(o, t, f, flags);
	jout_kt(o, "os_version", f->os_version);
	jout_kt(o, "build", f->build);
	jout_kt(o, "platform_like", f->platform_like);
	jout_kt(o, "code_name", f->code_name);
	jout_ki(o, "uptime", f->uptime_ns);
	jout_ki(o, "memory", f->memory_bytes);
	jout_kt(o, "cpu_type", f->cpu_type);
	jout_kt(o, "cpu_subtype", f->cpu_subtype);
	jout_kt(o, "cpu_brand", f->cpu_brand);
	jout_ki(o, "cpu_physical_cores", f->cores);
	jout_ki(o, "cpu_logical_cores", f->cores);
	jout_kt(o, "hardware_vendor", f->vendor);
	jout_kt(o, "hardware_model", f->model);
	jout_kt(o, "hardware_version", f->hardware_version);
	text_member(o, "hardware_serial", &f->serial);
	text_member(o, "computer_name", &f->computer_name);
	if (since(t, 4, 86))
		jout_kn(o, "timezone");
	jout_kt(o, "public_ip", f->public_ip);
	jout_kt(o, "primary_ip", f->primary_ip);
	jout_kt(o, "primary_mac", f->primary_mac);
	jout_ki(o, "distributed_interval", f->agent ? 10 : 0);
	jout_ki(o, "config_tls_refresh", f->agent ? 60 : 0);
	jout_ki(o, "logger_tls_period", f->agent ? 10 : 0);
}

static void team_members(struct jout *o, const char *id_key, const char *name_key, uint32_t team,
			 bool between)
{
	jout_key(o, id_key);
	if (team)
		jout_int(o, team);
	else
		jout_null(o);
	if (between)
		jout_kn(o, "pack_stats");
	jout_kt(o, name_key, team ? fleet_team_name(team) : NULL);
}

static void render_disk(struct jout *o, const struct tenant *t, const struct facts *f, unsigned flags)
{
	jout_key(o, "gigs_disk_space_available");
	jout_hundredths(o, f->disk_free_cgb);
	jout_key(o, "percent_disk_space_available");
	jout_hundredths(o, f->disk_free_cpct);
	bool is_linux = f->on == ON_UBUNTU || f->on == ON_DEBIAN;
	if (since(t, 4, 43)) {
		jout_key(o, "gigs_total_disk_space");
		jout_hundredths(o, f->disk_total_cgb);
	}
	if (since(t, 4, 76)) {
		jout_key(o, "gigs_all_disk_space");
		if (is_linux)
			jout_hundredths(o, f->disk_total_cgb);
		else
			jout_null(o);
	}
	bool said = flags & RENDER_DETAIL || since(t, 4, 93);
	if (said && f->agent && f->on != ON_CHROME && f->on != ON_NEW && (f->encrypted || !is_linux))
		jout_kb(o, "disk_encryption_enabled", f->encrypted);
}

static void render_names(struct jout *o, const struct facts *f, bool display_name)
{
	jout_kt(o, "status", f->online ? "online" : "offline");
	text_member(o, "display_text", &f->hostname);
	if (!display_name)
		return;
	const struct fact_text *name = f->computer_name.n ? &f->computer_name : &f->hostname;
	struct fact_text made;
	if (!name->n && f->model[0]) {
		made.n = (size_t)snprintf(made.s, 512, "%s (%.400s)", f->model, f->serial.s);
		name = &made;
	}
	text_member(o, "display_name", name);
}

struct replacement {
	const struct override *overrides;
	unsigned flags;
	unsigned turn;
};

static const char *replace(void *ctx, const char *key)
{
	static const char *const wrong[] = { "{\"a\":[1,{\"b\":null}]}", "true", "[[],\"x\"]", "\"text\"",
					     "-1.5e300" };
	struct replacement *r = ctx;
	for (const struct override *o = r->overrides; o; o = o->next)
		if (!strcmp(o->key, key))
			return o->raw;
	if (!strcmp(key, "id"))
		return NULL;
	if (r->flags & RENDER_NULLS)
		return "null";
	if (!(r->flags & RENDER_WRONG_TYPES))
		return NULL;
	/* a text where a number belongs, a number where a text belongs */
	if (!strcmp(key, "hostname") || !strcmp(key, "uuid") || !strcmp(key, "os_version"))
		return "12345678901234567890123";
	return wrong[r->turn++ % 5];
}

/* Members that the version does not send at all but a test set. */
static void render_extra(struct jout *o, const struct override *overrides, const char *written, size_t n)
{
	char pattern[160];
	for (const struct override *v = overrides; v; v = v->next) {
		snprintf(pattern, sizeof(pattern), "\"%s\":", v->key);
		if (memmem(written, n, pattern, strlen(pattern)))
			continue;
		jout_kn(o, v->key);
	}
}

void render_host(struct jout *o, const struct tenant *t, const struct sim_host *h, unsigned flags)
{
	struct facts f;
	facts_make(&f, t, h);
	if (!since(t, 4, 80) && !(flags & RENDER_DETAIL))
		flags &= ~(unsigned)RENDER_DEVICE_STATUS;
	struct replacement r = { .overrides = h->overrides, .flags = flags };
	size_t start = o->b->len;
	jout_open(o, '{');
	if (h->overrides || flags & (RENDER_NULLS | RENDER_WRONG_TYPES)) {
		o->hook = replace;
		o->hook_ctx = &r;
		o->hook_depth = o->depth;
	}
	render_times(o, t, h, &f, flags);
	render_machine(o, t, &f, flags);
	team_members(o, "team_id", "team_name", f.team, true);
	render_disk(o, t, &f, flags);
	render_issues(o, t, h, &f, flags);
	if (flags & RENDER_MAPPING && since(t, 4, 15)) {
		jout_key(o, "device_mapping");
		render_mapping(o, &f);
	}
	if (since(t, 4, 27))
		render_mdm(o, t, &f, flags);
	jout_kn(o, "refetch_critical_queries_until");
	if (since(t, 4, 42)) {
		jout_key(o, "last_restarted_at");
		jout_time(o, f.restarted_s, f.restarted_micros);
	}
	if (flags & RENDER_DETAIL) {
		render_detail_end(o, t, h, &f);
	} else if (flags & RENDER_POLICIES && since(t, 4, 47)) {
		jout_key(o, "policies");
		render_policies(o, t, h, &f);
	}
	render_names(o, &f, since(t, 4, 22));
	if (version_has_fleets(&t->version))
		team_members(o, "fleet_id", "fleet_name", f.team, false);
	if (h->overrides && !o->b->failed)
		render_extra(o, h->overrides, o->b->data + start, o->b->len - start);
	o->hook = NULL;
	jout_close(o, '{');
}
