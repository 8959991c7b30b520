#include "conf/tenant.h"

#include "base/json.h"
#include "conf/headers.h"
#include "conf/tenant_draft.h"
#include "conf/url.h"
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64, IGNORED_MAX = 1000 };

static void read_name(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct tenant_draft *d = into;
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
	struct derive_settings *out = &((struct tenant_draft *)into)->tenant.derive;
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
	struct derive_settings *out = &((struct tenant_draft *)into)->tenant.derive;
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
	((struct tenant_draft *)into)->tenant.headers = headers_read(r, value, s->name, s->help);
}

/* ---- the way back ---- */
static void write_name(const void *from, struct buf *out)
{
	json_text(out, slice_of(((const struct conf_tenant *)from)->name));
}

static void write_url(const void *from, struct buf *out)
{
	json_text(out, slice_of(((const struct conf_tenant *)from)->url));
}

/* "token_file tokens/acme" is what remains of the two. */
static void write_token_from(const struct conf_tenant *t, const char *how, struct buf *out)
{
	size_t n = strlen(how);
	bool is = t->token_from && strncmp(t->token_from, how, n) == 0;
	json_text(out, is ? slice_of(t->token_from + n) : SLICE_NONE);
}

static void write_token_file(const void *from, struct buf *out)
{
	write_token_from(from, "token_file ", out);
}

static void write_token_env(const void *from, struct buf *out)
{
	write_token_from(from, "token_env ", out);
}

/* Without user name and password. */
static void write_proxy(const void *from, struct buf *out)
{
	const char *proxy = ((const struct conf_tenant *)from)->proxy;
	const char *user = proxy ? strstr(proxy, "://") : NULL, *host = user ? strrchr(user, '@') : NULL;
	char text[URL_BYTES];
	if (host)
		snprintf(text, sizeof(text), "%.*s://%s", (int)(user - proxy), proxy, host + 1);
	json_text(out, slice_of(host ? text : proxy));
}

static void write_owner_precedence(const void *from, struct buf *out)
{
	const struct derive_settings *d = &((const struct conf_tenant *)from)->derive;
	json_open(out, '[');
	for (uint32_t i = 0; i < d->owner_precedence_count; i++)
		json_text(out, slice_of(owner_source_name(d->owner_precedence[i])));
	json_close(out, ']');
}

static void write_ignore_policies(const void *from, struct buf *out)
{
	const struct derive_settings *d = &((const struct conf_tenant *)from)->derive;
	json_open(out, '[');
	for (uint32_t i = 0; i < d->ignore_count; i++)
		json_int(out, d->ignore_policies[i]);
	json_close(out, ']');
}

#define NO_FILE       "names a file, which is not read here; give what stands in it instead"
#define AT(member)    offsetof(struct tenant_draft, member)
#define LIMIT(member) offsetof(struct tenant_draft, tenant.limits.member)
static const struct setting rows[TENANT_ROWS] = {
	[TENANT_NAME] = { "", "name", SETTING_OWN, .help = "the name of the tenant, such as acme",
			  .read = read_name, .write = write_name, .single = true },
	[TENANT_URL] = { "", "url", SETTING_TEXT, AT(url),
			 .help = "the address of the Fleet server, such as https://fleet.example.com",
			 .write = write_url, .single = true },
	[TENANT_TOKEN_FILE] = { "", "token_file", SETTING_TEXT, AT(token_file),
				.help = "the path of a file that holds the API token",
				.write = write_token_file, .single = true, .not_given = NO_FILE },
	[TENANT_TOKEN_ENV] = { "", "token_env", SETTING_TEXT, AT(token_env),
			       .help = "the name of the environment variable that holds the API token",
			       .write = write_token_env, .single = true,
			       .not_given = "names a variable, which is not looked up here; give the token "
					    "itself" },
	[TENANT_TOKEN] = { "", "token", SETTING_OWN, .help = NULL, .read = read_token, .single = true,
			   .not_given = "is a secret; give it beside the settings, not among them" },
	[TENANT_CA_FILE] = { "", "ca_file", SETTING_FILE, AT(tenant.ca_file),
			     .help = "the path of a PEM file with the certificate authorities to trust",
			     .not_given = NO_FILE },
	[TENANT_CLIENT_CERT] = { "", "client_cert", SETTING_FILE, AT(tenant.client_cert),
				 .help = "the path of a PEM file with the client certificate",
				 .not_given = NO_FILE },
	[TENANT_CLIENT_KEY] = { "", "client_key", SETTING_FILE, AT(tenant.client_key),
				.help = "the path of a PEM file with the client certificate's key",
				.not_given = NO_FILE },
	[TENANT_PROXY] = { "", "proxy", SETTING_TEXT, AT(proxy),
			   .help = "the address of a proxy, such as http://proxy.example.com:3128",
			   .write = write_proxy },
	[TENANT_HEADERS] = { "", "headers", SETTING_OWN,
			     .help = "a list of \"Name: value\", or a map of names to values",
			     .read = read_headers,
			     .not_given = "may be secrets; give them beside the settings, not among them" },
	[TENANT_ALLOW_HTTP] = { "", "allow_http", SETTING_BOOL, AT(tenant.allow_http), "false",
				.help = "true to allow an address of plain http, or false" },
	[TENANT_ALLOW_PRIVATE] = { "", "allow_private", SETTING_BOOL, AT(tenant.allow_private), "false",
				   .help = "true to allow loopback, private and link-local addresses, or "
					   "false" },
	[TENANT_MAP_USERS] = { "", "map_users", SETTING_BOOL, AT(tenant.derive.map_users), "true",
			       .help = "true to make owners access grants, or false" },
	[TENANT_MAP_TEAMS] = { "", "map_teams", SETTING_BOOL, AT(tenant.derive.map_teams), "true",
			       .help = "true to make teams device access groups, or false" },
	[TENANT_INTERVAL] = { "", "interval", SETTING_DURATION_S, AT(tenant.interval_s), "1h", 60,
			      30 * 86400ull, .help = "the time between two syncs, such as 1h" },
	[TENANT_STALE_AFTER] = { "", "stale_after", SETTING_DURATION_S, AT(tenant.stale_after_s), "7d", 3600,
				 3650 * 86400ull,
				 .help = "the age from which evidence is stale, such as 7d" },
	[TENANT_OWNER_PRECEDENCE] = { "", "owner_precedence", SETTING_OWN,
				      .help = "a list of custom, idp, mdm_idp_accounts and "
					      "google_chrome_profiles, "
					      "best first",
				      .read = read_owner_precedence, .write = write_owner_precedence },
	[TENANT_COMPLIANCE] = { "", "compliance", SETTING_MAP, .help = "a map of the rules of compliance" },
	[TENANT_CRITICAL_ONLY] = { "compliance", "critical_only", SETTING_BOOL,
				   AT(tenant.derive.critical_only), "false",
				   .help = "true to count only critical policies, or false" },
	[TENANT_IGNORE_POLICIES] = { "compliance", "ignore_policies", SETTING_OWN,
				     .help = "a list of policy ids, the numbers that Fleet shows in a "
					     "policy's "
					     "address",
				     .read = read_ignore_policies, .write = write_ignore_policies },
	[TENANT_LIMITS] = { "", "limits", SETTING_MAP, .help = "a map of limits" },
	[TENANT_PAGE_HOSTS] = { "limits", "page_hosts", SETTING_COUNT_OR_AUTO, LIMIT(page_hosts), "auto", 20,
				1000,
				.help = "auto, or the number of hosts asked for at once, from 20 to 1000" },
	[TENANT_DETAILS] = { "limits", "details", SETTING_COUNT_OR_AUTO, LIMIT(details), "auto", 1, 1000000,
			     .help = "auto, or the most details asked for in one sync, from 1 to 1000000" },
	[TENANT_BODY_BYTES] = { "limits", "body_bytes", SETTING_SIZE, LIMIT(body_bytes), "512MiB", 1 << 20,
				16ull << 30, .help = "the greatest answer that is taken, such as 512MiB" },
	[TENANT_HOST_BYTES] = { "limits", "host_bytes", SETTING_SIZE, LIMIT(host_bytes), "8MiB", 64 << 10,
				1 << 30, .help = "the greatest host that is taken, such as 8MiB" },
	[TENANT_FIRST_BYTE] = { "limits", "first_byte", SETTING_DURATION_MS, LIMIT(first_byte_ms), "60s", 1,
				3600,
				.help = "the longest wait for the first byte of an answer, such as 60s" },
	[TENANT_REQUEST] = { "limits", "request", SETTING_DURATION_MS, LIMIT(request_ms), "100s", 1, 3600,
			     .help = "the longest time for a whole request, such as 100s" },
};
const struct setting_table tenant_settings = { rows, TENANT_ROWS };
