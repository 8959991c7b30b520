#include "base/mem.h"
#include "base/must.h"
#include "base/utf8.h"
#include "conf/owner.h"
#include "conf/tenant.h"

enum { ARENA_MAX_BYTES = 4 * 1024 * 1024, JSON_MAX_BYTES = CONF_TENANT_MAX_BYTES };

/* What stays is one block of the size it needs: an idle tenant is small. */
struct given {
	struct conf_owner owner; /* first: its `free` gets this address */
	struct conf_tenant tenant;
	size_t bytes;
};

static void free_given(struct conf_owner *o)
{
	struct given *g = (struct given *)o;
	mem_wipe_free(g, g->bytes);
}

/* ---- packing: once to count the bytes, once to copy them ---- */
struct packing {
	char *to; /* NULL while counting */
	size_t n;
};

static void *pack(struct packing *p, const void *from, size_t n, size_t align)
{
	p->n = (p->n + align - 1) / align * align;
	void *at = p->to ? p->to + p->n : NULL;
	if (at && n)
		memcpy(at, from, n);
	p->n += n;
	return at;
}

/* With a NUL of its own: the token is a part of another text. */
static const char *pack_text(struct packing *p, const char *text, size_t n)
{
	if (!text)
		return NULL;
	const char *at = pack(p, text, n, 1);
	pack(p, "", 1, 1);
	return at;
}

static const char *const *pack_headers(struct packing *p, const char *const *headers)
{
	size_t count = 0;
	if (!headers)
		return NULL;
	while (headers[count])
		count++;
	const char **at = pack(p, headers, (count + 1) * sizeof(*at), sizeof(*at));
	for (size_t i = 0; i < count; i++) {
		const char *line = pack_text(p, headers[i], strlen(headers[i]));
		if (at)
			at[i] = line;
	}
	return at;
}

static void pack_all(struct packing *p, struct conf_tenant *t)
{
	const char **texts[] = { &t->name,          &t->url,   &t->ca_file, &t->client_cert,
				 &t->client_key,    &t->proxy, &t->ca_pem,  &t->client_cert_pem,
				 &t->client_key_pem };
	t->headers = pack_headers(p, t->headers);
	t->derive.ignore_policies = pack(p, t->derive.ignore_policies,
					 t->derive.ignore_count * sizeof(*t->derive.ignore_policies),
					 sizeof(*t->derive.ignore_policies));
	t->token = pack_text(p, t->token, t->token_bytes);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = pack_text(p, *texts[i], *texts[i] ? strlen(*texts[i]) : 0);
}

static const struct conf_tenant *packed(const struct conf_tenant *t)
{
	struct conf_tenant count = *t;
	struct packing p = { NULL, sizeof(struct given) };
	pack_all(&p, &count);
	struct given *g = mem_zalloc(p.n);
	if (!g)
		return NULL;
	g->owner = (struct conf_owner){ 1, free_given };
	g->tenant = *t;
	g->bytes = p.n;
	p = (struct packing){ (char *)g, sizeof(*g) };
	pack_all(&p, &g->tenant);
	must(p.n == g->bytes);
	g->tenant.owner = &g->owner;
	return &g->tenant;
}

/* ---- reading ---- */
static void read_map(struct reading *r, const struct conf_tenant *standard, struct slice json,
		     struct conf_tenant *out)
{
	struct tenant_places places;
	yaml_document_t document;
	if (!document_load(&document, json.p, json.n, &r->complaints))
		return;
	r->document = &document;
	yaml_node_t *root = yaml_document_get_root_node(&document);
	if (root)
		tenant_read(r, root, standard, out, &places);
	else
		complain_node(r, NULL, "there are no settings; give at least name and url");
	yaml_document_delete(&document);
}

static void read_given(struct reading *r, const struct conf *defaults_from, const char *json, size_t n,
		       struct conf_tenant *standard, struct conf_tenant *out)
{
	if (defaults_from)
		*standard = defaults_from->defaults;
	else
		tenant_standard(r, standard);
	*out = *standard;
	if (n > JSON_MAX_BYTES)
		complain_node(r, NULL, "the settings are longer than 64KiB; leave out what is no setting");
	else if (!utf8_valid(json, n))
		complain_node(r, NULL, "the settings are not UTF-8; send them with the encoding UTF-8");
	else
		read_map(r, standard, (struct slice){ json, (uint32_t)n }, out);
}

int conf_tenant_parse(const struct conf_tenant **out, const struct conf *defaults_from, const char *json,
		      size_t n, const struct conf_secrets *secrets, conf_complaint_fn *report, void *arg)
{
	struct conf_tenant standard, t;
	struct reading r = { .arena = arena_new(ARENA_MAX_BYTES), .folder = "/", .secrets = secrets };
	*out = NULL;
	if (!r.arena || complaints_init(&r.complaints)) {
		arena_free(r.arena);
		return E_NOMEM;
	}
	r.complaints.given = true;
	read_given(&r, defaults_from, json, n, &standard, &t);
	bool lost = r.complaints.no_memory || complaints_report(&r.complaints, report, arg);
	int rc = lost ? E_NOMEM : r.complaints.errors ? E_CONFIG : OK;
	if (rc == OK && !(*out = packed(&t)))
		rc = E_NOMEM;
	t.token = NULL; /* the caller's */
	tenant_wipe(&t, &standard);
	complaints_release(&r.complaints);
	arena_free(r.arena);
	return rc;
}

int conf_tenant_again(const struct conf_tenant **out, const struct conf *defaults_from,
		      const struct conf_tenant *t, conf_complaint_fn *report, void *arg)
{
	struct conf_secrets secrets;
	struct buf json;
	buf_init(&json, JSON_MAX_BYTES);
	conf_tenant_json(t, CONF_OWN, &json);
	conf_tenant_secrets(t, &secrets);
	int rc = json.failed;
	*out = NULL;
	if (rc == OK)
		rc = conf_tenant_parse(out, defaults_from, json.data, json.len, &secrets, report, arg);
	buf_release(&json);
	return rc;
}
