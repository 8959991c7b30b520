#include "conf/settings.h"

#include "base/json.h"
#include "base/log.h"
#include "conf/listen.h"
#include "conf/path.h"

#include <ctype.h>

enum { GROUPS_MAX = 32, GROUP_MAX_BYTES = 32, CREDENTIAL_MAX_BYTES = 200 };

/* ---- secrets ---- */
static bool is_credential_name(struct slice name)
{
	for (uint32_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && !strchr("._-", name.p[i]))
			return false;
	return name.n > 0 && name.n <= CREDENTIAL_MAX_BYTES && name.p[0] != '.';
}

static void read_key_file(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct conf *c = into;
	struct slice text;
	if (!node_text(r, value, s->name, s->help, &text))
		return;
	if (text.n < 11 || memcmp(text.p, "credential:", 11) != 0)
		c->key_file = path_absolute(r, text);
	else if (is_credential_name((struct slice){ text.p + 11, text.n - 11 }))
		c->key_file = keep(r, text);
	else
		complain_node(r, value,
			      "\"%s\" is %s; write credential: and the name of a systemd credential, of "
			      "letters, digits, dot, - and _",
			      s->name, quote(text).text);
}

static void write_key_file(const void *from, struct buf *out)
{
	json_text(out, slice_of(((const struct conf *)from)->key_file));
}

/* ---- log ---- */
static const char *const levels[] = {
	[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",     NULL
};
static const char *const formats[] = { "text", "json", NULL };

static bool is_group_name(struct slice name)
{
	for (uint32_t i = 0; i < name.n; i++)
		if (!islower((unsigned char)name.p[i]) && name.p[i] != '_')
			return false;
	return name.n > 0 && name.n <= GROUP_MAX_BYTES;
}

static void complain_level(struct reading *r, const yaml_node_t *value, struct slice group,
			   struct slice level)
{
	const char *near = nearest(level, levels, sizeof(levels) / sizeof(levels[0]) - 1);
	if (near)
		complain_node(r, value, "the level of %s is %s; did you mean \"%s\"?", quote(group).text,
			      quote(level).text, near);
	else
		complain_node(r, value, "the level of %s is %s; write error, warning, notice, info or debug",
			      quote(group).text, quote(level).text);
}

/* False after a complaint. */
static bool read_group(struct reading *r, const struct setting *s, const yaml_node_pair_t *pair,
		       struct conf_log_group *out)
{
	yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
	yaml_node_t *value = yaml_document_get_node(r->document, pair->value);
	struct slice group, text;
	if (!node_text(r, key, s->name, s->help, &group) || !node_text(r, value, s->name, s->help, &text))
		return false;
	if (!is_group_name(group)) {
		complain_node(r, key,
			      "\"%s\" has the group %s; write the word that log lines have as their group, "
			      "such as sync",
			      s->name, quote(group).text);
		return false;
	}
	for (int i = 0; levels[i]; i++)
		if (slice_is(text, levels[i])) {
			*out = (struct conf_log_group){ keep(r, group), i };
			return out->group != NULL;
		}
	complain_level(r, value, group, text);
	return false;
}

static bool group_known(const struct conf_log_group *groups, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(groups[i].group, name) == 0)
			return true;
	return false;
}

static void read_groups(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct conf_log *log = &((struct conf *)into)->log;
	if (value->type != YAML_MAPPING_NODE) {
		complain_node(r, value, "\"%s\" is %s where a map is wanted; give %s", s->name,
			      node_kind(value), s->help);
		return;
	}
	yaml_node_pair_t *first = value->data.mapping.pairs.start;
	size_t count = (size_t)(value->data.mapping.pairs.top - first), n = 0;
	if (count > GROUPS_MAX) {
		complain_node(r, value, "\"%s\" has more than %d members; remove some", s->name, GROUPS_MAX);
		return;
	}
	struct conf_log_group *out = count ? keep_room(r, count * sizeof(*out)) : NULL;
	for (size_t i = 0; out && i < count && !reading_over(r); i++) {
		if (!read_group(r, s, &first[i], &out[n]))
			continue;
		if (group_known(out, n, out[n].group))
			complain_node(r, yaml_document_get_node(r->document, first[i].key),
				      "\"%s\" has \"%s\" twice; remove one of them", s->name, out[n].group);
		else
			n++;
	}
	log->groups = out;
	log->group_count = n;
}

static void write_groups(const void *from, struct buf *out)
{
	const struct conf_log *log = &((const struct conf *)from)->log;
	json_open(out, '{');
	for (size_t i = 0; i < log->group_count; i++) {
		json_key(out, log->groups[i].group, strlen(log->groups[i].group));
		json_text(out, slice_of(levels[log->groups[i].level]));
	}
	json_close(out, '}');
}

/* ---- the table ---- */
#define AT(member)        offsetof(struct conf, member)
#define AGE(least)        (least), 3650 * 86400ull
#define LIMIT(most_bytes) 1 << 20, (most_bytes)
static const struct setting rows[SETTING_ROWS] = {
	[SETTING_STORE] = { "", "store", SETTING_MAP, .help = "a map with the path of the store" },
	[SETTING_STORE_PATH] = { "store", "path", SETTING_PATH, AT(store_path), "./var/store",
				 .help = "the path of the store's folder", .restart = true },
	[SETTING_ADMIN] = { "", "admin", SETTING_MAP, .help = "a map with the admin socket" },
	[SETTING_ADMIN_SOCKET] = { "admin", "socket", SETTING_SOCKET, AT(admin_socket), "./var/admin.sock",
				   .help = "the path of the admin socket, or none", .restart = true },
	[SETTING_HTTP] = { "", "http", SETTING_MAP, .help = "a map with the address of the HTTP listener" },
	[SETTING_HTTP_LISTEN] = { "http", "listen", SETTING_OWN,
				  .help = "the address to listen on, such as 127.0.0.1:9418, or none",
				  .read = listen_read, .write = listen_write, .restart = true },
	[SETTING_SECRETS] = { "", "secrets", SETTING_MAP, .help = "a map with the master key's file" },
	[SETTING_KEY_FILE] = { "secrets", "key_file", SETTING_OWN,
			       .help = "the path of the master key's file, or credential:NAME",
			       .read = read_key_file, .write = write_key_file, .restart = true },
	[SETTING_DEFAULTS] = { "", "defaults", SETTING_LATER,
			       .help = "a map of settings for tenants that do not have their own" },
	[SETTING_LIMITS] = { "", "limits", SETTING_MAP, .help = "a map of limits" },
	[SETTING_TRANSFERS] = { "limits", "transfers", SETTING_COUNT, AT(limits.transfers), "256", 1, 4096,
				.help = "the most requests in flight, such as 256" },
	[SETTING_CONNECTIONS] = { "limits", "connections", SETTING_COUNT, AT(limits.connections), "512", 1,
				  65536, .help = "the most connections kept open, such as 512" },
	[SETTING_UNPROVEN_BYTES] = { "limits", "unproven_bytes", SETTING_SIZE, AT(limits.unproven_bytes),
				     "256MiB", LIMIT(64ull << 30),
				     .help = "the most memory for answers that are not complete, such as "
					     "256MiB" },
	[SETTING_RETENTION] = { "", "retention", SETTING_MAP, .help = "a map of what is kept how long" },
	[SETTING_TOMBSTONES] = { "retention", "tombstones", SETTING_AGE, AT(retention.tombstones_s), "90d",
				 AGE(86400), .help = "how long deleted devices are remembered, such as 90d" },
	[SETTING_CHANGES] = { "retention", "changes", SETTING_AGE, AT(retention.changes_s), "30d", AGE(3600),
			      .help = "how long changes are kept, such as 30d" },
	[SETTING_CHANGES_BYTES] = { "retention", "changes_bytes", SETTING_SIZE, AT(retention.changes_bytes),
				    "1GiB", LIMIT(1ull << 40),
				    .help = "how many bytes of changes are kept, such as 1GiB" },
	[SETTING_REJECTS] = { "retention", "rejects", SETTING_AGE, AT(retention.rejects_s), "7d", AGE(3600),
			      .help = "how long rejected hosts are kept, such as 7d" },
	[SETTING_AUDIT] = { "retention", "audit", SETTING_AGE, AT(retention.audit_s), "forever", AGE(86400),
			    .help = "how long the record of commands is kept, such as forever" },
	[SETTING_LOG] = { "", "log", SETTING_MAP, .help = "a map of level, format and groups" },
	[SETTING_LOG_LEVEL] = { "log", "level", SETTING_WORD, AT(log.level), "notice",
				.help = "error, warning, notice, info or debug", .words = levels },
	[SETTING_LOG_FORMAT] = { "log", "format", SETTING_WORD, AT(log.json), "text", .help = "text or json",
				 .words = formats },
	[SETTING_LOG_GROUPS] = { "log", "groups", SETTING_OWN,
				 .help = "a map of groups and their levels, such as {sync: debug}",
				 .read = read_groups, .write = write_groups },
	[SETTING_INCLUDE] = { "", "include", SETTING_LATER,
			      .help = "files with tenants, such as tenants.d/*.yaml, or a list of such" },
	[SETTING_TENANTS] = { "", "tenants", SETTING_LATER,
			      .help = "a list of 1 to 10000 tenants, each with name, url and token_file" },
};
const struct setting_table conf_settings = { rows, SETTING_ROWS };

void settings_check(struct reading *r, const struct conf *c, const struct setting_found *found)
{
	const struct setting_found *at = &found[SETTING_CONNECTIONS];
	if (c->limits.connections < c->limits.transfers)
		complain_node(r, at->value ? at->value : found[SETTING_TRANSFERS].value,
			      "\"connections\" is less than transfers; raise it, or lower transfers");
	if (found[SETTING_SECRETS].key && !found[SETTING_KEY_FILE].key)
		complain_node(r, found[SETTING_SECRETS].key, "\"secrets\" has no \"key_file\"; give %s",
			      rows[SETTING_KEY_FILE].help);
}
