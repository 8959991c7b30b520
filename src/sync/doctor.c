#include "sync/doctor_state.h"
#include "sync/tenant_origin.h"

#include "base/mem.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/utf8.h"
#include "sync/redact.h"

/* ---- its life ---- */

void doctor_cancel(struct doctor *d)
{
	if (d->exchange)
		http_cancel(d->exchange);
	if (d->reach)
		reach_cancel(d->reach);
	doctor_drop_answer(d);
	http_origin_free(d->origin);
	timer_free(d->timer);
	buf_release(&d->path);
	buf_release(&d->body);
	conf_tenant_release(d->conf);
	mem_free(d);
}

void doctor_finish(struct doctor *d)
{
	struct doctor_options o = d->o;
	enum doctor_verdict worst = d->worst;
	must(d->next == DOCTOR_STEPS);
	doctor_cancel(d);
	o.done(o.arg, worst);
}

/* ---- telling ---- */

/* Texts are cut at their buffer's end, possibly within a character. */
static void clean(struct doctor *d, char *text)
{
	size_t n = strlen(text);
	while (n && !utf8_valid(text, n))
		text[--n] = '\0';
	utf8_blank_controls(text);
	redact(text, d->conf->token);
	for (const char *const *h = d->conf->headers; h && *h; h++) {
		const char *value = strchr(*h, ':');
		redact(text, value ? value + 1 + strspn(value + 1, " ") : NULL);
	}
}

void doctor_tell(struct doctor *d, struct doctor_finding *f)
{
	must(f->step == d->next);
	d->next++;
	if (f->verdict > d->worst)
		d->worst = f->verdict;
	clean(d, f->saw);
	clean(d, f->remedy);
	d->o.found(d->o.arg, f);
}

/* The steps before `end` that are not told yet. */
void doctor_skip_to(struct doctor *d, enum doctor_step end, enum doctor_step needed)
{
	struct doctor_finding f;
	while (d->next < end) {
		doctor_skip(&f, d->next, needed);
		doctor_tell(d, &f);
	}
}

/* ---- the way ---- */

static void way_seen(void *arg, const struct reach_result *r)
{
	struct doctor *d = arg;
	struct doctor_finding f[4];
	unsigned n = doctor_see_way(f, d->conf, r, clock_unix_s());
	d->reach = NULL;
	d->wants_client = r->wants_client && !d->conf->client_cert && !d->conf->client_cert_pem;
	for (unsigned i = 0; i < n; i++)
		doctor_tell(d, &f[i]);
	if (f[n - 1].verdict == DOCTOR_FAILED) {
		doctor_skip_to(d, DOCTOR_STEPS, f[n - 1].step);
		doctor_finish(d);
	} else {
		doctor_ask_version(d);
	}
}

static void look_at_way(struct doctor *d)
{
	struct reach_options o = {
		.url = d->conf->url,
		.name = d->conf->name,
		.ca_file = d->conf->ca_file,
		.ca_pem = d->conf->ca_pem,
		.allow_private = d->conf->allow_private,
		.step_ms = DOCTOR_CONNECT_MS,
	};
	struct reach_result none = { .connected = -1 };
	if (reach_start(&d->reach, d->o.http, &o, way_seen, d, &none.resolve.err) != OK)
		way_seen(d, &none);
}

static void begin(struct doctor *d)
{
	struct doctor_finding f;
	int rc = tenant_origin_new(&d->origin, d->o.http, d->conf, &d->err);
	doctor_see_address(&f, d->conf, rc, &d->err);
	doctor_tell(d, &f);
	if (rc != OK) {
		doctor_skip_to(d, DOCTOR_STEPS, DOCTOR_ADDRESS);
		doctor_finish(d);
		return;
	}
	if (!d->conf->proxy) {
		look_at_way(d);
		return;
	}
	while (d->next < DOCTOR_FLEET) {
		doctor_skip_for_proxy(&f, d->next);
		doctor_tell(d, &f);
	}
	doctor_ask_version(d);
}

static void on_timer(void *arg)
{
	struct doctor *d = arg;
	if (d->question)
		doctor_not_asked(d);
	else
		begin(d);
}

int doctor_start(struct doctor **out, const struct doctor_options *o)
{
	struct doctor *d = mem_zalloc(sizeof(*d));
	*out = NULL;
	if (!d)
		return E_NOMEM;
	d->o = *o;
	buf_init(&d->path, 4096);
	buf_init(&d->body, DOCTOR_TEXT_BYTES);
	d->order = LIST_BY_ID;
	if (timer_new(&d->timer, o->loop, on_timer, d) != OK) {
		mem_free(d);
		return E_NOMEM;
	}
	d->conf = conf_tenant_hold(o->conf);
	timer_arm(d->timer, 0);
	*out = d;
	return OK;
}
