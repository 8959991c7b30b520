#include "mutate.h"

#include "grab.h"
#include "list_query.h"
#include "prepared.h"

#include <string.h>
#include <yajl/yajl_tree.h>

enum { IDS_SHOWN = 1000, VOLATILE_STEP_S = 61, DAY_S = 86400 };

static const char *const field_names[HOST_FIELDS] = { "os_version", "policy", "team", "owner",
						      "encryption", "name",   "mdm" };

static yajl_val member(yajl_val v, const char *name)
{
	const char *path[] = { name, NULL };
	return yajl_tree_get(v, path, yajl_t_any);
}

static int64_t whole(yajl_val v, const char *name, int64_t otherwise)
{
	yajl_val n = member(v, name);
	return YAJL_IS_INTEGER(n) ? YAJL_GET_INTEGER(n) : otherwise;
}

static const char *text(yajl_val v, const char *name)
{
	yajl_val s = member(v, name);
	return YAJL_IS_STRING(s) ? YAJL_GET_STRING(s) : NULL;
}

/* What an operation did, gathered while it goes. */
struct done {
	struct jout *answer;
	uint64_t changed;
};

static void note(struct done *d, uint64_t id)
{
	if (d->changed++ < IDS_SHOWN)
		jout_int(d->answer, (int64_t)id);
}

static const char *op_volatile(struct tenant *t, yajl_val a, struct done *d)
{
	int64_t step_s = whole(a, "seconds", VOLATILE_STEP_S);
	t->volatile_rev++;
	t->now_s += step_s;
	d->changed = t->count;
	return NULL;
}

static const char *op_touch(struct tenant *t, yajl_val a, struct done *d)
{
	const char *name = text(a, "field");
	int field = 0;
	while (field < HOST_FIELDS && name && strcmp(field_names[field], name) != 0)
		field++;
	if (!name || field == HOST_FIELDS)
		return "\"field\" must be os_version, policy, team, owner, encryption, name or mdm";
	yajl_val fraction = member(a, "fraction"), one = member(a, "id");
	if (one) {
		struct sim_host *h = fleet_find(t, (uint64_t)whole(a, "id", 0));
		if (!h)
			return "no such host";
		h->rev[field]++;
		note(d, h->id);
		return NULL;
	}
	double part = YAJL_IS_NUMBER(fraction) ? strtod(YAJL_GET_NUMBER(fraction), NULL) : 1;
	for (uint32_t i = 0; i < t->count; i++) {
		struct sim_host *h = &t->hosts[i];
		if ((double)(fleet_mix(h->id, t->mutations, 7) % 1000000) >= part * 1000000)
			continue;
		h->rev[field]++;
		note(d, h->id);
	}
	return NULL;
}

static bool delete_id(struct tenant *t, uint64_t id, struct done *d)
{
	struct sim_host *h = fleet_find(t, id);
	if (!h)
		return false;
	note(d, id);
	fleet_delete(t, (uint32_t)(h - t->hosts));
	return true;
}

static const char *op_delete(struct tenant *t, yajl_val a, struct done *d)
{
	yajl_val ids = member(a, "ids");
	if (YAJL_IS_ARRAY(ids)) {
		for (size_t i = 0; i < ids->u.array.len; i++)
			if (!YAJL_IS_INTEGER(ids->u.array.values[i]) ||
			    !delete_id(t, (uint64_t)YAJL_GET_INTEGER(ids->u.array.values[i]), d))
				return "no such host";
		return NULL;
	}
	for (int64_t n = whole(a, "count", 1); n > 0 && t->count; n--)
		delete_id(t, t->hosts[fleet_mix(t->seed, t->mutations, (uint64_t)n) % t->count].id, d);
	return NULL;
}

static const char *op_add(struct tenant *t, yajl_val a, struct done *d)
{
	for (int64_t n = whole(a, "count", 1); n > 0; n--)
		note(d, fleet_add(t, 0)->id);
	return NULL;
}

static void write_text(struct buf *b, const char *s)
{
	struct jout o;
	jout_init(&o, b, false);
	jout_text(&o, s);
}

/* A parsed value as text again, numbers exactly as they were. */
static void write_value(struct buf *b, yajl_val v)
{
	if (YAJL_IS_STRING(v)) {
		write_text(b, YAJL_GET_STRING(v));
	} else if (YAJL_IS_NUMBER(v)) {
		buf_puts(b, YAJL_GET_NUMBER(v));
	} else if (YAJL_IS_OBJECT(v)) {
		buf_putc(b, '{');
		for (size_t i = 0; i < v->u.object.len; i++) {
			if (i)
				buf_putc(b, ',');
			write_text(b, v->u.object.keys[i]);
			buf_putc(b, ':');
			write_value(b, v->u.object.values[i]);
		}
		buf_putc(b, '}');
	} else if (YAJL_IS_ARRAY(v)) {
		buf_putc(b, '[');
		for (size_t i = 0; i < v->u.array.len; i++) {
			if (i)
				buf_putc(b, ',');
			write_value(b, v->u.array.values[i]);
		}
		buf_putc(b, ']');
	} else {
		buf_puts(b, YAJL_IS_TRUE(v) ? "true" : YAJL_IS_FALSE(v) ? "false" : "null");
	}
}

/* "json" holds values; "raw" holds texts that are sent as they are, so that
 * they need not even be JSON. */
static const char *op_set(struct tenant *t, yajl_val a, struct done *d)
{
	struct sim_host *h = fleet_find(t, (uint64_t)whole(a, "id", 0));
	yajl_val json = member(a, "json"), raw = member(a, "raw");
	if (!h)
		return "no such host";
	if (!YAJL_IS_OBJECT(json) && !YAJL_IS_OBJECT(raw))
		return "\"json\" or \"raw\" must be an object of members";
	for (size_t i = 0; YAJL_IS_OBJECT(json) && i < json->u.object.len; i++) {
		struct buf b;
		buf_init(&b, 256 << 20);
		write_value(&b, json->u.object.values[i]);
		fleet_override(h, json->u.object.keys[i], buf_cstr(&b));
		buf_release(&b);
	}
	for (size_t i = 0; YAJL_IS_OBJECT(raw) && i < raw->u.object.len; i++)
		if (YAJL_IS_STRING(raw->u.object.values[i]))
			fleet_override(h, raw->u.object.keys[i], YAJL_GET_STRING(raw->u.object.values[i]));
	note(d, h->id);
	return NULL;
}

static const char *op_recreate(struct tenant *t, yajl_val a, struct done *d)
{
	struct sim_host *h = fleet_find(t, (uint64_t)whole(a, "id", 0));
	if (!h)
		return "no such host";
	h->machine = ++t->next_machine;
	h->created_shift_s += 30 * DAY_S;
	note(d, h->id);
	return NULL;
}

static const char *op_reenroll(struct tenant *t, yajl_val a, struct done *d)
{
	struct sim_host *h = fleet_find(t, (uint64_t)whole(a, "id", 0));
	if (!h)
		return "no such host";
	uint64_t machine = h->machine;
	int64_t shift_s = h->created_shift_s;
	fleet_delete(t, (uint32_t)(h - t->hosts));
	h = fleet_add(t, machine);
	h->created_shift_s = shift_s + 45 * DAY_S;
	note(d, h->id);
	return NULL;
}

static const char *op_scope(struct tenant *t, yajl_val a, struct done *d)
{
	yajl_val teams = member(a, "teams");
	t->scope = (struct team_scope){ .scoped = YAJL_IS_ARRAY(teams) };
	for (size_t i = 0; t->scope.scoped && i < teams->u.array.len && i < TEAMS_MAX; i++)
		if (YAJL_IS_INTEGER(teams->u.array.values[i]))
			t->scope.teams[t->scope.count++] =
				(uint32_t)YAJL_GET_INTEGER(teams->u.array.values[i]);
	d->changed = 1;
	return NULL;
}

static const char *op_role(struct tenant *t, yajl_val a, struct done *d)
{
	const char *value = text(a, "value");
	if (!value)
		return "\"value\" must be the role's name";
	snprintf(t->role, sizeof(t->role), "%.63s", value);
	d->changed = 1;
	return NULL;
}

static const char *op_token(struct tenant *t, yajl_val a, struct done *d)
{
	const char *value = text(a, "value");
	mem_free(t->token);
	t->token = grab_text(value ? value : "revoked");
	d->changed = 1;
	return NULL;
}

static const char *op_version(struct tenant *t, yajl_val a, struct done *d)
{
	const char *value = text(a, "value");
	d->changed = 1;
	return value && version_parse(value, &t->version) ? NULL
							  : "\"value\" must be a version such as 4.93.0";
}

static const char *op_tier(struct tenant *t, yajl_val a, struct done *d)
{
	const char *value = text(a, "value");
	t->premium = !value || strcmp(value, "free") != 0;
	d->changed = 1;
	return NULL;
}

static const char *op_policies(struct tenant *t, yajl_val a, struct done *d)
{
	int64_t n = whole(a, "value", -1);
	if (n < 0 || n > POLICIES_MAX)
		return "\"value\" must be 0 to 24";
	t->policies = (uint32_t)n;
	d->changed = t->count;
	return NULL;
}

/* Renders all pages now, so that no later request pays for it. */
static const char *op_prepare(struct tenant *t, yajl_val a, struct done *d)
{
	const char *query = text(a, "query");
	struct request r = { 0 };
	struct list_query q;
	struct reply ignored;
	request_set_target(&r, "/hosts?", query ? query : "");
	reply_init(&ignored);
	bool ok = list_query_parse(&q, t, &r, &ignored);
	reply_release(&ignored);
	request_release(&r);
	if (!ok)
		return "\"query\" is not a query the list accepts";
	prepared_for(t, q.flags);
	d->changed = t->count;
	return NULL;
}

struct operation {
	const char *name;
	const char *(*run)(struct tenant *t, yajl_val arguments, struct done *d);
};

static const struct operation operations[] = {
	{ "volatile", op_volatile }, { "touch", op_touch },     { "delete", op_delete },
	{ "add", op_add },           { "set", op_set },         { "recreate", op_recreate },
	{ "reenroll", op_reenroll }, { "scope", op_scope },     { "role", op_role },
	{ "token", op_token },       { "version", op_version }, { "tier", op_tier },
	{ "policies", op_policies }, { "prepare", op_prepare },
};

static const char *run(struct tenant *t, yajl_val a, struct done *d)
{
	const char *name = text(a, "op");
	for (size_t i = 0; name && i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		t->mutations++;
		if (operations[i].run != op_prepare)
			prepared_forget(t);
		return operations[i].run(t, a, d);
	}
	return "unknown \"op\"";
}

const char *mutate(struct tenant *t, const char *json, struct jout *answer)
{
	char complaint[128];
	struct done d = { .answer = answer };
	yajl_val a = yajl_tree_parse(json, complaint, sizeof(complaint));
	jout_key(answer, "ids");
	jout_open(answer, '[');
	const char *wrong = YAJL_IS_OBJECT(a) ? run(t, a, &d) : "a change is an object";
	jout_close(answer, '[');
	jout_ki(answer, "changed", (int64_t)d.changed);
	yajl_tree_free(a);
	return wrong;
}
