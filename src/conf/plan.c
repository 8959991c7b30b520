#include "conf/plan.h"

#include "base/arena.h"
#include "base/mem.h"
#include "conf/tenant.h"

#include <stdlib.h>

enum { VALUE_MAX_BYTES = 64 * 1024 };

/* What a caller holds, with what it stands on. */
struct made {
	struct plan plan; /* first: plan_free() gets this address */
	struct arena *arena;
	struct buf before, after;
	bool failed;
	size_t room;
};

/* ---- values ---- */
static void value(const struct setting *s, const void *from, struct buf *out)
{
	buf_reset(out);
	setting_json(s, from, out);
}

static bool shown(const struct setting *s)
{
	return s->kind != SETTING_MAP && s->kind != SETTING_LATER && (s->kind != SETTING_OWN || s->write);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_headers(const char *const *a, const char *const *b)
{
	for (; a && b && *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return !(a && *a) && !(b && *b);
}

static void name_setting(struct buf *out, const char *group, const char *name)
{
	buf_printf(out, "%s%s%s%s", out->len ? ", " : "", group, *group ? "." : "", name);
}

/* What no JSON may show is compared by itself; it goes by the name of its setting. */
static void compare_secrets(const struct conf_tenant *was, const struct conf_tenant *now, struct buf *out)
{
	if (!same_text(was->token, now->token))
		name_setting(out, "", "token");
	if (!same_text(was->ca_pem, now->ca_pem))
		name_setting(out, "", "ca_file");
	if (!same_text(was->client_cert_pem, now->client_cert_pem))
		name_setting(out, "", "client_cert");
	if (!same_text(was->client_key_pem, now->client_key_pem))
		name_setting(out, "", "client_key");
	if (!same_headers(was->headers, now->headers))
		name_setting(out, "", "headers");
}

/* The values of a setting of a tenant; true when they differ. */
static bool differs(const struct setting *s, const struct conf_tenant *was, const struct conf_tenant *now,
		    struct buf *before, struct buf *after)
{
	value(s, was, before);
	value(s, now, after);
	if (strcmp(s->name, "proxy") == 0 && !same_text(was->proxy, now->proxy))
		return true; /* only its password, perhaps */
	return !slice_eq(buf_slice(before), buf_slice(after));
}

static void compare(const struct conf_tenant *was, const struct conf_tenant *now, struct buf *before,
		    struct buf *after, struct buf *out)
{
	for (size_t i = 0; i < tenant_settings.count && !out->failed; i++) {
		const struct setting *s = &tenant_settings.rows[i];
		if (shown(s) && differs(s, was, now, before, after))
			name_setting(out, s->group, s->name);
		if (before->failed || after->failed)
			out->failed = before->failed ? before->failed : after->failed;
	}
	compare_secrets(was, now, out);
}

void plan_tenant(const struct conf_tenant *was, const struct conf_tenant *now, struct buf *settings)
{
	struct buf before, after;
	buf_init(&before, VALUE_MAX_BYTES);
	buf_init(&after, VALUE_MAX_BYTES);
	compare(was, now, &before, &after, settings);
	buf_release(&before);
	buf_release(&after);
}

/* Scheme, host and port of a repaired address. */
static size_t server_bytes(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/") : strlen(url);
}

bool plan_same_server(const char *url, const char *other)
{
	size_t n = server_bytes(url);
	return n == server_bytes(other) && memcmp(url, other, n) == 0;
}

/* ---- rows ---- */
static const char *kept(struct made *m, struct buf *b)
{
	const char *text = buf_cstr(b);
	struct slice at = arena_copy(m->arena, text, strlen(text) + 1);
	m->failed |= b->failed || !at.p;
	return at.p;
}

static void add(struct made *m, struct plan_row row)
{
	struct plan *p = &m->plan;
	if (p->count == m->room) {
		size_t room = m->room ? m->room * 2 : 64;
		struct plan_row *rows = mem_realloc(p->rows, room * sizeof(*rows));
		m->failed |= !rows;
		if (!rows)
			return;
		p->rows = rows;
		m->room = room;
	}
	p->rows[p->count++] = row;
	p->counts[row.kind]++;
}

static void compare_setting(struct made *m, const struct setting *s, const struct conf *was,
			    const struct conf *now)
{
	struct plan_row row = { .kind = s->restart ? PLAN_RESTART : PLAN_SETTING };
	value(s, was, &m->before);
	value(s, now, &m->after);
	if (slice_eq(buf_slice(&m->before), buf_slice(&m->after)))
		return;
	row.old = kept(m, &m->before);
	row.fresh = kept(m, &m->after);
	buf_reset(&m->before);
	name_setting(&m->before, s->group, s->name);
	row.name = kept(m, &m->before);
	add(m, row);
}

static void compare_settings(struct made *m, const struct conf *was, const struct conf *now)
{
	for (size_t i = 0; i < conf_settings.count && !m->failed; i++)
		if (shown(&conf_settings.rows[i]))
			compare_setting(m, &conf_settings.rows[i], was, now);
}

/* ---- tenants ---- */
static int by_name(const void *left, const void *right)
{
	const struct conf_tenant *const *a = left, *const *b = right;
	return strcmp((*a)->name, (*b)->name);
}

/* Those of a snapshot by name; NULL without memory. */
static const struct conf_tenant **sorted(const struct conf *c)
{
	const struct conf_tenant **out = mem_alloc((c->tenant_count + 1) * sizeof(*out));
	for (size_t i = 0; out && i < c->tenant_count; i++)
		out[i] = &c->tenants[i];
	if (out && c->tenant_count)
		qsort(out, c->tenant_count, sizeof(*out), by_name);
	return out;
}

static void compare_pair(struct made *m, const struct conf_tenant *was, const struct conf_tenant *now)
{
	struct plan_row row = { .kind = PLAN_UNCHANGED, .name = now->name, .was = was, .now = now };
	struct buf settings;
	buf_init(&settings, VALUE_MAX_BYTES);
	compare(was, now, &m->before, &m->after, &settings);
	if (settings.len || settings.failed) {
		row.kind = PLAN_CHANGED;
		row.settings = kept(m, &settings);
		row.server = !plan_same_server(was->url, now->url);
	}
	buf_release(&settings);
	add(m, row);
}

static void compare_tenants(struct made *m, const struct conf *was, const struct conf *now)
{
	const struct conf_tenant **a = sorted(was), **b = sorted(now);
	size_t i = 0, k = 0;
	m->failed |= !a || !b;
	while (!m->failed && (i < was->tenant_count || k < now->tenant_count)) {
		int c = i == was->tenant_count   ? 1
			: k == now->tenant_count ? -1
						 : strcmp(a[i]->name, b[k]->name);
		if (c < 0)
			add(m, (struct plan_row){ .kind = PLAN_REMOVED, .name = a[i]->name, .was = a[i] });
		else if (c > 0)
			add(m, (struct plan_row){ .kind = PLAN_ADDED, .name = b[k]->name, .now = b[k] });
		else
			compare_pair(m, a[i], b[k]);
		i += c <= 0;
		k += c >= 0;
	}
	mem_free(a);
	mem_free(b);
}

/* Rows of one kind keep their order. */
static void sort_by_kind(struct made *m)
{
	struct plan *p = &m->plan;
	struct plan_row *rows = p->count ? mem_alloc(p->count * sizeof(*rows)) : NULL;
	size_t n = 0;
	m->failed |= p->count && !rows;
	if (!rows)
		return;
	for (int kind = 0; kind < PLAN_KINDS; kind++)
		for (size_t i = 0; i < p->count; i++)
			if ((int)p->rows[i].kind == kind)
				rows[n++] = p->rows[i];
	mem_free(p->rows);
	p->rows = rows;
}

static bool defaults_differ(struct made *m, const struct conf *was, const struct conf *now)
{
	struct buf names;
	buf_init(&names, VALUE_MAX_BYTES);
	compare(&was->defaults, &now->defaults, &m->before, &m->after, &names);
	bool differ = names.len > 0;
	m->failed |= names.failed != 0;
	buf_release(&names);
	return differ;
}

int plan_make(struct plan **out, const struct conf *was, const struct conf *now)
{
	enum { ARENA_MAX_BYTES = 64 * 1024 * 1024 };
	struct made *m = mem_zalloc(sizeof(*m));
	*out = NULL;
	if (!m)
		return E_NOMEM;
	buf_init(&m->before, VALUE_MAX_BYTES);
	buf_init(&m->after, VALUE_MAX_BYTES);
	m->arena = arena_new(ARENA_MAX_BYTES);
	m->failed = !m->arena;
	if (!m->failed) {
		compare_settings(m, was, now);
		m->plan.defaults = defaults_differ(m, was, now);
		compare_tenants(m, was, now);
		sort_by_kind(m);
	}
	buf_release(&m->before);
	buf_release(&m->after);
	if (m->failed) {
		plan_free(&m->plan);
		return E_NOMEM;
	}
	*out = &m->plan;
	return OK;
}

void plan_free(struct plan *p)
{
	struct made *m = (struct made *)p;
	if (!m)
		return;
	mem_free(m->plan.rows);
	arena_free(m->arena);
	mem_free(m);
}
