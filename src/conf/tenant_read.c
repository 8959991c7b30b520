#include "conf/headers.h"
#include "conf/owner.h"
#include "conf/pem.h"
#include "conf/tenant_draft.h"
#include "conf/token.h"
#include "conf/url.h"

/* What one tenant, or the map of defaults, is read with. */
struct tenant_reading {
	struct reading *r;
	yaml_node_t *node;
	struct setting_found found[TENANT_ROWS];
	struct tenant_draft draft;
};

/* Where a complaint about the row belongs: its value, or the whole map where the
 * value comes from the defaults. */
static const yaml_node_t *at(struct tenant_reading *t, enum tenant_row row)
{
	const struct setting *s = &tenant_settings.rows[row];
	about_setting(t->r, s->group, s->name);
	return t->found[row].value ? t->found[row].value : t->node;
}

static const char *help(enum tenant_row row)
{
	return tenant_settings.rows[row].help;
}

/* As written it may hold a password. */
static void wipe_text(const char *text)
{
	if (text)
		explicit_bzero((char *)(uintptr_t)text, strlen(text));
}

static void finish_url(struct tenant_reading *t)
{
	struct tenant_draft *d = &t->draft;
	char url[URL_BYTES];
	struct err e;
	if (d->url && url_repair(slice_of(d->url), d->tenant.allow_http, url, &e))
		complain_node(t->r, at(t, TENANT_URL), "\"url\" %s", e.text);
	else if (d->url)
		d->tenant.url = keep(t->r, slice_of(url));
	wipe_text(d->url);
}

/* In the arena; NULL after a complaint. */
static const char *repaired_proxy(struct tenant_reading *t, const char *text)
{
	char url[URL_BYTES];
	struct err e;
	const char *out = NULL;
	if (url_repair_proxy(slice_of(text), url, &e))
		complain_node(t->r, at(t, TENANT_PROXY), "\"proxy\" %s", e.text);
	else
		out = keep(t->r, slice_of(url));
	explicit_bzero(url, sizeof(url));
	return out;
}

static void finish_proxy(struct tenant_reading *t)
{
	struct tenant_draft *d = &t->draft;
	if (d->proxy)
		d->tenant.proxy = repaired_proxy(t, d->proxy);
	if (d->proxy && t->r->secrets && d->tenant.proxy && strchr(d->tenant.proxy, '@'))
		complain_node(t->r, at(t, TENANT_PROXY),
			      "\"proxy\" holds a user name or password; give the address beside the "
			      "settings, not among them");
	wipe_text(d->proxy);
}

static void finish_token(struct tenant_reading *t)
{
	struct tenant_draft *d = &t->draft;
	struct token token = { 0 };
	bool file = t->found[TENANT_TOKEN_FILE].key, env = t->found[TENANT_TOKEN_ENV].key;
	if (file && env) {
		complain_node(t->r, t->found[TENANT_TOKEN_ENV].key,
			      "\"token_env\" stands beside token_file of line %u; remove one of them",
			      place_of_node(t->found[TENANT_TOKEN_FILE].key).line);
		return;
	}
	if (d->token_file)
		token_from_file(t->r, t->found[TENANT_TOKEN_FILE].value, d->token_file, &token);
	else if (d->token_env)
		token_from_env(t->r, t->found[TENANT_TOKEN_ENV].value, d->token_env, &token);
	else if (!file && !env && !t->found[TENANT_TOKEN].key)
		complain_node(t->r, t->node, "the tenant has no \"token_file\"; give %s, or give token_env",
			      help(TENANT_TOKEN_FILE));
	d->tenant.token = token.text;
	d->tenant.token_bytes = token.bytes;
	d->tenant.token_from = token.from;
}

static void finish_limits(struct tenant_reading *t)
{
	const struct conf_limits *l = &t->draft.tenant.limits;
	if (l->host_bytes > l->body_bytes)
		complain_node(t->r,
			      at(t, t->found[TENANT_HOST_BYTES].key ? TENANT_HOST_BYTES : TENANT_BODY_BYTES),
			      "\"host_bytes\" is greater than body_bytes; lower it, or raise body_bytes");
	if (l->first_byte_ms > l->request_ms)
		complain_node(t->r,
			      at(t, t->found[TENANT_FIRST_BYTE].key ? TENANT_FIRST_BYTE : TENANT_REQUEST),
			      "\"first_byte\" is longer than request; lower it, or raise request");
}

static void finish_certificate(struct tenant_reading *t)
{
	const struct conf_tenant *c = &t->draft.tenant;
	bool cert = c->client_cert || c->client_cert_pem || t->found[TENANT_CLIENT_CERT].key;
	const yaml_node_t *key = t->found[TENANT_CLIENT_KEY].key;
	if ((key || c->client_key_pem) && !cert) {
		at(t, TENANT_CLIENT_KEY);
		complain_node(t->r, key, "\"client_key\" stands without client_cert; give %s, or remove it",
			      t->r->secrets ? "the client certificate too" : help(TENANT_CLIENT_CERT));
	}
}

/* ---- what stands beside the settings at run time ---- */
static void own(struct tenant_reading *t, enum tenant_row row)
{
	t->draft.tenant.own |= 1ull << row;
}

static void take_token(struct tenant_reading *t, const char *text)
{
	struct token token = { 0 };
	at(t, TENANT_TOKEN);
	if (text)
		token_given(t->r, text, &token);
	else
		complain_node(t->r, NULL, "the tenant has no token; give the API token of a Fleet user");
	t->draft.tenant.token = token.text;
	t->draft.tenant.token_bytes = token.bytes;
}

static void take_pem(struct tenant_reading *t, enum tenant_row row, const char *pem, enum pem_kind kind,
		     const char **out)
{
	at(t, row);
	if (pem && pem_check(t->r, tenant_settings.rows[row].name, pem, kind)) {
		*out = pem;
		own(t, row);
	}
}

static void take_certificates(struct tenant_reading *t, const struct conf_secrets *s)
{
	struct conf_tenant *c = &t->draft.tenant;
	take_pem(t, TENANT_CA_FILE, s->ca_pem, PEM_CERTIFICATE, &c->ca_pem);
	take_pem(t, TENANT_CLIENT_CERT, s->client_cert_pem, PEM_CERTIFICATE, &c->client_cert_pem);
	take_pem(t, TENANT_CLIENT_KEY, s->client_key_pem, PEM_KEY, &c->client_key_pem);
	if (s->ca_pem)
		c->ca_file = NULL;
	if (s->client_cert_pem || s->client_key_pem)
		c->client_cert = c->client_key = NULL;
}

static void take_secrets(struct tenant_reading *t, const struct conf_secrets *s)
{
	struct conf_tenant *c = &t->draft.tenant;
	take_token(t, s->token);
	take_certificates(t, s);
	if (s->headers && s->headers[0]) {
		at(t, TENANT_HEADERS);
		c->headers = headers_given(t->r, s->headers);
		own(t, TENANT_HEADERS);
	}
	if (s->proxy) {
		c->proxy = repaired_proxy(t, s->proxy);
		own(t, TENANT_PROXY);
	}
}

/* ---- a map ---- */
static bool begin(struct tenant_reading *t, struct reading *r, yaml_node_t *node, const char *what,
		  const struct conf_tenant *standard)
{
	t->r = r;
	t->node = node;
	t->draft = (struct tenant_draft){ .tenant = *standard };
	t->draft.tenant.own = 0;
	if (!settings_read(r, &tenant_settings, node, what, &t->draft, t->found))
		return false;
	for (size_t i = 0; i < TENANT_ROWS; i++)
		if (t->found[i].key)
			own(t, (enum tenant_row)i);
	return true;
}

void tenant_standard(struct reading *r, struct conf_tenant *out)
{
	struct tenant_draft d = { 0 };
	for (int i = 0; i < OWNER_SOURCES; i++)
		d.tenant.derive.owner_precedence[i] = (enum owner_source)i;
	d.tenant.derive.owner_precedence_count = OWNER_SOURCES;
	settings_standard(r, &tenant_settings, &d);
	*out = d.tenant;
}

void tenant_defaults(struct reading *r, yaml_node_t *node, struct conf_tenant *standard)
{
	struct tenant_reading t;
	r->defaults = true;
	if (begin(&t, r, node, "\"defaults\"", standard)) {
		finish_proxy(&t);
		finish_certificate(&t);
		finish_limits(&t);
	}
	r->defaults = false;
	*standard = t.draft.tenant;
}

void tenant_read(struct reading *r, yaml_node_t *node, const struct conf_tenant *standard,
		 struct conf_tenant *out, struct tenant_places *places)
{
	struct tenant_reading t;
	struct setting_found *found = t.found;
	if (begin(&t, r, node, "the tenant", standard)) {
		if (!found[TENANT_NAME].key)
			complain_node(r, at(&t, TENANT_NAME), "the tenant has no \"name\"; give %s",
				      help(TENANT_NAME));
		if (!found[TENANT_URL].key)
			complain_node(r, at(&t, TENANT_URL), "the tenant has no \"url\"; give %s",
				      help(TENANT_URL));
		finish_url(&t);
		finish_proxy(&t);
		if (r->secrets)
			take_secrets(&t, r->secrets);
		else
			finish_token(&t);
		finish_certificate(&t);
		finish_limits(&t);
	}
	about_setting(r, NULL, NULL);
	*out = t.draft.tenant;
	*places = (struct tenant_places){
		place_of_node(found[TENANT_NAME].value ? found[TENANT_NAME].value : node),
		place_of_node(found[TENANT_URL].value ? found[TENANT_URL].value : node),
	};
	places->name.file = places->url.file = r->complaints.file;
}
_Static_assert(TENANT_ROWS <= 64, "conf_tenant.own has a bit for each setting");
