#include "base/clock.h"
#include "base/mem.h"
#include "daemon/commands.h"
#include "daemon/tenant_change.h"

#include <stdio.h>

const struct admin_option remove_options[] = {
	{ "yes", NULL, "this is meant", false },
	{ "keep-devices", NULL, "the devices stay in the store, and are no longer followed", false },
	{ NULL, NULL, NULL, false },
};

static int64_t next_sync(const struct tenant *t)
{
	if (t->schedule.next_ms == SCHEDULE_NEVER)
		return 0;
	return clock_unix_s() + (t->schedule.next_ms - clock_mono_ms()) / 1000;
}

static const char *state_of(const struct tenant *t)
{
	return t->removal ? "removing" : schedule_state_name(t->schedule.state);
}

static void short_members(struct buf *b, const struct tenant *t, const struct tenant_row *row)
{
	json_word(b, "tenant", t->name);
	json_word(b, "source", tenant_source_name(t->source));
	json_word(b, "url", t->conf->url);
	json_word(b, "state", state_of(t));
	json_when(b, "next_sync", next_sync(t));
	json_count(b, "devices", row ? row->devices : 0);
	json_when(b, "last_ok", row ? row->sync_ok_at : 0);
	json_word(b, "error", row && row->sync_result ? row->sync_text : NULL);
}

/* ---- list ---- */

/* Tenants of the store that nobody configures any more stand in the list, too. */
struct stored_only {
	struct admin_call *call;
	struct service *s;
};

static int list_stored(void *arg, const struct tenant_row *row)
{
	struct stored_only *o = arg;
	struct buf b;
	if (tenants_find(o->s->tenants, row->name))
		return OK;
	command_row(&b);
	json_word(&b, "tenant", row->name);
	json_word(&b, "source", "store");
	json_word(&b, "url", row->url);
	json_word(&b, "state", row->removing ? "removing" : "not configured");
	json_when(&b, "next_sync", 0);
	json_count(&b, "devices", row->devices);
	json_when(&b, "last_ok", row->sync_ok_at);
	json_word(&b, "error", NULL);
	command_send(o->call, &b);
	return OK;
}

void command_tenant_list(struct admin_call *call)
{
	struct service *s = command_service(call);
	struct stored_only o = { call, s };
	struct tenant_row row;
	struct buf b;
	for (struct tenant *t = NULL; (t = tenants_next(s->tenants, t));) {
		bool stored = store_tenant_by_name(s->env.store, t->name, &row) == OK;
		command_row(&b);
		short_members(&b, t, stored ? &row : NULL);
		command_send(call, &b);
	}
	int rc = store_tenants(s->env.store, list_stored, &o);
	admin_end(call, rc, NULL);
}

/* ---- show ---- */

static void server_members(struct buf *b, const struct tenant *t, const struct tenant_row *row)
{
	json_k(b, "server");
	json_open(b, '{');
	json_word(b, "version", row->server_version);
	json_word(b, "role", row->role);
	json_word(b, "tier", row->tier);
	json_when(b, "certificate_expires", t->last.certificate_expires);
	json_close(b, '}');
}

static void sync_members(struct buf *b, const struct tenant *t, const struct tenant_row *row)
{
	json_k(b, "sync");
	json_open(b, '{');
	json_word(b, "result",
		  !row->sync_ended_at      ? "never"
		  : row->sync_result == OK ? "ok"
					   : err_name(row->sync_result));
	json_word(b, "text", row->sync_text);
	json_when(b, "begun", row->sync_begun_at);
	json_when(b, "ended", row->sync_ended_at);
	json_when(b, "last_ok", row->sync_ok_at);
	json_count(b, "took_ms", t->last.took_ms);
	json_close(b, '}');
}

static void total_members(struct buf *b, const struct tenant *t)
{
	const struct tenant_totals *sum = &t->totals;
	json_k(b, "counts");
	json_open(b, '{');
	json_count(b, "syncs_ok", sum->syncs_ok);
	json_count(b, "syncs_failed", sum->syncs_failed);
	json_count(b, "requests", sum->requests);
	json_count(b, "retries", sum->retries);
	json_count(b, "bytes", sum->bytes);
	json_count(b, "created", sum->created);
	json_count(b, "changed", sum->changed);
	json_count(b, "deleted", sum->deleted);
	json_close(b, '}');
}

void command_tenant_show(struct admin_call *call)
{
	struct service *s = command_service(call);
	struct tenant *t = command_tenant(call, 0);
	struct tenant_row row = { 0 };
	struct buf b, settings;
	if (!t)
		return;
	store_tenant_by_name(s->env.store, t->name, &row);
	buf_init(&settings, 256 << 10);
	conf_tenant_json(t->conf, CONF_ALL, &settings);
	command_row(&b);
	short_members(&b, t, &row);
	json_k(&b, "settings");
	buf_add(&b, settings.data, settings.len);
	buf_release(&settings);
	server_members(&b, t, &row);
	sync_members(&b, t, &row);
	json_k(&b, "schedule");
	json_open(&b, '{');
	json_word(&b, "state", state_of(t));
	json_count(&b, "failures", t->schedule.failures);
	json_word(&b, "breaker", schedule_breaker_open(&t->schedule) ? "open" : "closed");
	json_when(&b, "next_sync", next_sync(t));
	json_close(&b, '}');
	total_members(&b, t);
	json_k(&b, "from");
	json_open(&b, '{');
	json_word(&b, "file", t->conf->file);
	json_count(&b, "line", t->conf->line);
	json_when(&b, "added", t->source == TENANT_OF_RUNTIME ? t->added_at : 0);
	json_close(&b, '}');
	command_send(call, &b);
	admin_end(call, OK, NULL);
}

/* ---- pause and resume ---- */

static void set_pause(struct admin_call *call, bool paused)
{
	struct tenant *t = command_tenant(call, 0);
	struct buf b;
	if (!t)
		return;
	tenant_pause(t, paused);
	command_row(&b);
	json_word(&b, "tenant", t->name);
	json_word(&b, "state", state_of(t));
	command_send(call, &b);
	admin_end(call, OK, NULL);
}

void command_tenant_pause(struct admin_call *call)
{
	set_pause(call, true);
}

void command_tenant_resume(struct admin_call *call)
{
	set_pause(call, false);
}

/* ---- remove ---- */

static void on_progress(void *arg, uint64_t devices)
{
	struct admin_call *call = arg;
	struct buf b;
	if (admin_full(call))
		return;
	command_row(&b);
	json_count(&b, "removed", devices);
	command_send(call, &b);
}

static void on_removed(void *arg, int rc, uint64_t devices, const struct err *e)
{
	struct admin_call *call = arg;
	json_count(admin_members(call), "devices", devices);
	admin_end(call, rc, rc ? e->text : NULL);
}

/* `forgotten`: the keyring had it, too. */
static void remove_devices(struct admin_call *call, const char *name, bool forgotten)
{
	struct service *s = command_service(call);
	struct tenant *t = tenants_find(s->tenants, name);
	struct tenant_removal_events events = { on_progress, on_removed, call };
	struct tenant_row row = { 0 };
	struct err e = { 0 };
	int rc = OK;
	if (t && t->source == TENANT_OF_RUNTIME)
		rc = tenants_remove(t, admin_flag(call, "keep-devices"), &events, &e);
	else if (!t && store_tenant_by_name(s->env.store, name, &row) == OK &&
		 !admin_flag(call, "keep-devices"))
		rc = tenants_remove_stored(s->tenants, name, &events, &e);
	else if (forgotten)
		on_removed(call, OK, 0, &e);
	else if (row.number)
		rc = err_set(&e, E_CONFIG, "only the devices of \"%s\" are left, and they are kept", name);
	else
		command_tenant(call, 0);
	if (rc)
		admin_end(call, rc, e.text);
}

static void on_forgotten(struct tenant_change *c, int rc, const struct err *why)
{
	struct admin_call *call = c->arg;
	struct service *s = c->s;
	struct err e = *why;
	change_free(c);
	if (!rc && s->state == SERVICE_DRAINING)
		rc = err_set(
			&e, E_CANCELLED,
			"the daemon stops; the tenant is gone, and \"tenant remove\" removes its devices "
			"when it is started again");
	if (rc && rc != E_NOT_FOUND)
		admin_end(call, rc, e.text);
	else
		remove_devices(call, call->words[0], rc == OK);
}

/* The keyring first: whatever happens then, its token does not come back. */
static void forget(struct admin_call *call, const char *name)
{
	struct tenant_change *c = NULL;
	struct err e = { 0 };
	int rc = change_new(&c, command_service(call), name, &e);
	if (!rc) {
		c->kind = CHANGE_FORGET;
		c->ended = on_forgotten;
		c->arg = call;
		rc = change_start(c, &e);
	}
	if (!rc)
		return;
	if (c)
		change_free(c);
	admin_end(call, rc, e.text);
}

void command_tenant_remove(struct admin_call *call)
{
	struct service *s = command_service(call);
	const char *name = call->words[0];
	struct tenant *t = tenants_find(s->tenants, name);
	struct err e = { 0 };
	int rc = OK;
	if (!admin_flag(call, "yes"))
		rc = err_set(&e, E_CONFIG, "nothing was removed: say --yes when all of \"%s\" is to go",
			     name);
	else if (t && t->source == TENANT_OF_FILE)
		rc = err_set(&e, E_CONFLICT,
			     "the tenant \"%s\" stands in \"%s\": take it out there, then \"reload\"", name,
			     t->conf->file ? t->conf->file : s->conf->file);
	if (rc)
		admin_end(call, rc, e.text);
	else if (s->keyring_line.keyring)
		forget(call, name);
	else
		remove_devices(call, name, false);
}
