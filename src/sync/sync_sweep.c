/* SYNC_GUARD and SYNC_SWEEP: what became of the hosts that the walk did not see. */
#include "base/clock.h"
#include "base/log.h"
#include "sync/guard.h"
#include "sync/sync_state.h"

static enum guard_reason guard_of(enum store_hold_reason r)
{
	return r == HOLD_REPLACED        ? GUARD_REPLACED
	       : r == HOLD_ALL_GONE      ? GUARD_ALL_GONE
	       : r == HOLD_TOO_MANY      ? GUARD_TOO_MANY
	       : r == HOLD_SCOPE_CHANGED ? GUARD_SCOPE_CHANGED
					 : GUARD_OK;
}

static enum store_hold_reason hold_of(enum guard_reason r)
{
	return r == GUARD_REPLACED        ? HOLD_REPLACED
	       : r == GUARD_ALL_GONE      ? HOLD_ALL_GONE
	       : r == GUARD_TOO_MANY      ? HOLD_TOO_MANY
	       : r == GUARD_SCOPE_CHANGED ? HOLD_SCOPE_CHANGED
					  : HOLD_NONE;
}

static void set_hold(struct tenant_sync *s, enum store_hold_reason reason,
		     void (*done)(struct tenant_sync *, int))
{
	s->job.hold = (struct apply_hold){
		.job = { .run = apply_hold_run },
		.tenant = s->row.number,
		.reason = reason,
		.count = reason == HOLD_NONE ? 0 : s->report.missing,
		.now = clock_unix_s(),
	};
	sync_job(s, done);
}

static void held(struct tenant_sync *s, int rc)
{
	(void)rc;
	sync_enter(s, SYNC_ENCRYPTION);
}

static void released(struct tenant_sync *s, int rc)
{
	(void)rc;
	sync_enter(s, s->report.missing ? SYNC_SWEEP : SYNC_ENCRYPTION);
}

static void hold(struct tenant_sync *s, enum guard_reason reason)
{
	bool same = s->row.hold == hold_of(reason);
	s->report.hold = hold_of(reason);
	s->report.hold_count = s->report.missing;
	s->report.hold_since = same ? s->row.hold_since : clock_unix_s();
	log_event(LOG_WARNING, "sync", "deletions held", "tenant", LOG_S(s->conf->name), "count",
		  LOG_I(s->report.missing), "reason", LOG_S(store_hold_reason_name(s->report.hold)));
	set_hold(s, s->report.hold, held);
}

static struct guard_facts facts_of(const struct tenant_sync *s)
{
	return (struct guard_facts){
		.devices = s->row.devices,
		.missing = s->report.missing,
		.deleted_24h = tenant_row_deleted_24h(&s->row, clock_unix_s()),
		.held = guard_of(s->row.hold),
		.scope_known = s->server.scope != SCOPE_UNKNOWN,
		.scope_changed = s->scope_changed,
		.accept = s->options.accept,
		.accept_count = s->options.accept_count,
	};
}

uint64_t sync_replacements(const struct tenant_sync *s)
{
	struct guard_facts f = facts_of(s);
	return guard_replacements(&f);
}

/* A number that nobody asked about is told like a wrong one. */
static enum accept_refusal refusal_of(const struct tenant_sync *s, const struct guard_facts *f,
				      enum guard_action action)
{
	bool replacements_taken = s->replace_max == UINT64_MAX &&
				  (s->report.counts.replaced > 0 || s->row.hold == HOLD_REPLACED);
	bool sweep_taken = action == GUARD_SWEEP && f->accept_count == f->missing;
	if (!f->accept || sweep_taken)
		return ACCEPT_NOT_REFUSED;
	if (action == GUARD_HOLD)
		return ACCEPT_OTHER_NUMBER;
	if (replacements_taken)
		return ACCEPT_NOT_REFUSED;
	return f->missing > 0 && !f->scope_known ? ACCEPT_SCOPE_UNKNOWN : ACCEPT_NOTHING_HELD;
}

void sync_enter_guard(struct tenant_sync *s)
{
	struct guard_facts f = facts_of(s);
	if (s->replace_max == UINT64_MAX && f.missing > 0) {
		/* what was held is accepted and done; what is missing still counts */
		f.held = GUARD_OK;
		f.scope_changed = false;
	}
	enum guard_reason reason;
	enum guard_action action = guard_decide(&f, &reason);
	s->report.accept_refused = refusal_of(s, &f, action);
	s->sweep_left = f.accept && action == GUARD_SWEEP ? UINT32_MAX : s->options.sweep_budget;
	switch (action) {
	case GUARD_NOTHING:
		sync_enter(s, SYNC_ENCRYPTION);
		break;
	case GUARD_HOLD:
		hold(s, reason);
		break;
	case GUARD_RELEASE:
		set_hold(s, HOLD_NONE, released);
		break;
	case GUARD_SWEEP:
		if (s->row.hold != HOLD_NONE)
			set_hold(s, HOLD_NONE, released);
		else
			sync_enter(s, SYNC_SWEEP);
		break;
	}
}

/* ---- sweep ---- */

static void sweep_fill(struct tenant_sync *s);

static void on_swept(struct store_job *job, int rc)
{
	struct lookup *l = (struct lookup *)((char *)job - offsetof(struct lookup, job));
	struct tenant_sync *s = l->call.sync;
	struct err e = job->err;
	l->busy = false;
	s->lookups_busy--;
	if (s->failing) {
		sync_settle(s);
	} else if (rc != OK) {
		err_prefix(&e, "the store refused a deletion");
		sync_fail(s, rc, &e);
	} else {
		sweep_fill(s);
	}
}

static void sweep_path(struct call *c, struct buf *out)
{
	buf_printf(out, "/api/v1/fleet/hosts/%llu?exclude_software=true", (unsigned long long)c->id);
}

static void sweep_done(struct call *c, int rc)
{
	struct lookup *l = (struct lookup *)c;
	struct tenant_sync *s = c->sync;
	enum sweep_verdict v;
	if (rc == OK && c->page->count == 1 && c->page->elements[0].id == c->id) {
		v = SWEEP_PRESENT; /* a replica that lagged behind */
		s->report.still_there++;
	} else if (rc == E_GONE) {
		v = SWEEP_GONE;
		s->report.gone++;
	} else if (rc == E_FORBIDDEN && c->from_fleet && !c->allowlist) {
		v = SWEEP_OUT_OF_SCOPE;
		s->report.out_of_scope++;
	} else {
		/* not known: it stays marked, the next walk decides anew */
		l->busy = false;
		s->lookups_busy--;
		if (rc == E_TOKEN || rc == E_FORBIDDEN)
			s->sweep_left = 0;
		sweep_fill(s);
		return;
	}
	l->job.sweep = (struct apply_sweep){
		.job = { .run = apply_sweep_run, .done = on_swept, .hosts = 1 },
		.tenant = s->row.number,
		.walk = s->row.walk,
		.id = c->id,
		.verdict = v,
		.now = clock_unix_s(),
	};
	writer_submit(s->env->writer, &l->job.sweep.job);
}

static bool sweep_more(struct tenant_sync *s)
{
	if (s->id_at == s->id_count && !s->ids_ended) {
		s->id_at = s->id_count = 0;
		struct err e;
		int rc = store_missing(s->env->store, s->row.number, s->row.walk, s->row.mode == WALK_PAGES,
				       s->id_next, s->ids, SYNC_IDS, &s->id_count, &e);
		if (rc != OK) {
			s->id_count = 0;
			sync_fail(s, rc, &e);
			return false;
		}
		s->ids_ended = s->id_count < SYNC_IDS;
		if (s->id_count)
			s->id_next = s->ids[s->id_count - 1] + 1;
	}
	return s->id_at < s->id_count && s->sweep_left > 0;
}

static void sweep_fill(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "a missing host",
		.path = sweep_path,
		.parse = true,
		.shape = PAGE_DETAIL,
		.limits = { .host_bytes = 8 << 20, .page_bytes = 4 << 20, .max_hosts = 1 },
		.max_attempts = 3,
		.done = sweep_done,
	};
	for (int i = 0; i < SYNC_LOOKUPS; i++) {
		struct lookup *l = &s->lookups[i];
		if (l->busy || s->failing || !sweep_more(s))
			continue;
		l->busy = true;
		l->call.id = s->ids[s->id_at++];
		s->sweep_left--;
		s->proven_ms = sync_now_ms();
		s->lookups_busy++;
		call_start(&l->call, &plan);
	}
	if (s->lookups_busy == 0 && !s->failing)
		sync_enter(s, SYNC_ENCRYPTION);
}

void sync_enter_sweep(struct tenant_sync *s)
{
	s->id_count = s->id_at = 0;
	s->id_next = 0;
	s->ids_ended = false;
	sweep_fill(s);
}
