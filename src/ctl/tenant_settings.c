/* Commands that give the daemon a tenant, its token or other settings. Files are
 * read here and their contents sent: the daemon opens none that a command names. */
#include "base/json.h"
#include "base/utf8.h"
#include "ctl/command.h"
#include "ctl/link.h"
#include "ctl/secret.h"
#include "query/value.h"

enum { MORE_MAX = 16 << 20, SETTINGS_MAX = 1 << 20 };

/* ---- files ---- */

static int send_file(struct ctl *c, struct buf *more, const char *option, const char *path)
{
	struct buf text;
	if (!path)
		return OK;
	buf_init(&text, 2 * SECRET_MAX_BYTES);
	int rc = secret_read_file(&text, path, &c->err);
	if (!rc) {
		link_reserve(&text, 1);
		link_option(more, option, buf_cstr(&text));
	}
	link_wipe(&text);
	return rc;
}

static int send_token(struct ctl *c, struct buf *more)
{
	const struct ctl_options *o = &c->options;
	struct buf text;
	if (!(o->given & OPTION_TOKEN_STDIN))
		return send_file(c, more, "token", o->token_file);
	buf_init(&text, 2 * SECRET_MAX_BYTES);
	int rc = secret_read_input(&text, c->in, c->complaints, "API token", &c->err);
	if (!rc) {
		link_reserve(&text, 1);
		link_option(more, "token", buf_cstr(&text));
	}
	link_wipe(&text);
	return rc;
}

/* One a line. */
static int send_headers_of(struct ctl *c, struct buf *more, const char *path)
{
	struct buf text;
	buf_init(&text, 2 * SECRET_MAX_BYTES);
	int rc = secret_read_file(&text, path, &c->err);
	if (!rc)
		link_reserve(&text, 1);
	for (char *line = rc ? NULL : (char *)buf_cstr(&text); line;) {
		char *end = strchr(line, '\n');
		size_t n = end ? (size_t)(end - line) : strlen(line);
		line[n] = '\0';
		if (n && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n)
			link_option(more, "header", line);
		line = end ? end + 1 : NULL;
	}
	link_wipe(&text);
	return rc;
}

static int send_headers(struct ctl *c, struct buf *more)
{
	int rc = OK;
	for (size_t i = 0; i < c->options.header_count && !rc; i++) {
		const char *header = c->options.headers[i];
		if (*header == '@')
			rc = send_headers_of(c, more, header + 1);
		else
			link_option(more, "header", header);
	}
	return rc;
}

/* ---- settings ---- */

/* The members of the object that --set gives. */
static int given_members(struct ctl *c, struct buf *object)
{
	const char *text = c->options.set;
	struct value_iter it;
	struct slice all = slice_of(text);
	if (!text)
		return OK;
	while (all.n && strchr(" \t\r\n", all.p[all.n - 1]))
		all.n--;
	while (all.n && strchr(" \t\r\n", *all.p))
		all = (struct slice){ all.p + 1, all.n - 1 };
	if (all.n < 2 || all.p[all.n - 1] != '}' || !value_open(&it, all) || !it.object)
		return err_set(&c->err, E_CONFIG,
			       "\"--set\" wants an object of settings, such as {\"interval\":\"1h\"}");
	buf_add(object, all.p + 1, all.n - 2);
	return OK;
}

static int send_settings(struct ctl *c, struct buf *more, bool url)
{
	const struct ctl_options *o = &c->options;
	const struct {
		uint64_t bit;
		const char *name, *text; /* NULL: true */
	} rows[] = {
		{ url ? OPTION_URL : 0, "url", o->url },   { OPTION_INTERVAL, "interval", o->interval },
		{ OPTION_MAP_USERS, "map_users", NULL },   { OPTION_MAP_TEAMS, "map_teams", NULL },
		{ OPTION_ALLOW_HTTP, "allow_http", NULL }, { OPTION_ALLOW_PRIVATE, "allow_private", NULL },
	};
	struct buf object;
	buf_init(&object, SETTINGS_MAX);
	json_open(&object, '{');
	int rc = given_members(c, &object);
	while (object.len > 1 && strchr(" \t\r\n", object.data[object.len - 1]))
		object.len--;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!(o->given & rows[i].bit))
			continue;
		json_key(&object, rows[i].name, strlen(rows[i].name));
		if (rows[i].text)
			json_text(&object, slice_of(rows[i].text));
		else
			json_bool(&object, true);
	}
	json_close(&object, '}');
	if (!rc && object.failed)
		rc = err_set(&c->err, object.failed, "the settings are too long, or there is no memory");
	if (!rc && object.len > 2)
		link_option(more, "set", buf_cstr(&object));
	link_wipe(&object);
	return rc;
}

/* ---- the commands ---- */

static int check(struct ctl *c, bool add, bool set)
{
	const struct ctl_options *o = &c->options;
	bool file = o->given & OPTION_TOKEN_FILE, input = o->given & OPTION_TOKEN_STDIN;
	if (file && input)
		return err_set(&c->err, E_CONFIG,
			       "\"--token-file\" and \"--token-stdin\" exclude each other: give one of them");
	if (!set && !file && !input)
		return err_set(&c->err, E_CONFIG,
			       "no token is given: say where it is, --token-file FILE or --token-stdin");
	if (add && !o->url)
		return err_set(&c->err, E_CONFIG, "no address is given: --url URL");
	if (set && !(o->given & ~OPTIONS_COMMON))
		return err_set(&c->err, E_CONFIG,
			       "nothing is to be set: \"musterctl help tenant set\" lists "
			       "what can be");
	return OK;
}

/* Rows about a fault say what the error says again: they are for programs. */
static int print(void *arg, struct slice row)
{
	struct output *o = arg;
	return o->format == OUTPUT_JSON || value_at(row, "tenant").p ? output_row(o, row) : OK;
}

int command_tenant_settings(struct ctl *c)
{
	const struct ctl_options *o = &c->options;
	bool add = strcmp(c->command->name, "tenant add") == 0;
	bool set = strcmp(c->command->name, "tenant set") == 0;
	struct buf more;
	int rc = check(c, add, set);
	if (rc)
		return rc;
	buf_init(&more, MORE_MAX);
	if (add)
		link_option(&more, "url", o->url);
	rc = send_token(c, &more);
	rc = rc ? rc : send_file(c, &more, "ca", o->ca_file);
	rc = rc ? rc : send_file(c, &more, "cert", o->cert_file);
	rc = rc ? rc : send_file(c, &more, "key", o->key_file);
	rc = rc ? rc : send_headers(c, &more);
	rc = rc ? rc : send_settings(c, &more, set);
	rc = rc ? rc : more.failed;
	if (!rc)
		rc = output_begin(&c->output, c->command->view);
	if (!rc)
		rc = source_ask_daemon(c, &more, print, &c->output);
	link_wipe(&more);
	int end = output_end(&c->output);
	return ctl_failed(c, rc ? rc : end, "the command");
}
