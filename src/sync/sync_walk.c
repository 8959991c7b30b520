/* SYNC_BEGIN to SYNC_END: the walk itself. A page is asked for as soon as the
 * last id of the one before is known, while that one is still being written. */
#include "base/clock.h"
#include "base/log.h"
#include "fleet/answer.h"
#include "sync/backoff.h"
#include "sync/sync_state.h"

/* ---- begin ---- */

static enum walk_mode mode_of(enum list_order o)
{
	return o == LIST_BY_H_ID ? WALK_CURSOR_H_ID : o == LIST_BY_PAGE ? WALK_PAGES : WALK_CURSOR_ID;
}

static void begun(struct tenant_sync *s, int rc)
{
	(void)rc;
	s->replace_max = sync_replacements(s);
	s->row = s->job.begin.row;
	list_request_init(&s->list, s->probe_order, s->probe_features, s->row.cursor,
			  s->conf->limits.page_hosts);
	s->report.total.hosts = s->row.walk_hosts;
	s->list_worked = s->list_ended = false;
	team_hosts_reset(&s->encryption.teams);
	s->encryption.in_the_walk = false;
	sync_enter(s, SYNC_LIST);
}

static void begin_walk(struct tenant_sync *s, int rc)
{
	(void)rc;
	int64_t now = clock_unix_s();
	/* without a cursor the offset of the pages may have moved since */
	bool resume = s->row.walking && s->probe_order != LIST_BY_PAGE &&
		      s->row.mode == mode_of(s->probe_order) &&
		      strcmp(s->row.fingerprint, s->fingerprint) == 0 &&
		      now - s->row.walk_touched_at < s->options.interval_s;
	s->report.resumed = resume && s->row.cursor > 0;
	s->report.baseline = !s->row.baseline;
	if (s->report.resumed)
		log_event(LOG_NOTICE, "sync", "walk resumed", "tenant", LOG_S(s->conf->name), "after",
			  LOG_I(s->row.cursor));
	s->job.begin = (struct apply_walk_begin){
		.job = { .run = apply_walk_begin_run },
		.tenant = s->row.number,
		.resume = resume,
		.mode = mode_of(s->probe_order),
		.fingerprint = s->fingerprint,
		.server_version = s->server.version,
		.role = s->server.role,
		.tier = s->server.tier,
		.now = now,
	};
	sync_job(s, begun);
}

void sync_enter_begin(struct tenant_sync *s)
{
	char params[128];
	list_features_text(params, sizeof(params), s->probe_features);
	server_fingerprint(s->fingerprint, sizeof(s->fingerprint), &s->server, s->conf->url,
			   list_order_key(s->probe_order), params);
	s->scope_changed = s->row.walk > 0 && s->row.devices > 0 && s->row.fingerprint[0] &&
			   !server_same_scope(s->row.fingerprint, s->fingerprint);
	if (!s->scope_changed || s->row.hold != HOLD_NONE) {
		begin_walk(s, OK);
		return;
	}
	/* held before the first page, so that a crash does not forget it */
	s->job.hold = (struct apply_hold){
		.job = { .run = apply_hold_run },
		.tenant = s->row.number,
		.reason = HOLD_SCOPE_CHANGED,
		.now = clock_unix_s(),
	};
	s->row.hold = HOLD_SCOPE_CHANGED;
	sync_job(s, begin_walk);
}

/* ---- list ---- */

static void list_next(struct tenant_sync *s);

void sync_list_path(struct call *c, const struct list_request *r, struct buf *out)
{
	c->limits = (struct page_limits){
		.host_bytes = c->sync->conf->limits.host_bytes,
		.page_bytes = SYNC_PAGE_BYTES,
		.max_hosts = r->per_page,
		.after = r->after,
	};
	list_request_path(out, r);
}

enum call_turn sync_list_smaller(struct call *c, struct list_request *r, int rc)
{
	uint32_t before = r->per_page;
	if (rc == E_TIMEOUT || rc == E_LIMIT || c->result.status == 502 || c->result.status == 504)
		list_request_shrink(r);
	return rc == E_LIMIT && r->per_page < before ? CALL_AGAIN : CALL_JUDGE;
}

static void list_path(struct call *c, struct buf *out)
{
	sync_list_path(c, &c->sync->list, out);
}

static enum call_turn list_failed(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	long status = c->result.status;
	if (sync_list_smaller(c, &s->list, rc) == CALL_AGAIN)
		return CALL_AGAIN;
	if ((status == 400 || status == 422) && !c->worked_before) {
		if (!list_request_drop_feature(&s->list, buf_slice(&c->body)))
			return CALL_JUDGE;
		log_event(LOG_NOTICE, "sync", "parameter refused, going on without", "tenant",
			  LOG_S(s->conf->name));
		return CALL_AGAIN;
	}
	if (status == 422 && !s->rechecked && s->recheck_attempts < s->options.max_attempts) {
		/* the server may have been replaced under us: look again first */
		s->recheck = s->rechecked = true;
		return CALL_STOP;
	}
	return CALL_JUDGE;
}

static void list_stopped(struct tenant_sync *s)
{
	if (s->list_ended && !s->pages_busy)
		sync_enter(s, SYNC_CONFIRM);
}

static void on_page_applied(struct store_job *job, int rc)
{
	struct apply_page *a = (struct apply_page *)job;
	struct page_slot *slot = (struct page_slot *)a;
	struct tenant_sync *s = slot->sync;
	struct err e = job->err;
	struct apply_counts *t = &s->report.counts;
	slot->busy = false;
	s->pages_busy--;
	t->created += a->counts.created;
	t->changed += a->counts.changed;
	t->unchanged += a->counts.unchanged;
	t->volatile_only += a->counts.volatile_only;
	t->revived += a->counts.revived;
	t->rejected += a->counts.rejected;
	t->marked_missing += a->counts.marked_missing;
	t->returned += a->counts.returned;
	t->replaced += a->counts.replaced;
	s->early.waiting += a->page->count;
	page_free(a->page);
	a->page = NULL;
	turn_cancel(&slot->turn);
	if (s->failing) {
		sync_settle(s);
	} else if (rc == E_HELD) {
		s->report.hold = HOLD_REPLACED;
		s->report.hold_count = s->row.devices;
		s->report.accept_refused = s->options.accept ? ACCEPT_OTHER_NUMBER : ACCEPT_NOT_REFUSED;
		sync_fail(s, rc, &e);
	} else if (rc != OK) {
		err_prefix(&e, "the store refused a page");
		sync_fail(s, rc, &e);
	} else if (s->list_ended) {
		list_stopped(s);
	} else {
		sync_index_early(s);
		if (s->state == SYNC_LIST && !s->recheck && !s->call.busy)
			list_next(s);
	}
}

static void submit_page(struct tenant_sync *s, struct page *page, uint64_t after, uint64_t last, bool end)
{
	struct page_slot *slot = s->pages;
	while (slot->busy)
		slot++;
	*slot = (struct page_slot){
		.job = {
			.job = { .run = apply_page_run, .done = on_page_applied, .hosts = page->count, .bytes = page->bytes },
			.tenant = s->row.number,
			.walk = s->row.walk,
			.after = after,
			.last = last,
			.end = end,
			.page = page,
			.settings = &s->derive,
			.now = clock_unix_s(),
			.guarded = s->row.baseline,
			.deleted_max = s->replace_max,
		},
		.sync = s,
		.busy = true,
	};
	s->pages_busy++;
	call_hand_bytes(&s->call, &slot->turn);
	writer_submit(s->env->writer, &slot->job.job);
}

/* A page whose elements have no id: they are kept as rejects, but there is
 * nothing to ask for after them, and what follows was not seen. */
static void no_way_on(struct tenant_sync *s, struct page *page, uint64_t after)
{
	struct err e;
	err_set(&e, E_NOT_FLEET,
		"the list of hosts cannot be followed: none of the %u hosts after host %llu has an id; see "
		"musterctl rejects",
		page->count, (unsigned long long)after);
	submit_page(s, page, after, after, false);
	sync_fail(s, E_NOT_FLEET, &e);
}

/* For the lists by disk encryption. */
static void count_hosts(struct tenant_sync *s, const struct page *page)
{
	for (uint32_t i = 0; i < page->count; i++) {
		const struct host *host = page->elements[i].host;
		if (!host)
			continue;
		s->encryption.in_the_walk |= (host->seen & HOST_SEEN_DISK_ENCRYPTION) != 0;
		team_hosts_add(&s->encryption.teams, host->team_id > 0 ? (uint64_t)host->team_id : 0);
	}
}

static void list_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	if (rc != OK) {
		if (s->recheck) {
			s->recheck_attempts++;
			s->probe_rounds = 0;
			s->report.total.retries++;
			timer_arm(s->timer, backoff_ms(&s->env->random, s->options.backoff_base_ms, 1, -1));
			return;
		}
		sync_fail(s, rc, &c->err);
		return;
	}
	struct page *page = c->page;
	uint64_t after = s->list.after, last = c->last_id > after ? c->last_id : after;
	c->page = NULL;
	s->list_worked = true;
	s->rechecked = false;
	s->proven_ms = sync_now_ms();
	s->report.total.pages++;
	s->report.total.hosts += page->count;
	s->report.wrong_types += page->wrong_types;
	s->report.bad_utf8 += page->bad_utf8;
	s->list_ended = page->count == 0;
	count_hosts(s, page);
	if (page->count > 0 && last == after && s->list.order != LIST_BY_PAGE) {
		no_way_on(s, page, after);
		return;
	}
	list_request_adapt(&s->list, page->count, page->bytes, c->result.total_ms);
	list_request_advance(&s->list, last);
	submit_page(s, page, after, last, s->list_ended);
	if (!s->list_ended && s->pages_busy < SYNC_PAGES)
		list_next(s);
}

static void list_next(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the list of hosts",
		.path = list_path,
		.parse = true,
		.shape = PAGE_LIST,
		.in_turn = true,
		.failed = list_failed,
		.done = list_done,
	};
	/* a cursor was probed by the same request */
	s->call.worked_before = s->list_worked || s->list.order != LIST_BY_PAGE;
	call_start(&s->call, &plan);
	if (s->rechecked)
		s->call.attempt = 1;
}

void sync_enter_list(struct tenant_sync *s)
{
	list_next(s);
}

/* ---- end ---- */

/* A sync that saw nothing is never shown as success (invariant 14). */
static void fail_without_hosts(struct tenant_sync *s)
{
	if (s->report.total.hosts > 0)
		return;
	s->report.rc = E_NOT_FOUND;
	if (s->server.scope == SCOPE_TEAMS)
		err_set(&s->report.err, E_NOT_FOUND,
			"no hosts are visible because the token is scoped to teams (%.100s) that have none; "
			"give "
			"its user the global role observer to see all",
			s->server.teams);
	else
		err_set(&s->report.err, E_NOT_FOUND,
			"the server lists no hosts; are devices enrolled, and is this the right server?");
}

static void ended(struct tenant_sync *s, int rc)
{
	(void)rc;
	s->row = s->job.end.row;
	s->report.missing = s->job.end.missing;
	fail_without_hosts(s);
	sync_enter(s, SYNC_GUARD);
}

void sync_enter_end(struct tenant_sync *s)
{
	s->job.end = (struct apply_walk_end){
		.job = { .run = apply_walk_end_run },
		.tenant = s->row.number,
		.walk = s->row.walk,
		.now = clock_unix_s(),
	};
	sync_job(s, ended);
}
