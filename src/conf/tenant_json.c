#include "base/json.h"
#include "conf/tenant_draft.h"

static bool is_null(const struct buf *b, size_t from)
{
	return b->len - from >= 4 && memcmp(b->data + b->len - 4, "null", 4) == 0;
}

/* One member, or nothing when the tenant has no such value. */
static void member(const struct setting *s, const struct conf_tenant *t, struct buf *out)
{
	size_t before = out->len;
	json_key(out, s->name, strlen(s->name));
	setting_json(s, t, out);
	if (!out->failed && is_null(out, before))
		out->len = before;
}

static bool wanted(const struct conf_tenant *t, enum conf_which which, size_t row)
{
	const struct setting *s = &tenant_settings.rows[row];
	if (s->kind == SETTING_MAP || (s->kind == SETTING_OWN && !s->write))
		return false;
	return which == CONF_ALL || (!s->not_given && (t->own >> row & 1));
}

/* The rows of one map, those around it being left out. */
static void members(const struct conf_tenant *t, enum conf_which which, const char *group, struct buf *out)
{
	for (size_t i = 0; i < tenant_settings.count; i++)
		if (strcmp(tenant_settings.rows[i].group, group) == 0 && wanted(t, which, i))
			member(&tenant_settings.rows[i], t, out);
}

static void map(const struct conf_tenant *t, enum conf_which which, const char *group, struct buf *out)
{
	size_t before = out->len;
	json_key(out, group, strlen(group));
	json_open(out, '{');
	size_t empty = out->len;
	members(t, which, group, out);
	if (out->len == empty && !out->failed)
		out->len = before;
	else
		json_close(out, '}');
}

void conf_tenant_json(const struct conf_tenant *t, enum conf_which which, struct buf *out)
{
	json_open(out, '{');
	members(t, which, "", out);
	for (size_t i = 0; i < tenant_settings.count; i++)
		if (tenant_settings.rows[i].kind == SETTING_MAP)
			map(t, which, tenant_settings.rows[i].name, out);
	json_close(out, '}');
}

void conf_tenant_secrets(const struct conf_tenant *t, struct conf_secrets *out)
{
	*out = (struct conf_secrets){
		.token = t->token,
		.headers = t->own >> TENANT_HEADERS & 1 ? t->headers : NULL,
		.ca_pem = t->ca_pem,
		.client_cert_pem = t->client_cert_pem,
		.client_key_pem = t->client_key_pem,
	};
	if ((t->own >> TENANT_PROXY & 1) && t->proxy && strchr(t->proxy, '@'))
		out->proxy = t->proxy;
}
