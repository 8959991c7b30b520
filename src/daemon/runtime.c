#include "daemon/runtime.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "query/value.h"

#include <stdio.h>

enum { SECRETS_MAX = 2 << 20, HEADERS_MAX = 64 };

/* ---- secrets as text, in the form the keyring seals ---- */

/* The texts of the sealed JSON, unescaped into one buffer that is wiped. */
struct opened {
	struct buf text;
	size_t at[4 + HEADERS_MAX];
	const char *headers[HEADERS_MAX + 1];
	struct conf_secrets secrets;
};

static void opened_release(struct opened *o)
{
	if (o->text.data)
		explicit_bzero(o->text.data, o->text.cap);
	buf_release(&o->text);
}

static size_t take(struct opened *o, struct slice value)
{
	size_t at = o->text.len;
	if (!value.p || !value_text(&o->text, value))
		return SIZE_MAX;
	buf_putc(&o->text, '\0');
	return at;
}

static const char *text_at(const struct opened *o, size_t at)
{
	return at == SIZE_MAX ? NULL : o->text.data + at;
}

/* Room is reserved first, so that no copy of a secret is left behind by growing. */
static int open_secrets(struct opened *o, struct slice json)
{
	struct value_iter it;
	struct slice item;
	size_t count = 0;
	*o = (struct opened){ 0 };
	buf_init(&o->text, SECRETS_MAX);
	if (!buf_reserve(&o->text, json.n + 1))
		return E_NOMEM;
	size_t token = take(o, value_at(json, "token")), proxy = take(o, value_at(json, "proxy"));
	size_t ca = take(o, value_at(json, "ca_pem")), cert = take(o, value_at(json, "client_cert_pem"));
	size_t key = take(o, value_at(json, "client_key_pem"));
	if (value_open(&it, value_at(json, "headers")))
		while (count < HEADERS_MAX && value_next(&it, NULL, &item))
			o->at[count++] = take(o, item);
	if (o->text.failed)
		return o->text.failed;
	for (size_t i = 0; i < count; i++)
		o->headers[i] = text_at(o, o->at[i]);
	o->secrets = (struct conf_secrets){
		.token = text_at(o, token),
		.proxy = text_at(o, proxy),
		.headers = count ? o->headers : NULL,
		.ca_pem = text_at(o, ca),
		.client_cert_pem = text_at(o, cert),
		.client_key_pem = text_at(o, key),
	};
	return OK;
}

/* ---- loading ---- */

struct loading {
	struct service *s;
	const char *name;
	uint32_t at;
	struct err *e;
};

static void log_complaint(void *arg, const char *text)
{
	const struct loading *l = arg;
	log_event(LOG_ERROR, "daemon", "settings of a tenant", "tenant", LOG_S(l->name), "text", LOG_S(text));
}

static int load_one(void *arg, const struct keyring_tenant *k, const struct err *why)
{
	struct loading *l = arg;
	struct opened opened;
	const struct conf_tenant *conf = NULL;
	struct tenant *t;
	struct err e = { 0 };
	l->name = k->name;
	if (why) {
		log_event(LOG_ERROR, "daemon", "tenant left out", "tenant", LOG_S(k->name), "text",
			  LOG_S(why->text));
		return OK;
	}
	int rc = open_secrets(&opened, k->secrets);
	if (!rc)
		rc = conf_tenant_parse(&conf, l->s->conf, k->settings.p, k->settings.n, &opened.secrets,
				       log_complaint, l);
	opened_release(&opened);
	if (!rc)
		rc = tenants_add(l->s->tenants, TENANT_OF_RUNTIME, conf,
				 schedule_slot_ms(l->at++, 1000, conf->interval_s * 1000), &t, &e);
	if (!rc)
		t->added_at = k->created_at;
	else if (rc != E_NOMEM)
		log_event(LOG_ERROR, "daemon", "tenant left out", "tenant", LOG_S(k->name), "text",
			  LOG_S(e.text[0] ? e.text : "its settings are not usable"));
	conf_tenant_release(conf);
	return rc == E_NOMEM ? rc : OK;
}

int runtime_load(struct service *s, struct err *e)
{
	struct loading l = { .s = s, .e = e };
	return keyring_each(s->keyring, load_one, &l, e);
}
