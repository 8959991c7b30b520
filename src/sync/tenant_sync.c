#include "sync/tenant_sync.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "sync/sync_state.h"
#include "sync/tenant_origin.h"

#include <stdio.h>

#define TO(x) (1u << SYNC_##x)

/* What each state is called, what runs on entering it, and where it may lead. */
static const struct {
	const char *name, *phase;
	void (*enter)(struct tenant_sync *s);
	unsigned next;
} states[SYNC_STATES] = {
	[SYNC_NEW] = { "new", "waiting", NULL, TO(TENANT) | TO(VERSION) },
	[SYNC_TENANT] = { "tenant", "connecting", sync_enter_tenant, TO(VERSION) | TO(FINISH) | TO(DONE) },
	[SYNC_VERSION] = { "version", "connecting", sync_enter_version,
			   TO(ME) | TO(PROBE) | TO(FINISH) | TO(DONE) },
	[SYNC_ME] = { "me", "connecting", sync_enter_me, TO(CONFIG) | TO(FINISH) | TO(DONE) },
	[SYNC_CONFIG] = { "config", "connecting", sync_enter_config, TO(COUNT) | TO(FINISH) | TO(DONE) },
	[SYNC_COUNT] = { "count", "connecting", sync_enter_count, TO(PROBE) | TO(FINISH) | TO(DONE) },
	[SYNC_PROBE] = { "probe", "probing", sync_enter_probe, TO(BEGIN) | TO(LIST) | TO(FINISH) },
	[SYNC_BEGIN] = { "begin", "listing", sync_enter_begin, TO(LIST) | TO(FINISH) },
	[SYNC_LIST] = { "list", "listing", sync_enter_list, TO(VERSION) | TO(CONFIRM) | TO(FINISH) },
	[SYNC_CONFIRM] = { "confirm", "confirming", sync_enter_confirm, TO(INDEX) | TO(END) | TO(FINISH) },
	[SYNC_INDEX] = { "index", "indexing", sync_enter_index, TO(END) | TO(FINISH) },
	[SYNC_END] = { "end", "completing", sync_enter_end, TO(GUARD) | TO(FINISH) },
	[SYNC_GUARD] = { "guard", "completing", sync_enter_guard, TO(SWEEP) | TO(ENCRYPTION) | TO(FINISH) },
	[SYNC_SWEEP] = { "sweep", "sweeping", sync_enter_sweep, TO(ENCRYPTION) | TO(FINISH) },
	[SYNC_ENCRYPTION] = { "encryption", "encryption", sync_enter_encryption, TO(DETAILS) | TO(FINISH) },
	[SYNC_DETAILS] = { "details", "details", sync_enter_details, TO(FINISH) },
	[SYNC_FINISH] = { "finish", "finishing", NULL, TO(DONE) },
	[SYNC_DONE] = { "done", "done", NULL, 0 },
};

static void enter_finish(struct tenant_sync *s);
static void enter_done(struct tenant_sync *s);

int64_t sync_now_ms(void)
{
	return clock_mono_ms();
}

void sync_options_default(struct sync_options *o)
{
	*o = (struct sync_options){
		.details = DETAILS_DUE,
		.details_ms = 5 * 60 * 1000,
		.interval_s = 3600,
		.max_attempts = 6,
		.unproven_ms = 5 * 60 * 1000,
		.backoff_base_ms = 1000,
		.probe_gap_ms = 60 * 1000,
		.sweep_budget = 500,
	};
}

void sync_enter(struct tenant_sync *s, enum sync_state state)
{
	must(states[s->state].next & (1u << state));
	log_event(LOG_DEBUG, "sync", "state", "tenant", LOG_S(s->conf->name), "from",
		  LOG_S(states[s->state].name), "to", LOG_S(states[state].name));
	s->state = state;
	s->report.total.phase = states[state].phase;
	if (state == SYNC_FINISH)
		enter_finish(s);
	else if (state == SYNC_DONE)
		enter_done(s);
	else
		states[state].enter(s);
}

void sync_warn(struct tenant_sync *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->report.warning, sizeof(s->report.warning), fmt, ap);
	va_end(ap);
	log_event(LOG_WARNING, "sync", "warning", "tenant", LOG_S(s->conf->name), "text",
		  LOG_S(s->report.warning));
}

void sync_fail(struct tenant_sync *s, int rc, const struct err *e)
{
	if (s->report.rc == OK) {
		s->report.rc = rc;
		s->report.err = *e;
		s->report.err.code = rc;
	}
	s->failing = true;
	sync_settle(s);
}

void sync_settle(struct tenant_sync *s)
{
	if (!s->failing || s->state == SYNC_FINISH || s->state == SYNC_DONE)
		return;
	call_cancel(&s->call);
	timer_disarm(s->timer);
	for (int i = 0; i < SYNC_LOOKUPS; i++)
		if (s->lookups[i].call.busy) {
			call_cancel(&s->lookups[i].call);
			s->lookups[i].busy = false;
			s->lookups_busy--;
		}
	if (!s->job_busy && !s->pages_busy && !s->lookups_busy && !s->early.busy)
		sync_enter(s, s->state == SYNC_TENANT || s->connect_only ? SYNC_DONE : SYNC_FINISH);
}

static void on_job_done(struct store_job *job, int rc)
{
	struct tenant_sync *s = (struct tenant_sync *)((char *)job - offsetof(struct tenant_sync, job));
	struct err e = job->err;
	s->job_busy = false;
	if (s->state == SYNC_FINISH) {
		s->job_done(s, rc);
	} else if (s->failing) {
		sync_settle(s);
	} else if (rc != OK) {
		err_prefix(&e, "the store refused the result");
		sync_fail(s, rc, &e);
	} else {
		s->job_done(s, rc);
	}
}

void sync_job(struct tenant_sync *s, void (*done)(struct tenant_sync *s, int rc))
{
	s->job_busy = true;
	s->job_done = done;
	s->job.any.done = on_job_done;
	writer_submit(s->env->writer, &s->job.any);
}

static void finished(struct tenant_sync *s, int rc)
{
	if (rc != OK && s->report.rc == OK) {
		s->report.rc = rc;
		s->report.err = s->job.any.err;
	}
	sync_enter(s, SYNC_DONE);
}

static void end_sync(struct tenant_sync *s, int rc)
{
	(void)rc;
	s->job.sync_end = (struct apply_sync_end){
		.job = { .run = apply_sync_end_run },
		.tenant = s->row.number,
		.begun_at = s->begun_unix_s,
		.now = clock_unix_s(),
		.result = s->report.rc,
		.text = s->report.rc != OK ? s->report.err.text : s->report.warning,
	};
	sync_job(s, finished);
}

/* A walk that was broken off by the guard leaves its hold behind. */
static void enter_finish(struct tenant_sync *s)
{
	if (s->report.rc != E_HELD) {
		end_sync(s, OK);
		return;
	}
	s->job.hold = (struct apply_hold){
		.job = { .run = apply_hold_run },
		.tenant = s->row.number,
		.reason = s->report.hold,
		.count = s->report.hold_count,
		.now = clock_unix_s(),
	};
	sync_job(s, end_sync);
}

static void on_timer_done(struct tenant_sync *s)
{
	s->done(s->done_arg, &s->report);
}

static void enter_done(struct tenant_sync *s)
{
	s->report.took_ms = (uint32_t)(sync_now_ms() - s->begun_ms);
	timer_arm(s->timer, 0); /* done() may free this sync: not from inside its own calls */
}

static void on_timer(void *arg)
{
	struct tenant_sync *s = arg;
	if (s->state == SYNC_DONE)
		on_timer_done(s);
	else if (s->state == SYNC_NEW)
		sync_enter(s, s->connect_only ? SYNC_VERSION : SYNC_TENANT);
	else if (s->state == SYNC_PROBE)
		sync_enter_probe(s);
	else if (s->state == SYNC_LIST && s->recheck)
		sync_enter(s, SYNC_VERSION);
}

static int init_parts(struct tenant_sync *s, struct err *e)
{
	int rc = tenant_origin_new(&s->origin, s->env->http, s->conf, e);
	if (rc == OK)
		rc = timer_new(&s->timer, s->env->loop, on_timer, s);
	if (rc == OK)
		rc = call_init(&s->call, s);
	for (int i = 0; i < SYNC_LOOKUPS && rc == OK; i++)
		rc = call_init(&s->lookups[i].call, s);
	return rc;
}

int tenant_sync_new(struct tenant_sync **out, struct sync_environment *env, const struct conf_tenant *conf,
		    const struct sync_options *options, struct err *e)
{
	*out = NULL;
	struct tenant_sync *s = mem_zalloc(sizeof(*s));
	if (!s)
		return err_set(e, E_NOMEM, "out of memory");
	s->env = env;
	s->conf = conf;
	s->options = *options;
	s->derive = conf->derive;
	s->report.total.phase = states[SYNC_NEW].phase;
	s->report.retry_after_s = -1;
	err_set(e, E_NOMEM, "out of memory");
	int rc = init_parts(s, e);
	if (rc != OK) {
		tenant_sync_free(s);
		return rc;
	}
	*out = s;
	return OK;
}

void tenant_sync_start(struct tenant_sync *s, void (*done)(void *arg, const struct sync_report *r), void *arg)
{
	s->done = done;
	s->done_arg = arg;
	s->begun_unix_s = clock_unix_s();
	s->begun_ms = s->proven_ms = sync_now_ms();
	timer_arm(s->timer, 0);
}

void tenant_sync_cancel(struct tenant_sync *s)
{
	struct err e;
	if (s->state == SYNC_FINISH || s->state == SYNC_DONE || s->failing)
		return;
	err_set(&e, E_CANCELLED, "stopped before it was complete; the next sync goes on from there");
	if (s->state == SYNC_NEW) {
		s->report.rc = E_CANCELLED;
		s->report.err = e;
		s->state = SYNC_DONE;
		timer_arm(s->timer, 0);
		return;
	}
	sync_fail(s, E_CANCELLED, &e);
}

void tenant_sync_progress(const struct tenant_sync *s, struct sync_progress *out)
{
	*out = s->report.total;
}

void tenant_sync_free(struct tenant_sync *s)
{
	if (!s)
		return;
	call_release(&s->call);
	for (int i = 0; i < SYNC_LOOKUPS; i++)
		call_release(&s->lookups[i].call);
	page_free(s->encryption.page);
	turn_cancel(&s->encryption.turn);
	for (int i = 0; i < SYNC_PAGES; i++)
		must(s->pages[i].turn.state == TURN_IDLE);
	must(s->call.turn.state == TURN_IDLE && !s->turns_tenant.first);
	team_hosts_release(&s->encryption.teams);
	timer_free(s->timer);
	http_origin_free(s->origin);
	mem_free(s);
}
