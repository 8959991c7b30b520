#include "daemon/tenant_change.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/runtime_secrets.h"

#include <stdio.h>

enum { SETTINGS_MAX = 256 << 10, NAMES_MAX = 64 << 10 };

int change_new(struct tenant_change **out, struct service *s, const char *name, struct err *e)
{
	struct tenant_change *c;
	*out = NULL;
	if (!s->keyring_line.keyring)
		return err_set(e, E_CONFIG,
			       "no secrets can be kept, because no master key is configured; set "
			       "secrets.key_file in \"%s\" and start the daemon again",
			       s->conf->file);
	LIST_FOREACH(c, &s->changes, link)
	if (!strcmp(c->name, name))
		return err_set(e, E_LOCKED,
			       "another command is changing the tenant \"%s\"; wait until it has ended",
			       name);
	if (!(c = mem_zalloc(sizeof(*c))))
		return err_set(e, E_NOMEM, "out of memory");
	c->s = s;
	snprintf(c->name, sizeof(c->name), "%s", name);
	buf_init(&c->changed, NAMES_MAX);
	buf_init(&c->settings, SETTINGS_MAX);
	LIST_INSERT_HEAD(&s->changes, c, link);
	*out = c;
	return OK;
}

void change_free(struct tenant_change *c)
{
	LIST_REMOVE(c, link);
	conf_tenant_release(c->conf);
	buf_release(&c->changed);
	buf_release(&c->settings);
	wiped_release(&c->secrets);
	mem_free(c);
}

/* ---- it holds ---- */

static int run_forget(struct keyring_job *job, struct keyring *k)
{
	return keyring_remove(k, ((struct tenant_change *)job)->name, &job->err);
}

static void forgotten_again(struct keyring_job *job)
{
	struct tenant_change *c = (struct tenant_change *)job;
	if (job->rc)
		log_event(LOG_ERROR, "daemon", "a tenant that was refused is still in the keyring", "tenant",
			  LOG_S(c->name), "text", LOG_S(job->err.text));
	c->ended(c, c->why.code, &c->why);
}

/* The name was taken while its settings were being kept. */
static void take_back(struct tenant_change *c, const struct err *why)
{
	c->why = *why;
	c->job.run = run_forget;
	c->job.done = forgotten_again;
	if (keyring_line_add(&c->s->keyring_line, &c->job, &c->job.err) != OK)
		c->ended(c, why->code, why);
}

static int add(struct tenant_change *c, struct err *e)
{
	struct tenant *t;
	int rc = tenants_add(c->s->tenants, TENANT_OF_RUNTIME, c->conf, 0, &t, e);
	if (rc == OK)
		t->added_at = c->created_at;
	return rc;
}

static void on_old_removed(void *arg, int rc, uint64_t devices, const struct err *why)
{
	struct tenant_change *c = arg;
	struct err e = *why;
	(void)devices;
	if (rc == OK)
		rc = add(c, &e);
	else
		err_prefix(&e, "the new settings are kept, and hold after the devices of the old server are "
			       "gone, at the next start");
	c->ended(c, rc, &e);
}

static void unheard(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* The defaults may have changed since the settings were read. */
static void take_defaults(struct tenant_change *c)
{
	const struct conf_tenant *again = NULL;
	if (conf_tenant_again(&again, c->s->conf, c->conf, unheard, NULL) == OK) {
		conf_tenant_release(c->conf);
		c->conf = again;
	}
}

static void change_tenant(struct tenant_change *c)
{
	struct tenant *t = tenants_find(c->s->tenants, c->name);
	struct tenant_removal_events events = { NULL, on_old_removed, c };
	struct err e = { 0 };
	int rc = OK;
	if (!t)
		rc = err_set(&e, E_NOT_FOUND, "the tenant \"%s\" went away meanwhile", c->name);
	else if (c->new_baseline)
		rc = tenants_remove(t, false, &events, &e);
	else if (c->changed.len)
		tenant_configure(t, c->conf, c->token_changed, 0);
	else
		tenant_adopt(t, c->conf);
	if (rc || !c->new_baseline)
		c->ended(c, rc, &e);
}

static void on_kept(struct keyring_job *job)
{
	struct tenant_change *c = (struct tenant_change *)job;
	struct err e = job->err;
	int rc = job->rc;
	wiped_release(&c->secrets);
	if (rc == OK && c->s->state == SERVICE_DRAINING)
		rc = err_set(&e, E_CANCELLED, "the daemon stops; the settings are kept for its next start");
	if (rc) {
		c->ended(c, rc, &e);
		return;
	}
	take_defaults(c);
	if (c->kind == CHANGE_SET) {
		change_tenant(c);
		return;
	}
	rc = add(c, &e);
	if (rc)
		take_back(c, &e);
	else
		c->ended(c, OK, &e);
}

/* ---- keeping it ---- */

static int run_put(struct keyring_job *job, struct keyring *k)
{
	struct tenant_change *c = (struct tenant_change *)job;
	struct keyring_tenant t = {
		.name = c->name,
		.number = c->number,
		.created_at = c->created_at,
		.changed_at = clock_unix_s(),
		.settings = buf_slice(&c->settings),
		.secrets = buf_slice(&c->secrets),
	};
	return keyring_put(k, &t, &job->err);
}

static void note_origin(struct tenant_change *c)
{
	const struct tenant *t = tenants_find(c->s->tenants, c->name);
	struct tenant_row row;
	c->created_at = t ? t->added_at : clock_unix_s();
	if (t && !c->new_baseline && store_tenant_by_name(c->s->env.store, c->name, &row) == OK)
		c->number = row.number;
}

static int keep(struct tenant_change *c, struct err *e)
{
	struct conf_secrets secrets;
	note_origin(c);
	conf_tenant_json(c->conf, CONF_OWN, &c->settings);
	conf_tenant_secrets(c->conf, &secrets);
	int rc = c->settings.failed;
	if (!rc)
		rc = runtime_secrets_write(&secrets, &c->secrets);
	if (rc)
		return err_set(e, rc, "the settings of \"%s\" cannot be kept: %s", c->name, err_meaning(rc));
	c->job.run = run_put;
	c->job.done = on_kept;
	return keyring_line_add(&c->s->keyring_line, &c->job, e);
}

/* ---- trying it ---- */

static void on_checked(void *arg, const struct check_result *r)
{
	struct tenant_change *c = arg;
	struct err e = r->err;
	int rc = r->rc;
	c->check = NULL;
	c->result = *r;
	c->checked = rc == OK;
	if (!rc && (c->cancelled || c->s->state == SERVICE_DRAINING))
		rc = err_set(&e, E_CANCELLED, "nobody waits for it any more");
	if (!rc)
		rc = keep(c, &e);
	if (rc)
		c->ended(c, rc, &e);
}

static void on_forgotten(struct keyring_job *job)
{
	struct tenant_change *c = (struct tenant_change *)job;
	c->ended(c, job->rc, &job->err);
}

int change_start(struct tenant_change *c, struct err *e)
{
	if (c->kind == CHANGE_FORGET) {
		c->job.run = run_forget;
		c->job.done = on_forgotten;
		return keyring_line_add(&c->s->keyring_line, &c->job, e);
	}
	if (!c->with_check)
		return keep(c, e);
	return check_start(&c->check, &c->s->env, c->conf, &c->s->options->sync, on_checked, c, e);
}

void change_cancel(struct tenant_change *c)
{
	c->cancelled = true;
	if (c->check)
		check_cancel(c->check);
}
