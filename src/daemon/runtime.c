#include "daemon/runtime.h"

#include "base/log.h"
#include "base/mem.h"
#include "conf/plan.h"
#include "daemon/runtime_secrets.h"

enum { NAMES_MAX = 64 << 10 };

/* ---- loading ---- */

struct loading {
	struct service *s;
	const char *name;
	uint32_t at;
};

/* Waits until the devices of the server that it had before are gone. */
struct waiting {
	struct service *s;
	const struct conf_tenant *conf;
	int64_t created_at;
};

static void left_out(const char *name, const char *why)
{
	log_event(LOG_ERROR, "daemon", "tenant left out", "tenant", LOG_S(name), "text", LOG_S(why));
}

static void log_complaint(void *arg, const char *text)
{
	const struct loading *l = arg;
	log_event(LOG_ERROR, "daemon", "settings of a tenant", "tenant", LOG_S(l->name), "text", LOG_S(text));
}

static int add(struct service *s, const struct conf_tenant *conf, int64_t created_at, uint32_t at)
{
	struct tenant *t;
	struct err e = { 0 };
	int rc = tenants_add(s->tenants, TENANT_OF_RUNTIME, conf,
			     schedule_slot_ms(at, 1000, conf->interval_s * 1000), &t, &e);
	if (rc == OK)
		t->added_at = created_at;
	else if (rc != E_NOMEM)
		left_out(conf->name, e.text);
	return rc == E_NOMEM ? rc : OK;
}

static void on_removed(void *arg, int rc, uint64_t devices, const struct err *e)
{
	struct waiting *w = arg;
	(void)devices;
	if (rc == OK && add(w->s, w->conf, w->created_at, 0) != OK)
		left_out(w->conf->name, "out of memory");
	else if (rc != OK && rc != E_CANCELLED)
		left_out(w->conf->name, e->text);
	conf_tenant_release(w->conf);
	mem_free(w);
}

/* A change of its server was cut off: its old devices are to go first. */
static bool has_devices_of_another(struct service *s, const struct conf_tenant *conf)
{
	struct tenant_row row;
	return store_tenant_by_name(s->env.store, conf->name, &row) == OK &&
	       (row.removing || (row.url[0] && !plan_same_server(row.url, conf->url)));
}

static int add_after_removal(struct service *s, const struct conf_tenant *conf, int64_t created_at)
{
	struct waiting *w = mem_zalloc(sizeof(*w));
	struct tenant_removal_events events = { NULL, on_removed, w };
	struct err e;
	int rc;
	if (!w)
		return E_NOMEM;
	*w = (struct waiting){ s, conf_tenant_hold(conf), created_at };
	if (tenants_removing(s->tenants, conf->name))
		rc = tenants_removal_await(s->tenants, conf->name, &events, &e);
	else
		rc = tenants_remove_stored(s->tenants, conf->name, &events, &e);
	if (rc) {
		left_out(conf->name, e.text);
		conf_tenant_release(conf);
		mem_free(w);
	}
	return rc == E_NOMEM ? rc : OK;
}

static int load_one(void *arg, const struct keyring_tenant *k, const struct err *why)
{
	struct loading *l = arg;
	struct runtime_secrets opened;
	const struct conf_tenant *conf = NULL;
	l->name = k->name;
	if (why) {
		left_out(k->name, why->text);
		return OK;
	}
	int rc = runtime_secrets_read(&opened, k->secrets);
	if (!rc)
		rc = conf_tenant_parse(&conf, l->s->conf, k->settings.p, k->settings.n, &opened.secrets,
				       log_complaint, l);
	runtime_secrets_release(&opened);
	if (rc) {
		left_out(k->name, "its settings are not usable");
		return rc == E_NOMEM ? rc : OK;
	}
	if (!tenants_find(l->s->tenants, k->name) && has_devices_of_another(l->s, conf))
		rc = add_after_removal(l->s, conf, k->created_at);
	else
		rc = add(l->s, conf, k->created_at, l->at++);
	conf_tenant_release(conf);
	return rc;
}

int runtime_load(struct service *s, struct err *e)
{
	struct loading l = { .s = s };
	return keyring_each(s->keyring_line.keyring, load_one, &l, e);
}

/* ---- other defaults ---- */

struct complaining {
	const struct runtime_telling *tell;
	const char *name;
};

static void on_complaint(void *arg, const char *text)
{
	const struct complaining *c = arg;
	c->tell->complaint(c->tell->arg, c->name, text);
}

static void take_defaults(struct tenant *t, const struct conf *now, const struct runtime_telling *tell)
{
	struct complaining c = { tell, t->name };
	const struct conf_tenant *conf = NULL;
	struct buf names;
	buf_init(&names, NAMES_MAX);
	int rc = conf_tenant_again(&conf, now, t->conf, on_complaint, &c);
	if (rc == E_NOMEM)
		on_complaint(&c, "out of memory: it keeps the settings that it had");
	if (!rc)
		plan_tenant(t->conf, conf, &names);
	if (names.len) {
		tell->changed(tell->arg, t->name, buf_cstr(&names));
		tenant_configure(t, conf, false, 0);
	}
	buf_release(&names);
	conf_tenant_release(conf);
}

void runtime_defaults(struct service *s, const struct conf *now, const struct runtime_telling *tell)
{
	for (struct tenant *t = NULL; (t = tenants_next(s->tenants, t));)
		if (t->source == TENANT_OF_RUNTIME && !t->removal)
			take_defaults(t, now, tell);
}
