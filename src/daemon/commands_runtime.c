/* Tenants that come and change while the daemon runs, and their master key. */
#include "base/mem.h"
#include "conf/plan.h"
#include "daemon/commands.h"
#include "daemon/runtime_secrets.h"
#include "daemon/tenant_change.h"
#include "query/value.h"

#include <stdio.h>

enum { SETTINGS_MAX = 256 << 10 };

#define SECRET_OPTIONS                                                                                       \
	{ "token", "TOKEN", "the API token of a Fleet user", false },                                        \
		{ "ca", "PEM", "certificate authorities to trust in place of the system's", false },         \
		{ "cert", "PEM", "the client certificate", false },                                          \
		{ "key", "PEM", "the client certificate's key", false },                                     \
		{ "header", "LINE", "\"Name: value\", sent with every request", true },                      \
	{                                                                                                    \
		"proxy", "URL", "the address of a proxy that holds a password", false                        \
	}
const struct admin_option add_options[] = {
	{ "url", "URL", "the address of the Fleet server", false },
	SECRET_OPTIONS,
	{ "set", "JSON", "a map of settings, as in the configuration file", false },
	{ "no-check", NULL, "without trying the connection", false },
	{ NULL, NULL, NULL, false },
};
const struct admin_option set_options[] = {
	{ "set", "JSON", "a map of settings; null takes one back to its default", false },
	SECRET_OPTIONS,
	{ NULL, NULL, NULL, false },
};
const struct admin_option rotate_options[] = {
	{ "token", "TOKEN", "the new API token", false },
	{ "no-check", NULL, "without trying the connection", false },
	{ NULL, NULL, NULL, false },
};

static void on_gone(struct admin_call *call)
{
	change_cancel(call->state);
}

/* ---- the settings to be ---- */

struct complaints {
	struct admin_call *call;
	const char *name;
	char first[300];
	unsigned count;
};

static void on_complaint(void *arg, const char *text)
{
	struct complaints *c = arg;
	struct buf b;
	command_row(&b);
	json_word(&b, "what", "complaint");
	json_word(&b, "name", c->name);
	json_word(&b, "text", text);
	command_send(c->call, &b);
	if (!c->count++)
		snprintf(c->first, sizeof(c->first), "%s", text);
}

static int parse(struct tenant_change *c, struct admin_call *call, struct slice settings,
		 const struct conf_secrets *secrets, struct err *e)
{
	struct complaints all = { .call = call, .name = c->name };
	int rc = conf_tenant_parse(&c->conf, c->s->conf, settings.p, settings.n, secrets, on_complaint, &all);
	if (rc == E_CONFIG)
		return err_set(e, rc, "nothing was changed: %s%s", all.first,
			       all.count > 1 ? ", and more" : "");
	if (rc)
		return err_set(e, rc, "nothing was changed: %s", err_meaning(rc));
	if (strcmp(c->conf->name, c->name) != 0)
		return err_set(e, E_CONFIG, "a tenant's name cannot be changed; add \"%s\" and remove \"%s\"",
			       c->conf->name, c->name);
	return OK;
}

/* What the options give takes the place of what there was; an empty text takes it
 * out. `headers` has room for all of them. */
static int take_options(struct conf_secrets *s, const char **headers, const struct admin_call *call,
			struct err *e)
{
	struct {
		const char *name, **to;
	} one[] = { { "token", &s->token },
		    { "ca", &s->ca_pem },
		    { "cert", &s->client_cert_pem },
		    { "key", &s->client_key_pem },
		    { "proxy", &s->proxy } };
	size_t n = 0, given = 0;
	const char *value;
	for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++)
		if ((value = admin_value(call, one[i].name)))
			*one[i].to = *value ? value : NULL;
	for (; (value = admin_value_at(call, "header", given)); given++)
		if (*value && n < RUNTIME_HEADERS_MAX)
			headers[n++] = value;
		else if (*value)
			return err_set(e, E_CONFIG, "there are more than %d headers; send fewer",
				       RUNTIME_HEADERS_MAX);
	headers[n] = NULL;
	if (given)
		s->headers = n ? headers : NULL;
	return OK;
}

/* ---- answers ---- */

static void warn(struct buf *b, const char *fmt, const char *a, const char *c)
{
	char text[600];
	snprintf(text, sizeof(text), fmt, a, c);
	json_text(b, slice_of(text));
}

static void warnings(struct buf *b, const struct tenant_change *c)
{
	const struct check_result *r = &c->result;
	json_k(b, "warnings");
	json_open(b, '[');
	for (struct tenant *t = NULL; (t = tenants_next(c->s->tenants, t));)
		if (strcmp(t->name, c->name) != 0 && strcmp(t->conf->url, c->conf->url) == 0)
			warn(b,
			     "the tenant \"%s\" has the server %s already; remove one of them, unless their "
			     "tokens see different hosts",
			     t->name, t->conf->url);
	if (c->checked && r->warning[0])
		json_text(b, slice_of(r->warning));
	if (c->checked && r->counted && !r->hosts)
		warn(b, "the server shows this token no hosts; %s%s",
		     r->server.scope == SCOPE_TEAMS
			     ? "it sees only those of its teams: give its user the global role observer"
			     : "enroll some, or check that this is the right server",
		     "");
	json_close(b, ']');
}

/* What the check saw; null where there was none. */
static void server_row(struct admin_call *call, const struct tenant_change *c)
{
	const struct check_result *r = &c->result;
	struct buf b;
	command_row(&b);
	json_word(&b, "tenant", c->name);
	json_word(&b, "version", c->checked ? r->server.version : NULL);
	json_word(&b, "role", c->checked ? r->server.role : NULL);
	json_word(&b, "tier", c->checked ? r->server.tier : NULL);
	json_k(&b, "hosts");
	if (c->checked && r->counted)
		json_int(&b, (int64_t)r->hosts);
	else
		json_null(&b);
	warnings(&b, c);
	command_send(call, &b);
}

static void set_row(struct admin_call *call, struct tenant_change *c)
{
	struct buf b;
	const char *at = buf_cstr(&c->changed);
	command_row(&b);
	json_word(&b, "tenant", c->name);
	json_k(&b, "changed");
	json_open(&b, '[');
	while (*at) {
		size_t n = strcspn(at, ",");
		json_text(&b, (struct slice){ at, (uint32_t)n });
		at += n + strspn(at + n, ", ");
	}
	json_close(&b, ']');
	json_k(&b, "new_baseline");
	json_bool(&b, c->new_baseline);
	warnings(&b, c);
	command_send(call, &b);
}

/* Those that carry the token have a check to tell of. */
static void on_ended(struct tenant_change *c, int rc, const struct err *e)
{
	struct admin_call *call = c->arg;
	if (rc == OK && call->command->run == command_tenant_set)
		set_row(call, c);
	else if (rc == OK)
		server_row(call, c);
	struct err why = *e;
	change_free(c);
	admin_end(call, rc, rc ? why.text : NULL);
}

/* `rc` is how making it ended. */
static void start(struct admin_call *call, struct tenant_change *c, int rc, struct err *e)
{
	if (!rc) {
		c->ended = on_ended;
		c->arg = call;
		call->state = c;
		rc = change_start(c, e);
	}
	if (!rc) {
		admin_on_gone(call, on_gone);
		return;
	}
	if (c)
		change_free(c);
	admin_end(call, rc, e->text);
}

/* ---- add ---- */

static int name_is_free(struct service *s, const char *name, struct err *e)
{
	struct tenant *t = tenants_find(s->tenants, name);
	struct tenant_row row;
	if (t && t->source == TENANT_OF_FILE)
		return err_set(
			e, E_CONFLICT,
			"the name \"%s\" is taken by the tenant in \"%.200s\", line %u; choose another", name,
			t->conf->file ? t->conf->file : s->conf->file, t->conf->line);
	if (t && !t->removal)
		return err_set(e, E_CONFLICT,
			       "the name \"%s\" is taken by a tenant that was added at run time; choose "
			       "another, or \"tenant set\" changes it",
			       name);
	if (tenants_removing(s->tenants, name))
		return err_set(e, E_LOCKED,
			       "an earlier tenant \"%s\" is still being removed; wait until it is gone",
			       name);
	if (store_tenant_by_name(s->env.store, name, &row) == OK)
		return err_set(e, E_CONFLICT,
			       "the name \"%s\" is taken: the store has %llu devices of an earlier tenant; "
			       "\"tenant remove %s --yes\" removes them",
			       name, (unsigned long long)row.devices, name);
	return OK;
}

/* Name and address stand before what --set says of them. */
static int added_settings(struct admin_call *call, struct buf *out, struct err *e)
{
	const char *url = admin_value(call, "url"), *set = admin_value(call, "set");
	struct buf own;
	if (!url)
		return err_set(e, E_CONFIG, "say which server: --url URL");
	buf_init(&own, SETTINGS_MAX);
	json_open(&own, '{');
	json_word(&own, "name", call->words[0]);
	json_word(&own, "url", url);
	json_close(&own, '}');
	set = set ? set : "{}";
	int rc = own.failed ? err_set(e, own.failed, "the address is too long")
			    : conf_tenant_set(set, strlen(set), own.data, own.len, out, e);
	buf_release(&own);
	return rc;
}

static int make_added(struct tenant_change *c, struct admin_call *call, struct err *e)
{
	const char *headers[RUNTIME_HEADERS_MAX + 1];
	struct conf_secrets secrets = { 0 };
	struct buf settings;
	buf_init(&settings, SETTINGS_MAX);
	int rc = added_settings(call, &settings, e);
	if (!rc)
		rc = take_options(&secrets, headers, call, e);
	if (!rc)
		rc = parse(c, call, buf_slice(&settings), &secrets, e);
	buf_release(&settings);
	c->kind = CHANGE_ADD;
	c->with_check = !admin_flag(call, "no-check");
	return rc;
}

void command_tenant_add(struct admin_call *call)
{
	struct service *s = command_service(call);
	struct tenant_change *c;
	struct err e = { 0 };
	int rc = change_new(&c, s, call->words[0], &e);
	if (!rc)
		rc = name_is_free(s, c->name, &e);
	if (!rc)
		rc = make_added(c, call, &e);
	start(call, c, rc, &e);
}

/* ---- set and rotate-token ---- */

/* A token and secret headers are for one server: another needs them again. */
static int check_server(struct tenant_change *c, struct admin_call *call, const struct tenant *t,
			struct err *e)
{
	struct conf_secrets before;
	conf_tenant_secrets(t->conf, &before);
	c->new_baseline = !plan_same_server(t->conf->url, c->conf->url);
	if (!c->new_baseline)
		return OK;
	if (!admin_value(call, "token"))
		return err_set(e, E_CONFIG,
			       "the token of \"%s\" was given for %s; another server needs --token again",
			       c->name, t->conf->url);
	if (before.headers && !admin_value(call, "header"))
		return err_set(
			e, E_CONFIG,
			"the headers of \"%s\" were given for %s; another server needs --header again, "
			"or --header \"\" for none",
			c->name, t->conf->url);
	return OK;
}

/* Merges --set into what was said; of a proxy with a password the password stays
 * as long as the address does. */
static int set_settings(struct admin_call *call, const struct tenant *t, struct conf_secrets *secrets,
			struct buf *out, struct err *e)
{
	const char *set = admin_value(call, "set");
	struct buf was;
	buf_init(&was, SETTINGS_MAX);
	conf_tenant_json(t->conf, CONF_OWN, &was);
	set = set ? set : "{}";
	int rc = was.failed ? err_set(e, was.failed, "the settings of \"%s\" cannot be read", t->name)
			    : conf_tenant_set(was.data, was.len, set, strlen(set), out, e);
	if (!rc && !slice_eq(value_at(buf_slice(&was), "proxy"), value_at(buf_slice(out), "proxy")))
		secrets->proxy = NULL;
	buf_release(&was);
	return rc;
}

static int make_changed(struct tenant_change *c, struct admin_call *call, const struct tenant *t, bool all,
			struct err *e)
{
	const char *headers[RUNTIME_HEADERS_MAX + 1], *token = admin_value(call, "token");
	struct conf_secrets secrets;
	struct buf settings;
	int rc = OK;
	buf_init(&settings, SETTINGS_MAX);
	conf_tenant_secrets(t->conf, &secrets);
	if (all)
		rc = set_settings(call, t, &secrets, &settings, e);
	else
		conf_tenant_json(t->conf, CONF_OWN, &settings);
	if (!rc && all)
		rc = take_options(&secrets, headers, call, e);
	else
		secrets.token = token;
	if (!rc)
		rc = parse(c, call, buf_slice(&settings), &secrets, e);
	buf_release(&settings);
	if (!rc)
		rc = check_server(c, call, t, e);
	if (rc)
		return rc;
	c->kind = CHANGE_SET;
	c->token_changed = strcmp(c->conf->token, t->conf->token) != 0;
	plan_tenant(t->conf, c->conf, &c->changed);
	return c->changed.failed ? err_set(e, c->changed.failed, "out of memory") : OK;
}

static void refuse_of_file(struct admin_call *call, const struct tenant *t)
{
	struct service *s = command_service(call);
	struct err e;
	err_set(&e, E_CONFLICT,
		"the tenant \"%s\" stands in \"%.200s\", line %u: change it there, then \"reload\"", t->name,
		t->conf->file ? t->conf->file : s->conf->file, t->conf->line);
	admin_end(call, E_CONFLICT, e.text);
}

static void change(struct admin_call *call, bool all)
{
	struct service *s = command_service(call);
	struct tenant *t = command_tenant(call, 0);
	struct tenant_change *c;
	struct err e = { 0 };
	int rc;
	if (!t)
		return;
	if (t->source == TENANT_OF_FILE) {
		refuse_of_file(call, t);
		return;
	}
	rc = change_new(&c, s, t->name, &e);
	if (!rc && t->removal)
		rc = err_set(&e, E_LOCKED, "the tenant \"%s\" is being removed", t->name);
	if (!rc)
		rc = make_changed(c, call, t, all, &e);
	if (!rc)
		c->with_check = !all && !admin_flag(call, "no-check");
	start(call, c, rc, &e);
}

void command_tenant_set(struct admin_call *call)
{
	static const char *const names[] = { "set", "token", "ca", "cert", "key", "header", "proxy" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (admin_value(call, names[i])) {
			change(call, true);
			return;
		}
	admin_end(call, E_CONFIG, "say what is to change: --set with a map of settings, or another option");
}

void command_tenant_rotate_token(struct admin_call *call)
{
	if (admin_value(call, "token"))
		change(call, false);
	else
		admin_end(call, E_CONFIG, "say the new token: --token TOKEN");
}

/* ---- the master key ---- */

struct rotation {
	struct keyring_job job; /* first */
	struct admin_call *call;
	uint64_t sealed;
	char id[KEY_ID_TEXT_BYTES];
};

static int count_one(void *arg, const struct keyring_tenant *t, const struct err *why)
{
	struct rotation *r = arg;
	(void)t;
	r->sealed += !why;
	return OK;
}

static int run_rotation(struct keyring_job *job, struct keyring *k)
{
	struct rotation *r = (struct rotation *)job;
	int rc = keyring_rotate(k, &job->err);
	struct key_id id = keyring_key_id(k);
	key_id_text(&id, r->id);
	return rc ? rc : keyring_each(k, count_one, r, &job->err);
}

static void on_rotated(struct keyring_job *job)
{
	struct rotation *r = (struct rotation *)job;
	struct admin_call *call = r->call;
	struct err e = job->err;
	int rc = job->rc;
	struct buf b;
	if (rc == OK) {
		command_row(&b);
		json_word(&b, "key_id", r->id);
		json_count(&b, "sealed", r->sealed);
		command_send(call, &b);
	}
	mem_free(r);
	admin_end(call, rc, rc ? e.text : NULL);
}

void command_secrets_rotate(struct admin_call *call)
{
	struct service *s = command_service(call);
	struct rotation *r;
	struct err e;
	if (!s->keyring_line.keyring) {
		admin_end(call, E_CONFIG,
			  "there are no secrets: no master key is configured in secrets.key_file");
		return;
	}
	if (!(r = mem_zalloc(sizeof(*r)))) {
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	r->call = call;
	r->job.run = run_rotation;
	r->job.done = on_rotated;
	int rc = keyring_line_add(&s->keyring_line, &r->job, &e);
	if (rc) {
		mem_free(r);
		admin_end(call, rc, e.text);
	}
}
