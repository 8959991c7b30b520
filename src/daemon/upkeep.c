/* Retention: once an hour every tenant's old tombstones, changes and rejects are
 * dropped, one tenant after the other. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/service.h"
#include "store/upkeep.h"

#include <stdio.h>

enum { FIRST_MS = 60 * 1000, EVERY_MS = 3600 * 1000, RETRY_MS = 60 * 1000 };

struct upkeep {
	struct service *s;
	struct timer *timer;
	struct apply_retention job;
	bool busy, stopping;
	char name[STORE_NAME_MAX + 1]; /* of the tenant at hand, "" before the first */
	uint64_t dropped;
};

struct after {
	const char *name;
	struct tenant_row *row;
	bool found;
};

static int take_first_after(void *arg, const struct tenant_row *row)
{
	struct after *a = arg;
	if (row->removing || strcmp(row->name, a->name) <= 0)
		return OK;
	*a->row = *row;
	a->found = true;
	return 1;
}

static void next_tenant(struct upkeep *u)
{
	const struct conf_retention *r = &u->s->conf->retention;
	struct tenant_row row;
	struct after after = { u->name, &row, false };
	store_tenants(u->s->env.store, take_first_after, &after);
	if (u->stopping || !after.found) {
		if (u->dropped)
			log_event(LOG_INFO, "daemon", "old rows dropped", "rows", LOG_I(u->dropped));
		u->busy = false;
		u->name[0] = '\0';
		u->dropped = 0;
		if (!u->stopping)
			timer_arm(u->timer, EVERY_MS);
		return;
	}
	snprintf(u->name, sizeof(u->name), "%s", row.name);
	u->job.tenant = row.number;
	u->job.retention = (struct store_retention){ r->tombstones_s, r->changes_s, r->rejects_s };
	u->job.changes_over = 0;
	u->job.tombstones_from = 1;
	u->job.now = clock_unix_s();
	writer_submit(u->s->env.writer, &u->job.job);
}

static void on_slice(struct store_job *job, int rc)
{
	struct upkeep *u = (struct upkeep *)((char *)job - offsetof(struct upkeep, job));
	if (rc == OK) {
		u->dropped += u->job.dropped;
		if (u->job.more && !u->stopping) {
			u->job.changes_over = u->job.changes_left;
			u->job.tombstones_from = u->job.tombstones_next;
			writer_submit(u->s->env.writer, &u->job.job);
			return;
		}
	} else if (rc != E_NOT_FOUND) { /* else it was removed meanwhile */
		log_event(LOG_WARNING, "daemon", "retention failed", "tenant", LOG_S(u->name), "text",
			  LOG_S(job->err.text));
	}
	next_tenant(u);
}

static void on_timer(void *arg)
{
	struct upkeep *u = arg;
	if (u->busy)
		return;
	u->busy = true;
	next_tenant(u);
}

int service_upkeep_start(struct service *s)
{
	struct upkeep *u = mem_zalloc(sizeof(*u));
	if (!u)
		return E_NOMEM;
	u->s = s;
	u->job.job = (struct store_job){ .run = apply_retention_run, .done = on_slice, .hosts = 200 };
	int rc = timer_new(&u->timer, s->env.loop, on_timer, u);
	if (rc) {
		mem_free(u);
		return rc;
	}
	s->upkeep = u;
	timer_arm(u->timer, FIRST_MS);
	return OK;
}

bool service_upkeep_busy(const struct service *s)
{
	return s->upkeep && s->upkeep->busy;
}

void service_upkeep_stop(struct service *s)
{
	if (!s->upkeep)
		return;
	s->upkeep->stopping = true;
	timer_disarm(s->upkeep->timer);
}

void service_upkeep_free(struct service *s)
{
	if (s->upkeep)
		timer_free(s->upkeep->timer);
	mem_free(s->upkeep);
	s->upkeep = NULL;
}
