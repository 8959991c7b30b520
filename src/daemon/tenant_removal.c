/* A tenant goes: first its sync, then its devices, slice by slice. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "daemon/tenants_state.h"
#include "store/upkeep.h"

#include <stdio.h>

struct tenant_removal {
	struct tenant_removal *next;
	struct tenants *all;
	struct tenant *tenant; /* until its sync has ended; else NULL */
	bool keep_devices;
	char name[STORE_NAME_MAX + 1];
	uint64_t devices;
	struct tenant_removal_events events;
	struct apply_remove job;
	struct timer *soon;
};

static void link_in(struct tenants *all, struct tenant_removal *r)
{
	r->all = all;
	r->next = all->removals.first;
	all->removals.first = r;
}

static void end(struct tenant_removal *r, int rc, const struct err *e)
{
	struct tenants *all = r->all;
	struct tenant_removal **at = &all->removals.first;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	log_event(rc ? LOG_ERROR : LOG_NOTICE, "daemon", rc ? "removal failed" : "tenant removed", "tenant",
		  LOG_S(r->name), "devices", LOG_I(r->devices), "text", LOG_S(rc ? e->text : ""));
	timer_free(r->soon);
	if (r->events.done)
		r->events.done(r->events.arg, rc, r->devices, e);
	mem_free(r);
	tenants_check_stopped(all);
}

static void on_slice(struct store_job *job, int rc)
{
	struct tenant_removal *r =
		(struct tenant_removal *)((char *)job - offsetof(struct tenant_removal, job));
	struct err e = job->err;
	r->devices += rc == OK ? r->job.devices : 0;
	if (rc == E_NOT_FOUND)
		rc = OK; /* it was never written */
	if (rc == OK && r->job.more && !r->all->stopping) {
		if (r->events.progress)
			r->events.progress(r->events.arg, r->devices);
		writer_submit(r->all->options.env->writer, &r->job.job);
		return;
	}
	if (rc == OK && r->job.more)
		rc = err_set(&e, E_CANCELLED,
			     "the daemon stops; the removal goes on when it is started again");
	end(r, rc, &e);
}

static void begin_slices(struct tenant_removal *r, uint32_t number)
{
	r->job.job = (struct store_job){ .run = apply_remove_run, .done = on_slice, .hosts = 500 };
	r->job.tenant = number;
	writer_submit(r->all->options.env->writer, &r->job.job);
}

static void on_soon(void *arg)
{
	struct tenant_removal *r = arg;
	struct tenant_row row;
	struct err e = { 0 };
	if (r->keep_devices || store_tenant_by_name(r->all->options.env->store, r->name, &row) != OK)
		end(r, OK, &e);
	else
		begin_slices(r, row.number);
}

void tenant_removal_goes_on(struct tenant *t)
{
	struct tenants *all = t->all;
	struct tenant_removal *r = t->removal;
	must(r && !t->sync);
	HASH_DEL(all->by_name, t);
	due_heap_set(&all->heap, &t->due, DUE_NEVER);
	tenant_count_not(t);
	tenant_tell(t, true);
	conf_tenant_release(t->conf);
	mem_free((char *)t->name);
	mem_free(t);
	r->tenant = NULL;
	timer_arm(r->soon, 0);
}

static struct tenant_removal *make(struct tenants *all, const char *name,
				   const struct tenant_removal_events *events)
{
	struct tenant_removal *r = mem_zalloc(sizeof(*r));
	if (r && timer_new(&r->soon, all->options.env->loop, on_soon, r) != OK) {
		mem_free(r);
		r = NULL;
	}
	if (!r)
		return NULL;
	snprintf(r->name, sizeof(r->name), "%s", name);
	if (events)
		r->events = *events;
	link_in(all, r);
	return r;
}

int tenants_remove(struct tenant *t, bool keep_devices, const struct tenant_removal_events *events,
		   struct err *e)
{
	if (t->removal)
		return err_set(e, E_LOCKED, "the tenant \"%s\" is being removed already", t->name);
	struct tenant_removal *r = make(t->all, t->name, events);
	if (!r)
		return err_set(e, E_NOMEM, "out of memory");
	r->tenant = t;
	r->keep_devices = keep_devices;
	t->removal = r;
	tenant_step(t, SCHEDULE_REMOVE, (struct schedule_facts){ 0 });
	return OK;
}

int tenants_remove_stored(struct tenants *all, const char *name, const struct tenant_removal_events *events,
			  struct err *e)
{
	if (tenants_removing(all, name))
		return err_set(e, E_LOCKED, "the tenant \"%s\" is being removed already", name);
	struct tenant_removal *r = make(all, name, events);
	if (!r)
		return err_set(e, E_NOMEM, "out of memory");
	timer_arm(r->soon, 0);
	return OK;
}

int tenants_removal_await(struct tenants *all, const char *name, const struct tenant_removal_events *events,
			  struct err *e)
{
	struct tenant_removal *r = all->removals.first;
	while (r && strcmp(r->name, name) != 0)
		r = r->next;
	if (!r)
		return err_set(e, E_NOT_FOUND, "the tenant \"%s\" is not being removed", name);
	if (r->events.done)
		return err_set(e, E_LOCKED, "somebody waits for the removal of the tenant \"%s\" already",
			       name);
	r->events = *events;
	return OK;
}

bool tenants_removing(const struct tenants *all, const char *name)
{
	for (const struct tenant_removal *r = all->removals.first; r; r = r->next)
		if (!strcmp(r->name, name))
			return true;
	return false;
}

/* ---- pausing ---- */

struct pause_job {
	struct apply_pause job;
	char name[STORE_NAME_MAX + 1];
};

static void on_paused(struct store_job *job, int rc)
{
	struct pause_job *p = (struct pause_job *)job;
	if (rc)
		log_event(LOG_ERROR, "daemon", "a pause will not outlast this process", "tenant",
			  LOG_S(p->name), "text", LOG_S(job->err.text));
	mem_free(p);
}

void tenant_pause(struct tenant *t, bool paused)
{
	struct tenant_row row;
	struct pause_job *p;
	tenant_step(t, paused ? SCHEDULE_PAUSE : SCHEDULE_RESUME, (struct schedule_facts){ 0 });
	if (store_tenant_by_name(t->all->options.env->store, t->name, &row) != OK ||
	    !(p = mem_zalloc(sizeof(*p))))
		return; /* it has no row before its first sync: a pause then lasts as long as the process */
	snprintf(p->name, sizeof(p->name), "%s", t->name);
	p->job = (struct apply_pause){ .job = { .run = apply_pause_run, .done = on_paused },
				       .tenant = row.number,
				       .paused = paused };
	writer_submit(t->all->options.env->writer, &p->job.job);
}
