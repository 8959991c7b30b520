#include "conf/tenant.h"

#include "base/mem.h"
#include "conf/headers.h"
#include "conf/token.h"
#include "conf/url.h"
#include "conf/value.h"

#include <stdlib.h>

enum { NAME_MAX_BYTES = 64, IGNORED_MAX = 1000 };

/* A tenant while it is read. */
struct draft {
	struct conf_tenant tenant;
	const char *url, *proxy, *token_file, *token_env;
};

enum row {
	NAME,
	URL,
	TOKEN_FILE,
	TOKEN_ENV,
	TOKEN,
	CA_FILE,
	CLIENT_CERT,
	CLIENT_KEY,
	PROXY,
	HEADERS,
	ALLOW_HTTP,
	ALLOW_PRIVATE,
	MAP_USERS,
	MAP_TEAMS,
	STALE_AFTER,
	OWNER_PRECEDENCE,
	COMPLIANCE,
	CRITICAL_ONLY,
	IGNORE_POLICIES,
	LIMITS,
	PAGE_HOSTS,
	DETAILS,
	BODY_BYTES,
	HOST_BYTES,
	FIRST_BYTE,
	REQUEST,
	ROWS
};

static void read_name(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct draft *d = into;
	struct slice text;
	if (!node_text(r, value, s->name, s->help, &text))
		return;
	bool ok = text.n <= NAME_MAX_BYTES && text.p[0] != '.' && text.p[0] != '_' && text.p[0] != '-';
	for (uint32_t i = 0; ok && i < text.n; i++)
		ok = strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", text.p[i]);
	if (ok)
		d->tenant.name = keep(r, text);
	else
		complain_node(r, value,
			      "\"name\" is %s; write 1 to 64 of a-z, 0-9, dot, - and _, beginning with a "
			      "letter or digit",
			      quote(text).text);
}

static void read_token(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	(void)into;
	complain_node(r, value,
		      "\"%s\" may not stand in the configuration; put the token into a file that only this "
		      "user reads "
		      "and give token_file, or give token_env",
		      s->name);
}

static void complain_source(struct reading *r, const yaml_node_t *item, const struct setting *s,
			    struct slice text)
{
	const char *known[OWNER_SOURCES];
	for (int i = 0; i < OWNER_SOURCES; i++)
		known[i] = owner_source_name((enum owner_source)i);
	struct quoted q = quote(text);
	const char *near = nearest(text, known, OWNER_SOURCES);
	if (near)
		complain_node(r, item, "\"%s\" has %s; did you mean \"%s\"?", s->name, q.text, near);
	else
		complain_node(r, item, "\"%s\" has %s; give %s", s->name, q.text, s->help);
}

static void read_owner_precedence(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct derive_settings *out = &((struct draft *)into)->tenant.derive;
	yaml_node_item_t *first;
	size_t count;
	if (!node_list(r, value, s->name, s->help, &first, &count))
		return;
	out->owner_precedence_count = 0;
	for (size_t i = 0; i < count && !reading_over(r); i++) {
		yaml_node_t *item = yaml_document_get_node(r->document, first[i]);
		struct slice text;
		if (!node_text(r, item, s->name, s->help, &text))
			continue;
		int source = owner_source_parse(text);
		bool twice = false;
		for (uint32_t k = 0; k < out->owner_precedence_count; k++)
			twice |= (int)out->owner_precedence[k] == source;
		if (source < 0)
			complain_source(r, item, s, text);
		else if (twice)
			complain_node(r, item, "\"%s\" has %s twice; remove one of them", s->name,
				      quote(text).text);
		else
			out->owner_precedence[out->owner_precedence_count++] = (enum owner_source)source;
	}
}

static int by_id(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

static void read_ignore_policies(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct derive_settings *out = &((struct draft *)into)->tenant.derive;
	yaml_node_item_t *first;
	size_t count;
	uint32_t n = 0, unique = 0;
	if (!node_list(r, value, s->name, s->help, &first, &count) || !count)
		return;
	if (count > IGNORED_MAX) {
		complain_node(r, value, "\"%s\" has more than %d members; ignore fewer policies", s->name,
			      IGNORED_MAX);
		return;
	}
	uint32_t *ids = keep_room(r, count * sizeof(*ids));
	for (size_t i = 0; ids && i < count && !reading_over(r); i++) {
		yaml_node_t *item = yaml_document_get_node(r->document, first[i]);
		struct slice text;
		uint64_t id;
		if (!node_text(r, item, s->name, s->help, &text))
			continue;
		if (value_count(text, &id, NULL) || id < 1 || id > UINT32_MAX)
			complain_node(r, item, "\"%s\" has %s; give %s", s->name, quote(text).text, s->help);
		else
			ids[n++] = (uint32_t)id;
	}
	if (!n)
		return;
	qsort(ids, n, sizeof(*ids), by_id);
	for (uint32_t i = 0; i < n; i++)
		if (!i || ids[i] != ids[unique - 1])
			ids[unique++] = ids[i];
	out->ignore_policies = ids;
	out->ignore_count = unique;
}

static void read_headers(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	((struct draft *)into)->tenant.headers = headers_read(r, value, s->name, s->help);
}

#define AT(member)    offsetof(struct draft, member)
#define LIMIT(member) offsetof(struct draft, tenant.limits.member)
static const struct setting rows[ROWS] = {
	[NAME] = { "", "name", SETTING_OWN, .help = "the name of the tenant, such as acme",
		   .read = read_name },
	[URL] = { "", "url", SETTING_TEXT, AT(url),
		  .help = "the address of the Fleet server, such as https://fleet.example.com" },
	[TOKEN_FILE] = { "", "token_file", SETTING_TEXT, AT(token_file),
			 .help = "the path of a file that holds the API token" },
	[TOKEN_ENV] = { "", "token_env", SETTING_TEXT, AT(token_env),
			.help = "the name of the environment variable that holds the API token" },
	[TOKEN] = { "", "token", SETTING_OWN, .help = NULL, .read = read_token },
	[CA_FILE] = { "", "ca_file", SETTING_FILE, AT(tenant.ca_file),
		      .help = "the path of a PEM file with the certificate authorities to trust" },
	[CLIENT_CERT] = { "", "client_cert", SETTING_FILE, AT(tenant.client_cert),
			  .help = "the path of a PEM file with the client certificate" },
	[CLIENT_KEY] = { "", "client_key", SETTING_FILE, AT(tenant.client_key),
			 .help = "the path of a PEM file with the client certificate's key" },
	[PROXY] = { "", "proxy", SETTING_TEXT, AT(proxy),
		    .help = "the address of a proxy, such as http://proxy.example.com:3128" },
	[HEADERS] = { "", "headers", SETTING_OWN,
		      .help = "a list of \"Name: value\", or a map of names to values",
		      .read = read_headers },
	[ALLOW_HTTP] = { "", "allow_http", SETTING_BOOL, AT(tenant.allow_http), "false",
			 .help = "true to allow an address of plain http, or false" },
	[ALLOW_PRIVATE] = { "", "allow_private", SETTING_BOOL, AT(tenant.allow_private), "false",
			    .help = "true to allow loopback, private and link-local addresses, or false" },
	[MAP_USERS] = { "", "map_users", SETTING_BOOL, AT(tenant.derive.map_users), "true",
			.help = "true to make owners access grants, or false" },
	[MAP_TEAMS] = { "", "map_teams", SETTING_BOOL, AT(tenant.derive.map_teams), "true",
			.help = "true to make teams device access groups, or false" },
	[STALE_AFTER] = { "", "stale_after", SETTING_DURATION_S, AT(tenant.stale_after_s), "7d", 3600,
			  3650 * 86400ull, .help = "the age from which evidence is stale, such as 7d" },
	[OWNER_PRECEDENCE] = { "", "owner_precedence", SETTING_OWN,
			       .help = "a list of custom, idp, mdm_idp_accounts and google_chrome_profiles, "
				       "best first",
			       .read = read_owner_precedence },
	[COMPLIANCE] = { "", "compliance", SETTING_MAP, .help = "a map of the rules of compliance" },
	[CRITICAL_ONLY] = { "compliance", "critical_only", SETTING_BOOL, AT(tenant.derive.critical_only),
			    "false", .help = "true to count only critical policies, or false" },
	[IGNORE_POLICIES] = { "compliance", "ignore_policies", SETTING_OWN,
			      .help = "a list of policy ids, the numbers that Fleet shows in a policy's "
				      "address",
			      .read = read_ignore_policies },
	[LIMITS] = { "", "limits", SETTING_MAP, .help = "a map of limits" },
	[PAGE_HOSTS] = { "limits", "page_hosts", SETTING_COUNT_OR_AUTO, LIMIT(page_hosts), "auto", 20, 1000,
			 .help = "auto, or the number of hosts asked for at once, from 20 to 1000" },
	[DETAILS] = { "limits", "details", SETTING_COUNT_OR_AUTO, LIMIT(details), "auto", 1, 1000000,
		      .help = "auto, or the most details asked for in one sync, from 1 to 1000000" },
	[BODY_BYTES] = { "limits", "body_bytes", SETTING_SIZE, LIMIT(body_bytes), "512MiB", 1 << 20,
			 16ull << 30, .help = "the greatest answer that is taken, such as 512MiB" },
	[HOST_BYTES] = { "limits", "host_bytes", SETTING_SIZE, LIMIT(host_bytes), "8MiB", 64 << 10, 1 << 30,
			 .help = "the greatest host that is taken, such as 8MiB" },
	[FIRST_BYTE] = { "limits", "first_byte", SETTING_DURATION_MS, LIMIT(first_byte_ms), "60s", 1, 3600,
			 .help = "the longest wait for the first byte of an answer, such as 60s" },
	[REQUEST] = { "limits", "request", SETTING_DURATION_MS, LIMIT(request_ms), "100s", 1, 3600,
		      .help = "the longest time for a whole request, such as 100s" },
};
const struct setting_table tenant_settings = { rows, ROWS };

/* ---- the checks between settings ---- */
/* As written it may hold a password. */
static void wipe_draft(const char *text)
{
	if (text)
		explicit_bzero((char *)(uintptr_t)text, strlen(text));
}

static void finish_url(struct reading *r, struct draft *d, const struct setting_found *found)
{
	char url[URL_BYTES];
	struct err e;
	if (d->url && url_repair(slice_of(d->url), d->tenant.allow_http, url, &e))
		complain_node(r, found[URL].value, "\"url\" %s", e.text);
	else if (d->url)
		d->tenant.url = keep(r, slice_of(url));
	if (d->proxy && url_repair_proxy(slice_of(d->proxy), url, &e))
		complain_node(r, found[PROXY].value, "\"proxy\" %s", e.text);
	else if (d->proxy)
		d->tenant.proxy = keep(r, slice_of(url));
	explicit_bzero(url, sizeof(url));
	wipe_draft(d->url);
	wipe_draft(d->proxy);
}

static void finish_token(struct reading *r, struct draft *d, const struct setting_found *found,
			 yaml_node_t *node)
{
	struct token token = { 0 };
	if (found[TOKEN_FILE].key && found[TOKEN_ENV].key) {
		complain_node(r, found[TOKEN_ENV].key,
			      "\"token_env\" stands beside token_file of line %u; remove one of them",
			      place_of_node(found[TOKEN_FILE].key).line);
		return;
	}
	if (d->token_file)
		token_from_file(r, found[TOKEN_FILE].value, d->token_file, &token);
	else if (d->token_env)
		token_from_env(r, found[TOKEN_ENV].value, d->token_env, &token);
	else if (!found[TOKEN_FILE].key && !found[TOKEN_ENV].key && !found[TOKEN].key)
		complain_node(r, node, "the tenant has no \"token_file\"; give %s, or give token_env",
			      rows[TOKEN_FILE].help);
	d->tenant.token = token.text;
	d->tenant.token_bytes = token.bytes;
	d->tenant.token_from = token.from;
}

static void finish_limits(struct reading *r, const struct draft *d, const struct setting_found *found)
{
	const struct conf_limits *l = &d->tenant.limits;
	if (l->host_bytes > l->body_bytes) {
		enum row at = found[HOST_BYTES].key ? HOST_BYTES : BODY_BYTES;
		complain_node(r, found[at].value,
			      "\"host_bytes\" is greater than body_bytes; lower it, or raise body_bytes");
	}
	if (l->first_byte_ms > l->request_ms) {
		enum row at = found[FIRST_BYTE].key ? FIRST_BYTE : REQUEST;
		complain_node(r, found[at].value,
			      "\"first_byte\" is longer than request; lower it, or raise request");
	}
}

void tenant_read(struct reading *r, yaml_node_t *node, struct conf_tenant *out, struct tenant_places *places)
{
	struct draft d = { 0 };
	struct setting_found found[ROWS];
	for (int i = 0; i < OWNER_SOURCES; i++)
		d.tenant.derive.owner_precedence[i] = (enum owner_source)i;
	d.tenant.derive.owner_precedence_count = OWNER_SOURCES;
	settings_standard(r, &tenant_settings, &d);
	if (settings_read(r, &tenant_settings, node, "the tenant", &d, found)) {
		if (!found[NAME].key)
			complain_node(r, node, "the tenant has no \"name\"; give %s", rows[NAME].help);
		if (!found[URL].key)
			complain_node(r, node, "the tenant has no \"url\"; give %s", rows[URL].help);
		if (found[CLIENT_KEY].key && !found[CLIENT_CERT].key)
			complain_node(r, found[CLIENT_KEY].key,
				      "\"client_key\" stands without client_cert; give %s, or remove it",
				      rows[CLIENT_CERT].help);
		finish_url(r, &d, found);
		finish_token(r, &d, found, node);
		finish_limits(r, &d, found);
	}
	*out = d.tenant;
	*places = (struct tenant_places){ place_of_node(found[NAME].value ? found[NAME].value : node),
					  place_of_node(found[URL].value ? found[URL].value : node) };
}

/* ---- the checks between tenants ---- */
struct entry {
	const char *text;
	struct place at;
	size_t index;
};

static int by_text(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int c = strcmp(a->text, b->text);
	return c ? c : (a->index > b->index) - (a->index < b->index);
}

void tenant_check_all(struct reading *r, const struct conf_tenant *tenants,
		      const struct tenant_places *places, size_t count)
{
	struct entry *e = count ? mem_alloc(count * sizeof(*e)) : NULL;
	size_t n = 0;
	if (count && !e) {
		r->complaints.no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (tenants[i].name)
			e[n++] = (struct entry){ tenants[i].name, places[i].name, i };
	if (n)
		qsort(e, n, sizeof(*e), by_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(e[i].text, e[i - 1].text) == 0)
			complain(&r->complaints, e[i].at, COMPLAINT_ERROR,
				 "\"name\" is \"%s\" like that of the tenant in line %u; give each tenant "
				 "its own",
				 e[i].text, e[i - 1].at.line);
	n = 0;
	for (size_t i = 0; i < count; i++)
		if (tenants[i].url)
			e[n++] = (struct entry){ tenants[i].url, places[i].url, i };
	if (n)
		qsort(e, n, sizeof(*e), by_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(e[i].text, e[i - 1].text) == 0)
			complain(&r->complaints, e[i].at, COMPLAINT_WARNING,
				 "\"url\" is %s like that of the tenant in line %u; remove one, unless their "
				 "tokens "
				 "see different hosts",
				 e[i].text, e[i - 1].at.line);
	mem_free(e);
}
