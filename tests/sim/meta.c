#include "meta.h"

#include "render.h"

#include <stdio.h>
#include <string.h>

static void version(struct tenant *t, struct jout *o)
{
	jout_kt(o, "version", t->version.text);
	jout_kt(o, "branch", "main");
	jout_kt(o, "revision", "0123456789abcdef0123456789abcdef01234567");
	jout_kt(o, "go_version", "go1.25.5");
	jout_kt(o, "build_date", "2026-01-05");
	jout_kt(o, "build_user", "builder");
}

static void team_rows(struct tenant *t, struct jout *o, const char *key, bool with_role)
{
	jout_key(o, key);
	jout_open(o, '[');
	for (uint32_t i = 0; t->scope.scoped && i < t->scope.count; i++) {
		jout_open(o, '{');
		jout_ki(o, "id", t->scope.teams[i]);
		jout_kt(o, "name", fleet_team_name(t->scope.teams[i]));
		jout_kt(o, with_role ? "role" : "description", with_role ? t->role : "");
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

static void me(struct tenant *t, struct jout *o)
{
	bool fleets = version_has_fleets(&t->version);
	jout_key(o, "user");
	jout_open(o, '{');
	jout_kt(o, "created_at", "2024-01-02T03:04:05Z");
	jout_kt(o, "updated_at", "2024-01-02T03:04:05Z");
	jout_ki(o, "id", 7);
	jout_kt(o, "name", "Inventory connector");
	jout_kt(o, "email", "connector@example.com");
	jout_kb(o, "force_password_reset", false);
	jout_kt(o, "gravatar_url", "");
	jout_kb(o, "sso_enabled", false);
	if (version_at_least(&t->version, 4, 60))
		jout_kb(o, "mfa_enabled", false);
	jout_kt(o, "global_role", t->scope.scoped || !strcmp(t->role, "none") ? NULL : t->role);
	jout_kb(o, "api_only", t->api_only);
	team_rows(t, o, "teams", true);
	if (fleets)
		team_rows(t, o, "fleets", true);
	jout_close(o, '{');
	team_rows(t, o, "available_teams", false);
	if (fleets)
		team_rows(t, o, "available_fleets", false);
}

static void config(struct tenant *t, struct jout *o)
{
	jout_key(o, "org_info");
	jout_open(o, '{');
	jout_kt(o, "org_name", t->name);
	jout_kt(o, "org_logo_url", "");
	jout_close(o, '{');
	jout_key(o, "server_settings");
	jout_open(o, '{');
	jout_kt(o, "server_url", "https://fleet.example.com");
	jout_kb(o, "live_query_disabled", false);
	jout_close(o, '{');
	jout_key(o, "mdm");
	jout_open(o, '{');
	jout_kb(o, "enabled_and_configured", t->premium);
	jout_kb(o, "windows_enabled_and_configured", t->premium);
	jout_close(o, '{');
	jout_key(o, "license");
	jout_open(o, '{');
	jout_kt(o, "tier", t->premium ? "premium" : "free");
	if (t->premium) {
		jout_kt(o, "organization", t->name);
		jout_ki(o, "device_count", 1000);
	}
	jout_kt(o, "expiration", t->premium ? "2030-01-01T00:00:00Z" : "0001-01-01T00:00:00Z");
	jout_kb(o, "managed_cloud", false);
	jout_close(o, '{');
}

static uint32_t hosts_of_team(const struct tenant *t, uint32_t team)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->count; i++)
		n += fleet_team_of(t, &t->hosts[i]) == team;
	return n;
}

static void teams_list(struct tenant *t, struct jout *o, const char *key)
{
	jout_key(o, key);
	jout_open(o, '[');
	for (uint32_t team = 1; team <= t->teams; team++) {
		jout_open(o, '{');
		jout_ki(o, "id", team);
		jout_kt(o, "created_at", "2024-01-02T03:04:05Z");
		jout_kt(o, "name", fleet_team_name(team));
		jout_kt(o, "description", "");
		jout_key(o, "secrets");
		jout_open(o, '[');
		jout_open(o, '{');
		jout_kt(o, "secret", "enroll-secret-never-store");
		jout_ki(o, "team_id", team);
		jout_close(o, '{');
		jout_close(o, '[');
		jout_ki(o, "user_count", 1);
		jout_ki(o, "host_count", hosts_of_team(t, team));
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

static void teams(struct tenant *t, struct jout *o)
{
	teams_list(t, o, "teams");
	if (version_has_fleets(&t->version))
		teams_list(t, o, "fleets");
}

static void summary(struct tenant *t, struct jout *o)
{
	static const char *const platforms[] = { "darwin", "windows", "ubuntu",  "debian",
						 "ios",    "ipados",  "android", "chrome" };
	uint32_t by_platform[8] = { 0 }, online = 0, total = 0;
	struct facts f;
	for (uint32_t i = 0; i < t->count; i++) {
		if (!fleet_visible(t, &t->hosts[i]))
			continue;
		facts_make(&f, t, &t->hosts[i]);
		total++;
		online += f.online;
		for (int p = 0; p < 8; p++)
			by_platform[p] += !strcmp(f.platform, platforms[p]);
	}
	jout_ki(o, "totals_hosts_count", total);
	jout_ki(o, "online_count", online);
	jout_ki(o, "offline_count", total - online);
	jout_ki(o, "mia_count", 0);
	jout_ki(o, "missing_30_days_count", 0);
	jout_ki(o, "new_count", 0);
	jout_ki(o, "all_linux_count", by_platform[2] + by_platform[3]);
	jout_key(o, "builtin_labels");
	jout_open(o, '[');
	jout_close(o, '[');
	jout_key(o, "platforms");
	jout_open(o, '[');
	for (int p = 0; p < 8; p++) {
		if (!by_platform[p])
			continue;
		jout_open(o, '{');
		jout_kt(o, "platform", platforms[p]);
		jout_ki(o, "hosts_count", by_platform[p]);
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

/* The key is left out when there are none, as some versions do. */
static void policies(struct tenant *t, struct jout *o)
{
	if (!t->policies)
		return;
	jout_key(o, "policies");
	jout_open(o, '[');
	for (uint32_t p = 1; p <= t->policies; p++) {
		jout_open(o, '{');
		render_policy(o, t, p);
		jout_ki(o, "passing_host_count", t->count / 2);
		jout_ki(o, "failing_host_count", t->count / 20);
		jout_kn(o, "host_count_updated_at");
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

static void labels(struct tenant *t, struct jout *o)
{
	static const char *const builtin[] = { "All Hosts", "macOS",  "MS Windows", "All Linux",
					       "iOS",       "iPadOS", "chrome",     "Android" };
	jout_key(o, "labels");
	jout_open(o, '[');
	for (int i = 0; i < 8; i++) {
		jout_open(o, '{');
		jout_ki(o, "id", 6 + i);
		jout_kt(o, "name", builtin[i]);
		jout_kt(o, "label_type", "builtin");
		jout_kt(o, "label_membership_type", "dynamic");
		jout_ki(o, "host_count", t->count);
		jout_close(o, '{');
	}
	jout_close(o, '[');
}

void meta_answer(struct tenant *t, enum endpoint ep, struct reply *reply)
{
	static void (*const write[ENDPOINT_COUNT])(struct tenant *, struct jout *) = {
		[EP_VERSION] = version, [EP_ME] = me,           [EP_CONFIG] = config,
		[EP_TEAMS] = teams,     [EP_SUMMARY] = summary, [EP_POLICIES] = policies,
		[EP_LABELS] = labels,
	};
	if (ep == EP_TEAMS && !t->premium) {
		const char *text = "Requires Fleet Premium license";
		reply_error(reply, 402, text, "base", text, false);
		return;
	}
	struct jout o;
	reply_json(reply, &o);
	write[ep](t, &o);
	reply_json_end(reply, &o);
}
