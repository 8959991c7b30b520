#include "fleet/server.h"

#include "base/mem.h"
#include "fleet/json_tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Digits of at most four places; NULL when there are none or more. */
static const char *read_number(int *out, const char *s)
{
	int n = 0, places = 0;
	for (; isdigit((unsigned char)*s); s++) {
		if (++places > 4)
			return NULL;
		n = 10 * n + (*s - '0');
	}
	*out = n;
	return places ? s : NULL;
}

static void read_major_minor(struct server_facts *f)
{
	int major, minor;
	f->major = f->minor = 0;
	const char *s = read_number(&major, f->version[0] == 'v' ? f->version + 1 : f->version);
	if (!s || *s != '.' || !read_number(&minor, s + 1))
		return;
	f->major = major;
	f->minor = minor;
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
	read_major_minor(f);
	return OK;
}

struct team {
	int64_t id;
	char role[32];
};

struct teams {
	struct team *rows;
	size_t count, room;
	bool no_memory;
};

static void add_team(void *arg, int64_t id, const char *role)
{
	struct teams *t = arg;
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 16;
		struct team *rows = mem_realloc(t->rows, room * sizeof(*rows));
		if (!rows) {
			t->no_memory = true;
			return;
		}
		t->rows = rows;
		t->room = room;
	}
	struct team *team = &t->rows[t->count++];
	team->id = id;
	copy_word(team->role, sizeof(team->role), role);
}

static int by_id(const void *a, const void *b)
{
	const struct team *x = a, *y = b;
	return x->id != y->id ? (x->id < y->id ? -1 : 1) : strcmp(x->role, y->role);
}

/* FNV-1a */
static uint64_t digest(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

/* Sorted, because the server promises no order. Where there is no room for all
 * of them a digest of all ends the text, so that each of them still counts. */
static void write_teams(struct server_facts *f, struct teams *t)
{
	enum { TAIL = sizeof("+0123456789abcdef") };
	size_t used = 0;
	uint64_t h = 0xcbf29ce484222325u;
	bool full = false;
	if (t->count)
		qsort(t->rows, t->count, sizeof(t->rows[0]), by_id);
	for (size_t i = 0; i < t->count; i++) {
		char word[64];
		size_t n = (size_t)snprintf(word, sizeof(word), "%s%lld:%s", i ? "," : "",
					    (long long)t->rows[i].id, t->rows[i].role);
		h = digest(h, word);
		full = full || used + n + TAIL > sizeof(f->teams);
		if (full)
			continue;
		memcpy(f->teams + used, word, n + 1);
		used += n;
	}
	if (full)
		snprintf(f->teams + used, sizeof(f->teams) - used, "+%016llx", (unsigned long long)h);
}

/* One team that shows its hosts is enough, so gitops stands only where all have it. */
static void choose_role(struct server_facts *f, const struct teams *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const char *role = t->rows[i].role;
		if (!role[0] || (f->role[0] && strcmp(f->role, "gitops") != 0))
			continue;
		memcpy(f->role, role, sizeof(f->role));
	}
}

static int read_teams(struct server_facts *f, const struct json_tree *t, struct err *e)
{
	struct teams teams = { 0 };
	if (!json_tree_each(t, "user.teams", "id", "role", add_team, &teams))
		json_tree_each(t, "user.fleets", "id", "role", add_team, &teams);
	if (!teams.no_memory) {
		write_teams(f, &teams);
		choose_role(f, &teams);
		f->scope = teams.count ? SCOPE_TEAMS : SCOPE_NONE;
	}
	mem_free(teams.rows);
	return teams.no_memory ? err_set(e, E_NOMEM, "out of memory while reading the teams of \"/me\"") : OK;
}

int server_read_me(struct server_facts *f, struct slice body, struct err *e)
{
	struct json_tree *t = json_tree_parse(body.p, body.n);
	if (!t || !json_tree_has(t, "user.id")) {
		json_tree_free(t);
		return not_fleet(e, "/me");
	}
	bool api_only = true;
	int rc = OK;
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
		rc = read_teams(f, t, e);
	}
	json_tree_free(t);
	return rc;
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
	/* the last one: an address may have others */
	const char *end_a = strrchr(a, '|'), *end_b = strrchr(b, '|');
	return end_a && end_b && end_a - a == end_b - b && strncmp(a, b, (size_t)(end_a - a)) == 0;
}
