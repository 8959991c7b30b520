/* One tenant's sync: its place in the line, its start and its end. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/tenants_state.h"

#include <stdio.h>

void tenant_into_line(struct tenant *t)
{
	if (t->in_line)
		return;
	TAILQ_INSERT_TAIL(&t->all->line, t, line);
	t->in_line = true;
	t->all->in_line++;
	tenants_start_more(t->all);
}

void tenant_out_of_line(struct tenant *t)
{
	if (!t->in_line)
		return;
	TAILQ_REMOVE(&t->all->line, t, line);
	t->in_line = false;
	t->all->in_line--;
}

static void add_totals(struct tenant *t, const struct sync_report *r)
{
	struct tenant_totals *sum = &t->totals;
	sum->syncs_ok += r->rc == OK;
	sum->syncs_cancelled += r->rc == E_CANCELLED;
	sum->syncs_failed += r->rc != OK && r->rc != E_CANCELLED;
	sum->requests += r->total.requests;
	sum->retries += r->total.retries;
	sum->bytes += r->total.bytes;
	sum->pages += r->total.pages;
	sum->hosts += r->total.hosts;
	sum->details += r->total.details;
	sum->details_failed += r->details_failed;
	sum->created += r->counts.created;
	sum->changed += r->counts.changed;
	sum->rejected += r->counts.rejected;
	sum->deleted += r->gone + r->counts.replaced;
}

static void note_last(struct tenant *t, const struct sync_report *r)
{
	struct tenant_last *last = &t->last;
	last->ended_at = clock_unix_s();
	last->begun_at = last->ended_at - r->took_ms / 1000;
	if (r->rc == OK)
		last->ok_at = last->ended_at;
	last->rc = r->rc;
	last->took_ms = r->took_ms;
	last->hosts = r->total.hosts;
	last->created = r->counts.created;
	last->changed = r->counts.changed;
	last->deleted = r->gone + r->counts.replaced;
	snprintf(last->text, sizeof(last->text), "%.*s", (int)sizeof(last->text) - 1,
		 r->rc != OK ? r->err.text : r->warning);
}

static bool moved_something(const struct sync_report *r)
{
	const struct apply_counts *c = &r->counts;
	return c->created || c->changed || c->revived || c->replaced || c->marked_missing || c->returned ||
	       c->volatile_only || r->gone || r->out_of_scope;
}

static void tell_log(const struct tenant *t, const struct sync_report *r)
{
	if (r->rc == OK)
		log_event(LOG_INFO, "daemon", "synced", "tenant", LOG_S(t->name), "hosts",
			  LOG_I(r->total.hosts), "created", LOG_I(r->counts.created), "changed",
			  LOG_I(r->counts.changed), "deleted", LOG_I(r->gone + r->counts.replaced), "took_ms",
			  LOG_I(r->took_ms));
	else
		log_event(r->rc == E_CANCELLED ? LOG_INFO : LOG_WARNING, "daemon", "sync failed", "tenant",
			  LOG_S(t->name), "reason", LOG_S(err_name(r->rc)), "text", LOG_S(r->err.text));
}

static void finish(struct tenant *t, const struct sync_report *r)
{
	struct schedule_facts facts = { .rc = r->rc, .retry_after_s = r->retry_after_s };
	add_totals(t, r);
	note_last(t, r);
	tell_log(t, r);
	if (t->all->ended)
		t->all->ended(t->all->ended_arg, t, r);
	if (moved_something(r))
		tenant_count(t);
	bool going = t->removal != NULL; /* then it is gone after the step */
	tenant_step(t,
		    r->rc == OK            ? SCHEDULE_SUCCEEDED
		    : r->rc == E_CANCELLED ? SCHEDULE_CANCELLED
					   : SCHEDULE_FAILED,
		    facts);
	/* when it is to run again at once, its end is not the one that is waited for */
	if (!going && !t->in_line)
		tenant_tell(t, false);
}

static void on_sync_done(void *arg, const struct sync_report *r)
{
	struct tenant *t = arg;
	struct tenants *all = t->all;
	struct sync_report report = *r;
	tenant_sync_free(t->sync);
	t->sync = NULL;
	conf_tenant_release(t->sync_conf);
	t->sync_conf = NULL;
	all->syncing--;
	finish(t, &report);
	tenants_start_more(all);
	tenants_check_stopped(all);
}

static void start_one(struct tenant *t)
{
	struct tenants *all = t->all;
	struct sync_options o = all->options.sync;
	struct sync_report failure = { .retry_after_s = -1 };
	o.interval_s = (uint32_t)t->conf->interval_s;
	o.spread_details = true;
	o.accept = t->accept;
	o.accept_count = t->accept_count;
	t->accept = false;
	failure.rc = tenant_sync_new(&t->sync, all->options.env, t->conf, &o, &failure.err);
	tenant_step(t, SCHEDULE_STARTED, (struct schedule_facts){ 0 });
	if (failure.rc) {
		t->sync = NULL;
		finish(t, &failure);
		return;
	}
	t->sync_conf = conf_tenant_hold(t->conf);
	all->syncing++;
	t->seen.attempt_at = clock_unix_s();
	tenant_sync_start(t->sync, on_sync_done, t);
}

void tenants_start_more(struct tenants *all)
{
	struct tenant *t;
	if (all->starting)
		return; /* a start that fails at once comes back here */
	all->starting = true;
	while (!all->stopping && all->syncing < all->syncs_max && (t = TAILQ_FIRST(&all->line))) {
		tenant_out_of_line(t);
		start_one(t);
	}
	all->starting = false;
}

void tenants_limit(struct tenants *all, size_t syncs)
{
	all->syncs_max = syncs;
	tenants_start_more(all);
}
