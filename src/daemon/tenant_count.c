/* The devices of a tenant by state, counted on another thread, one tenant at a
 * time, after syncs that moved something. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/tenants_state.h"

struct tenant_counting {
	struct work work;
	struct tenants *all;
	struct store *store;
	struct tenant_row row;
	struct summary summary;
	int rc;
};

static void start_next(struct tenants *all);

static void run(struct work *w)
{
	struct tenant_counting *c = (struct tenant_counting *)w;
	c->rc = summary_of_tenant(&c->summary, c->store, &c->row, clock_unix_s(), &w->cancelled);
}

static void done(struct work *w)
{
	struct tenant_counting *c = (struct tenant_counting *)w;
	struct tenants *all = c->all;
	struct tenant *t = tenants_find(all, c->row.name);
	all->counting = NULL;
	if (c->rc == OK && !w->cancelled && t) {
		t->summary = c->summary;
		t->counted = true;
	} else if (c->rc != OK && !w->cancelled) {
		log_event(LOG_WARNING, "daemon", "devices not counted", "tenant", LOG_S(c->row.name),
			  "reason", LOG_S(err_meaning(c->rc)));
	}
	mem_free(c);
	start_next(all);
	tenants_check_stopped(all);
}

static void start_next(struct tenants *all)
{
	struct tenant *t;
	while (!all->counting && !all->stopping && (t = TAILQ_FIRST(&all->to_count))) {
		TAILQ_REMOVE(&all->to_count, t, count_line);
		t->to_count = false;
		struct tenant_counting *c = mem_zalloc(sizeof(*c));
		if (!c)
			return; /* counted after the next sync */
		c->work = (struct work){ .run = run, .done = done };
		c->all = all;
		c->store = all->options.env->store;
		if (store_tenant_by_name(c->store, t->name, &c->row) == OK &&
		    work_start(all->options.work, &c->work) == OK)
			all->counting = c;
		else
			mem_free(c);
	}
}

void tenant_count(struct tenant *t)
{
	if (t->to_count)
		return;
	TAILQ_INSERT_TAIL(&t->all->to_count, t, count_line);
	t->to_count = true;
	start_next(t->all);
}

void tenant_count_not(struct tenant *t)
{
	if (t->to_count)
		TAILQ_REMOVE(&t->all->to_count, t, count_line);
	t->to_count = false;
}

void tenants_count_stop(struct tenants *all)
{
	if (all->counting)
		work_cancel(&all->counting->work);
}
