/* SYNC_DETAILS: GET /hosts/:id of hosts that are due. New hosts first, then the
 * others behind the one that was asked for last and round, so that each gets its
 * turn however few fit into one sync; each at most once in 24 h; two in flight;
 * within the budget and the time the options give. One host that fails never
 * stops the rest. */
#include "base/clock.h"
#include "base/log.h"
#include "sync/details_budget.h"
#include "sync/sync_state.h"

enum { DETAIL_EVERY_S = 24 * 3600, DETAIL_FAILURES_IN_ROW = 10, DETAIL_PAGE_BYTES = 4 * 1024 * 1024 };

static void details_fill(struct tenant_sync *s);

static void on_stored(struct store_job *job, int rc)
{
	struct lookup *l = (struct lookup *)((char *)job - offsetof(struct lookup, job));
	struct tenant_sync *s = l->call.sync;
	struct err e = job->err;
	page_free(l->job.detail.page);
	l->job.detail.page = NULL;
	l->busy = false;
	s->lookups_busy--;
	if (rc == OK && l->job.detail.changed)
		s->report.counts.changed++;
	if (s->failing) {
		sync_settle(s);
	} else if (rc != OK) {
		err_prefix(&e, "the store refused a detail");
		sync_fail(s, rc, &e);
	} else {
		details_fill(s);
	}
}

static void detail_path(struct call *c, struct buf *out)
{
	buf_printf(out, "/api/v1/fleet/hosts/%llu?exclude_software=true", (unsigned long long)c->id);
}

static void store_detail(struct lookup *l, struct page *page)
{
	struct tenant_sync *s = l->call.sync;
	l->job.detail = (struct apply_detail){
		.job = { .run = apply_detail_run,
			 .done = on_stored,
			 .hosts = 1,
			 .bytes = page ? page->bytes : 0 },
		.tenant = s->row.number,
		.id = l->call.id,
		.page = page,
		.settings = &s->derive,
		.now = clock_unix_s(),
		.cursor = s->row.details_cursor,
	};
	writer_submit(s->env->writer, &l->job.detail.job);
}

static void detail_failed(struct lookup *l, int rc)
{
	struct tenant_sync *s = l->call.sync;
	s->report.details_failed++;
	s->details_failed_in_row++;
	log_event(LOG_NOTICE, "sync", "detail failed", "tenant", LOG_S(s->conf->name), "id",
		  LOG_I(l->call.id), "reason", LOG_S(l->call.err.text));
	/* a refused token, or a server in trouble, will not do better with the next host */
	if (rc == E_TOKEN || (rc == E_FORBIDDEN && l->call.allowlist) ||
	    s->details_failed_in_row >= DETAIL_FAILURES_IN_ROW) {
		if (!s->report.warning[0])
			sync_warn(s, "the details were broken off: %s", l->call.err.text);
		s->details_until_ms = 0;
		l->busy = false;
		s->lookups_busy--;
		details_fill(s);
		return;
	}
	store_detail(l, NULL);
}

static void detail_done(struct call *c, int rc)
{
	struct lookup *l = (struct lookup *)c;
	struct tenant_sync *s = c->sync;
	if (rc == OK &&
	    (c->page->count != 1 || c->page->elements[0].id != c->id || !c->page->elements[0].host))
		rc = err_set(&c->err, E_NOT_FLEET, "the detail of host %llu is not that host's",
			     (unsigned long long)c->id);
	if (rc != OK) {
		detail_failed(l, rc);
		return;
	}
	struct page *page = c->page;
	c->page = NULL;
	s->details_failed_in_row = 0;
	s->report.total.details++;
	store_detail(l, page);
}

/* New hosts (details_before == 0), then due ones from details_start to the
 * greatest id, then those before it. */
static void next_round(struct tenant_sync *s)
{
	s->id_next = 0;
	if (s->details_before == 0) {
		s->details_before = s->options.details == DETAILS_ALL ? s->begun_unix_s
								      : s->begun_unix_s - DETAIL_EVERY_S;
		s->id_next = s->details_start = s->row.details_cursor + 1;
	} else if (!s->details_round && s->details_start > 0) {
		s->details_round = true;
	} else {
		s->ids_ended = true;
	}
}

static bool details_more(struct tenant_sync *s)
{
	while (s->id_at == s->id_count && !s->ids_ended) {
		s->id_at = s->id_count = 0;
		s->ids_new = s->details_before == 0;
		uint64_t next = 0;
		struct err e;
		int rc = store_details_due(s->env->store, s->row.number, s->details_before, s->id_next,
					   s->ids, SYNC_IDS, &s->id_count, &next, &e);
		if (rc != OK) {
			s->id_count = 0;
			sync_fail(s, rc, &e);
			return false;
		}
		s->id_next = next;
		if (s->details_round) {
			s->ids_ended = s->ids_ended || next == 0 || next >= s->details_start;
			while (s->id_count && s->ids[s->id_count - 1] >= s->details_start)
				s->id_count--;
		} else if (next == 0) {
			next_round(s);
		}
	}
	return s->id_at < s->id_count;
}

static void details_fill(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "a host's detail",
		.path = detail_path,
		.parse = true,
		.shape = PAGE_DETAIL,
		.limits = { .host_bytes = 64 << 20, .page_bytes = DETAIL_PAGE_BYTES, .max_hosts = 1 },
		.max_attempts = 3,
		.done = detail_done,
	};
	for (int i = 0; i < SYNC_LOOKUPS; i++) {
		struct lookup *l = &s->lookups[i];
		if (l->busy || s->failing || !s->details_left || sync_now_ms() >= s->details_until_ms ||
		    !details_more(s))
			continue;
		l->busy = true;
		s->lookups_busy++;
		l->call.id = s->ids[s->id_at++];
		s->details_left--;
		if (!s->ids_new) /* new hosts do not move the turn of the others */
			s->row.details_cursor = l->call.id;
		s->proven_ms = sync_now_ms();
		call_start(&l->call, &plan);
	}
	if (s->lookups_busy == 0 && !s->failing)
		sync_enter(s, SYNC_FINISH);
}

void sync_enter_details(struct tenant_sync *s)
{
	s->id_count = s->id_at = 0;
	s->id_next = 0;
	s->ids_ended = s->options.details == DETAILS_NONE;
	s->details_before = 0;
	s->details_start = 0;
	s->details_round = false;
	s->details_left = details_budget(s->conf->limits.details, s->options.spread_details, s->row.devices,
					 s->options.interval_s);
	s->details_until_ms = sync_now_ms() + s->options.details_ms;
	details_fill(s);
}
