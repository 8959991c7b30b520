#include "daemon/tenants.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "daemon/tenants_state.h"

const char *tenant_source_name(enum tenant_source s)
{
	return s == TENANT_OF_FILE ? "file" : "runtime";
}

/* ---- the schedule ---- */

static void arm(struct tenants *all)
{
	struct due *first = due_heap_first(&all->heap);
	int64_t now = clock_mono_ms();
	if (!first || all->stopping)
		timer_disarm(all->timer);
	else
		timer_arm(all->timer, first->at_ms > now ? (uint64_t)(first->at_ms - now) : 0);
}

void tenant_step(struct tenant *t, enum schedule_event event, struct schedule_facts facts)
{
	struct tenants *all = t->all;
	facts.interval_ms = t->conf->interval_s * 1000;
	facts.unix_s = clock_unix_s();
	enum schedule_state before = t->schedule.state;
	enum schedule_action action =
		schedule_step(&t->schedule, event, &facts, clock_mono_ms(), &all->options.env->random);
	if (before != t->schedule.state)
		log_event(LOG_DEBUG, "daemon", "schedule", "tenant", LOG_S(t->name), "from",
			  LOG_S(schedule_state_name(before)), "to",
			  LOG_S(schedule_state_name(t->schedule.state)));
	due_heap_set(&all->heap, &t->due, t->schedule.next_ms);
	switch (action) {
	case SCHEDULE_NOTHING:
		break;
	case SCHEDULE_START:
		tenant_into_line(t);
		break;
	case SCHEDULE_WITHDRAW:
		tenant_out_of_line(t);
		tenant_tell(t, false);
		break;
	case SCHEDULE_CANCEL:
		must(t->sync != NULL);
		tenant_sync_cancel(t->sync);
		break;
	case SCHEDULE_FORGET:
		tenant_out_of_line(t);
		tenant_removal_goes_on(t);
		break;
	}
	arm(all);
}

static void on_due(void *arg)
{
	struct tenants *all = arg;
	int64_t now = clock_mono_ms();
	struct due *first;
	while ((first = due_heap_first(&all->heap)) && first->at_ms <= now)
		tenant_step(first->owner, SCHEDULE_DUE, (struct schedule_facts){ 0 });
	arm(all);
}

/* ---- making and ending ---- */

static void on_notices(void *arg)
{
	struct tenants *all = arg;
	struct tenant_waiter *w;
	while ((w = TAILQ_FIRST(&all->at_once))) {
		TAILQ_REMOVE(&all->at_once, w, link);
		w->tenant = NULL;
		w->ended(w, false);
	}
}

static void on_stopped(void *arg)
{
	struct tenants *all = arg;
	all->stopped(all->stopped_arg);
}

int tenants_new(struct tenants **out, const struct tenants_options *o, struct err *e)
{
	struct tenants *all = mem_zalloc(sizeof(*all));
	int rc = all ? OK : E_NOMEM;
	*out = NULL;
	if (!rc) {
		all->options = *o;
		due_heap_init(&all->heap);
		TAILQ_INIT(&all->line);
		TAILQ_INIT(&all->at_once);
		TAILQ_INIT(&all->to_count);
		rc = timer_new(&all->timer, o->env->loop, on_due, all);
	}
	if (!rc)
		rc = timer_new(&all->notices, o->env->loop, on_notices, all);
	if (!rc)
		rc = timer_new(&all->stopping_timer, o->env->loop, on_stopped, all);
	if (rc) {
		tenants_free(all);
		return err_set(e, rc, "the tenants could not be set up: %s", err_meaning(rc));
	}
	*out = all;
	return OK;
}

static void tenant_free(struct tenant *t)
{
	must(!t->sync && !t->in_line && TAILQ_EMPTY(&t->waiters));
	conf_tenant_release(t->conf);
	mem_free((char *)t->name);
	mem_free(t);
}

void tenants_free(struct tenants *all)
{
	struct tenant *t;
	if (!all)
		return;
	must(!all->counting && !all->removals.first);
	due_heap_release(&all->heap); /* its entries are in the tenants */
	while ((t = all->by_name)) {
		HASH_DEL(all->by_name, t);
		tenant_out_of_line(t);
		tenant_tell(t, true);
		tenant_free(t);
	}
	timer_free(all->timer);
	timer_free(all->notices);
	timer_free(all->stopping_timer);
	mem_free(all);
}

/* ---- looking ---- */

struct tenant *tenants_find(struct tenants *all, const char *name)
{
	struct tenant *t;
	HASH_FIND_STR(all->by_name, name, t);
	return t;
}

size_t tenants_count(const struct tenants *all)
{
	return HASH_COUNT(all->by_name);
}

struct tenant *tenants_next(struct tenants *all, struct tenant *before)
{
	return before ? before->hh.next : all->by_name;
}

int tenants_names(struct tenants *all, const char *const **names, size_t *count)
{
	const char **list = mem_alloc((tenants_count(all) + 1) * sizeof(*list));
	*names = list;
	*count = 0;
	if (!list)
		return E_NOMEM;
	for (struct tenant *t = all->by_name; t; t = t->hh.next)
		list[(*count)++] = t->name;
	return OK;
}

void tenants_load(const struct tenants *all, struct tenants_load *out)
{
	*out = (struct tenants_load){ .total = HASH_COUNT(all->by_name),
				      .syncing = all->syncing,
				      .in_line = all->in_line };
	for (const struct tenant *t = all->by_name; t; t = t->hh.next)
		out->states[t->schedule.state]++;
}

bool tenant_busy(const struct tenant *t)
{
	return t->in_line || t->sync;
}

/* ---- adding and changing ---- */

static struct tenant *make(struct tenants *all, enum tenant_source source, const struct conf_tenant *conf)
{
	struct tenant *t = mem_zalloc(sizeof(*t));
	if (!t || !(t->name = mem_strdup(conf->name)) ||
	    due_heap_reserve(&all->heap, tenants_count(all) + 1) != OK) {
		mem_free(t ? (char *)t->name : NULL);
		mem_free(t);
		return NULL;
	}
	t->all = all;
	t->source = source;
	t->conf = conf_tenant_hold(conf);
	t->added_at = clock_unix_s();
	t->due.owner = t;
	TAILQ_INIT(&t->waiters);
	t->seen.number = ++all->added;
	return t;
}

static void remember(struct tenant_seen *seen, const struct tenant_row *row)
{
	seen->attempt_at = row->sync_begun_at;
	seen->ok_at = row->sync_ok_at;
	seen->up = row->sync_ended_at && row->sync_result == OK;
	if (row->sync_ended_at > row->sync_begun_at)
		seen->took_s = (double)(row->sync_ended_at - row->sync_begun_at);
	seen->seq = seen->seq_first = row->seq;
	seen->missing = row->missing;
	seen->held = row->hold ? row->hold_count : 0;
}

int tenants_add(struct tenants *all, enum tenant_source source, const struct conf_tenant *conf,
		uint32_t slot_ms, struct tenant **out, struct err *e)
{
	struct tenant_row row;
	struct tenant *t = tenants_find(all, conf->name);
	*out = NULL;
	if (t)
		return err_set(e, E_CONFLICT, "the name \"%s\" is taken by a tenant %s; choose another",
			       conf->name,
			       t->source == TENANT_OF_FILE ? "of the configuration file"
							   : "that was added at run time");
	if (tenants_removing(all, conf->name))
		return err_set(e, E_LOCKED,
			       "an earlier tenant \"%s\" is still being removed; wait until it is gone",
			       conf->name);
	if (!(t = make(all, source, conf)))
		return err_set(e, E_NOMEM, "out of memory for the tenant \"%s\"", conf->name);
	HASH_ADD_KEYPTR(hh, all->by_name, t->name, strlen(t->name), t);
	struct schedule_facts facts = { .slot_ms = slot_ms };
	if (store_tenant_by_name(all->options.env->store, t->name, &row) == OK) {
		facts.ended_at = row.sync_ended_at;
		facts.ended_rc = row.sync_result;
		facts.paused = row.paused;
		remember(&t->seen, &row);
		if (row.devices)
			tenant_count(t);
	}
	tenant_step(t, SCHEDULE_ADDED, facts);
	*out = t;
	return OK;
}

void tenant_configure(struct tenant *t, const struct conf_tenant *conf, bool token_changed, uint32_t slot_ms)
{
	const struct conf_tenant *before = t->conf;
	t->conf = conf_tenant_hold(conf);
	conf_tenant_release(before);
	tenant_step(t, token_changed ? SCHEDULE_TOKEN_CHANGED : SCHEDULE_SETTINGS_CHANGED,
		    (struct schedule_facts){ .slot_ms = slot_ms });
}

void tenant_adopt(struct tenant *t, const struct conf_tenant *conf)
{
	const struct conf_tenant *before = t->conf;
	t->conf = conf_tenant_hold(conf);
	conf_tenant_release(before);
}

void tenant_ask(struct tenant *t)
{
	tenant_step(t, SCHEDULE_ASKED, (struct schedule_facts){ 0 });
}

void tenant_accept(struct tenant *t, uint64_t count)
{
	t->accept = true;
	t->accept_count = count;
	if (t->sync)
		tenant_step(t, SCHEDULE_SETTINGS_CHANGED, (struct schedule_facts){ 0 });
}

/* ---- waiting ---- */

void tenant_wait(struct tenant *t, struct tenant_waiter *w)
{
	struct tenants *all = t->all;
	w->tenant = t;
	if (tenant_busy(t)) {
		w->round = t->round;
		TAILQ_INSERT_TAIL(&t->waiters, w, link);
		return;
	}
	TAILQ_INSERT_TAIL(&all->at_once, w, link);
	timer_arm(all->notices, 0);
}

void tenant_unwait(struct tenant_waiter *w)
{
	struct tenant_waiter *at;
	if (!w->tenant)
		return;
	struct tenants *all = w->tenant->all;
	TAILQ_FOREACH(at, &all->at_once, link)
	if (at == w)
		break;
	if (at)
		TAILQ_REMOVE(&all->at_once, w, link);
	else
		TAILQ_REMOVE(&w->tenant->waiters, w, link);
	w->tenant = NULL;
}

/* Whoever waits anew from inside its callback waits for the next end. */
void tenant_tell(struct tenant *t, bool gone)
{
	uint32_t round = t->round++;
	struct tenant_waiter *w;
	while ((w = TAILQ_FIRST(&t->waiters)) && w->round == round) {
		TAILQ_REMOVE(&t->waiters, w, link);
		w->tenant = NULL;
		w->ended(w, gone);
	}
}

/* ---- stopping ---- */

void tenants_check_stopped(struct tenants *all)
{
	if (all->stopping && !all->syncing && !all->counting && !all->removals.first)
		timer_arm(all->stopping_timer, 0);
}

void tenants_stop(struct tenants *all, void (*stopped)(void *arg), void *arg)
{
	all->stopping = true;
	all->stopped = stopped;
	all->stopped_arg = arg;
	timer_disarm(all->timer);
	for (struct tenant *t = all->by_name; t; t = t->hh.next) {
		tenant_out_of_line(t);
		if (t->sync)
			tenant_sync_cancel(t->sync);
	}
	tenants_count_stop(all);
	tenants_check_stopped(all);
}

void tenants_on_end(struct tenants *all,
		    void (*ended)(void *arg, struct tenant *tenant, const struct sync_report *r), void *arg)
{
	all->ended = ended;
	all->ended_arg = arg;
}
