#include "fleet/server.h"

#include "fleet/json_tree.h"

#include <ctype.h>
#include <stdio.h>

static void copy_word(char *out, size_t size, const char *s)
{
	size_t n = 0;
	for (; s && *s && n + 1 < size; s++)
		if (isalnum((unsigned char)*s) || strchr("._-+ ", *s))
			out[n++] = *s;
	out[n] = '\0';
}

static int not_fleet(struct err *e, const char *what)
{
	return err_set(e, E_NOT_FLEET, "\"%s\" was not answered as Fleet does; is this a Fleet server?",
		       what);
}

int server_read_version(struct server_facts *f, struct slice body, struct err *e)
{
	struct json_tree *t = json_tree_parse(body.p, body.n);
	const char *text = t ? json_tree_text(t, "version") : NULL;
	if (!text) {
		json_tree_free(t);
		return not_fleet(e, "/version");
	}
	copy_word(f->version, sizeof(f->version), text);
	json_tree_free(t);
	f->major = f->minor = 0;
	if (sscanf(f->version[0] == 'v' ? f->version + 1 : f->version, "%d.%d", &f->major, &f->minor) != 2)
		f->major = f->minor = 0;
	return OK;
}

struct teams {
	struct server_facts *f;
	size_t used;
};

static void add_team(void *arg, int64_t id, const char *role)
{
	struct teams *t = arg;
	char word[32];
	copy_word(word, sizeof(word), role);
	if (!t->f->role[0])
		memcpy(t->f->role, word, sizeof(word));
	int n = snprintf(t->f->teams + t->used, sizeof(t->f->teams) - t->used, "%s%lld:%s",
			 t->used ? "," : "", (long long)id, word);
	if (n > 0 && t->used + (size_t)n < sizeof(t->f->teams))
		t->used += (size_t)n;
}

int server_read_me(struct server_facts *f, struct slice body, struct err *e)
{
	struct json_tree *t = json_tree_parse(body.p, body.n);
	if (!t || !json_tree_has(t, "user.id")) {
		json_tree_free(t);
		return not_fleet(e, "/me");
	}
	bool api_only = true;
	f->role[0] = f->teams[0] = '\0';
	f->user_id = 0;
	json_tree_int(t, "user.id", &f->user_id);
	json_tree_bool(t, "user.api_only", &api_only);
	f->session_token = !api_only;
	const char *role = json_tree_text(t, "user.global_role");
	if (role && *role) {
		copy_word(f->role, sizeof(f->role), role);
		f->scope = SCOPE_GLOBAL;
	} else {
		struct teams teams = { f, 0 };
		if (!json_tree_each(t, "user.teams", "id", "role", add_team, &teams))
			json_tree_each(t, "user.fleets", "id", "role", add_team, &teams);
		f->scope = f->teams[0] ? SCOPE_TEAMS : SCOPE_NONE;
	}
	json_tree_free(t);
	return OK;
}

int server_read_config(struct server_facts *f, struct slice body, struct err *e)
{
	struct json_tree *t = json_tree_parse(body.p, body.n);
	if (!t)
		return not_fleet(e, "/config");
	copy_word(f->tier, sizeof(f->tier), json_tree_text(t, "license.tier"));
	f->premium = f->tier[0] && strcmp(f->tier, "free") != 0;
	json_tree_free(t);
	return OK;
}

bool server_at_least(const struct server_facts *f, int major, int minor)
{
	return f->major > major || (f->major == major && f->minor >= minor);
}

int server_check_role(const struct server_facts *f, struct err *e)
{
	if (f->scope == SCOPE_NONE)
		return err_set(e, E_FORBIDDEN,
			       "the user of this token has no role; give it the global role observer");
	if (strcmp(f->role, "gitops") == 0)
		return err_set(e, E_FORBIDDEN,
			       "the role \"gitops\" cannot list hosts; give the user of this token the role "
			       "observer");
	return OK;
}

void server_fingerprint(char *out, size_t size, const struct server_facts *f, const char *url,
			const char *order_key, const char *params)
{
	snprintf(out, size, "url=%s;role=%s;teams=%s|user=%lld;tier=%s;version=%s;order=%s;params=%s", url,
		 f->role, f->scope == SCOPE_GLOBAL ? "*" : f->teams, (long long)f->user_id, f->tier,
		 f->version, order_key, params);
}

bool server_same_scope(const char *a, const char *b)
{
	size_t n = strcspn(a, "|");
	return n == strcspn(b, "|") && strncmp(a, b, n) == 0;
}
