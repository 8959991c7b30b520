/* SYNC_ENCRYPTION: the disk encryption of many hosts for few requests. Premium
 * servers before about 4.93 do not list it, but they filter the list by it: once
 * in 24 h, each status of each team of some size is listed, by the walk's cursor
 * and with the walk's parameters. A host of such a team that is in no list has
 * no status. Where the server refuses, the details alone tell, and it is tried
 * again when the next round is due. */
#include "base/clock.h"
#include "base/log.h"
#include "sync/sync_state.h"

enum {
	ROUND_EVERY_S = 24 * 3600,
	WRONG_CLOCK_S = 3600,
	TEAM_HOSTS_MIN = 25, /* six lists are six requests at least, a detail is one */
	ATTEMPTS = 3,
	CHECK_HOSTS_MAX = 100,
};

static void next_list(struct tenant_sync *s);

static void drop_page(struct tenant_sync *s)
{
	page_free(s->encryption.page);
	s->encryption.page = NULL;
	turn_cancel(&s->encryption.turn);
}

static void leave(struct tenant_sync *s)
{
	drop_page(s);
	sync_enter(s, SYNC_DETAILS);
}

/* ---- the end of the round ---- */

static void step_done(struct tenant_sync *s, int rc)
{
	(void)rc;
	if (s->job.encryption_end.more)
		sync_job(s, step_done);
	else
		leave(s);
}

static void end_round(struct tenant_sync *s, enum encryption_round round)
{
	uint32_t count;
	const uint64_t *listed = team_hosts_listed(&s->encryption.teams, &count);
	s->job.encryption_end = (struct apply_encryption_end){
		.job = { .run = apply_encryption_end_run },
		.tenant = s->row.number,
		.round = round,
		.begun_at = s->encryption.begun_at,
		.teams = listed,
		.team_count = count,
	};
	sync_job(s, step_done);
}

static void give_up(struct tenant_sync *s, const char *reason)
{
	sync_warn(s, "encryption lists refused: %.300s; the details tell it, host by host", reason);
	end_round(s, ENCRYPTION_ROUND_FAILED);
}

static void refused(struct tenant_sync *s, int rc)
{
	if (rc == E_NOMEM)
		sync_fail(s, rc, &s->call.err);
	else
		give_up(s, s->call.err.text);
}

/* ---- one page ---- */

static void ask_page(struct tenant_sync *s);

static void page_applied(struct tenant_sync *s, int rc)
{
	(void)rc;
	s->report.counts.changed += s->job.encryption.changed;
	drop_page(s);
	ask_page(s);
}

static void apply_page(struct tenant_sync *s)
{
	const struct page *page = s->encryption.page;
	s->job.encryption = (struct apply_encryption){
		.job = { .run = apply_encryption_run, .hosts = page->count, .bytes = page->bytes },
		.tenant = s->row.number,
		.page = s->encryption.page,
		.word = s->encryption.list.disk_encryption,
		.settings = &s->derive,
		.now = clock_unix_s(),
	};
	sync_job(s, page_applied);
}

/* ---- whether the filter is one ---- */

static uint64_t first_id(const struct page *page)
{
	for (uint32_t i = 0; i < page->count; i++)
		if (page->elements[i].id)
			return page->elements[i].id;
	return 0;
}

static void check_filter(struct tenant_sync *s);

/* The last word that was not compared: "verified" has most hosts. */
static uint32_t check_word(const struct tenant_sync *s)
{
	uint32_t word = LIST_ENCRYPTION_WORDS;
	while (word > 0 && s->encryption.checked & 1u << (word - 1))
		word--;
	return word;
}

static void check_path(struct call *c, struct buf *out)
{
	struct list_request r = c->sync->encryption.list;
	r.disk_encryption = list_encryption_words[check_word(c->sync) - 1];
	r.after = first_id(c->sync->encryption.page) - 1;
	r.per_page = 1;
	sync_list_path(c, &r, out);
	c->limits.max_hosts = CHECK_HOSTS_MAX;
}

static void check_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	if (rc != OK) {
		refused(s, rc);
	} else if (c->page->count == 0) {
		s->encryption.checked |= 1u << (check_word(s) - 1);
		check_filter(s);
	} else if (!first_id(c->page) || first_id(c->page) == first_id(s->encryption.page)) {
		give_up(s, "the server does not filter by it");
	} else {
		s->encryption.filters = true;
		apply_page(s);
	}
}

/* A server that does not know the filter answers with all hosts of the team,
 * each of which would get each status. None has two: the first host of this list
 * must not be in that of another word. A list that begins with another host
 * proves it; an empty one may be a server's bad moment, so the lists of all other
 * words have to be empty then. */
static void check_filter(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the list of hosts by disk encryption",
		.path = check_path,
		.parse = true,
		.shape = PAGE_LIST,
		.max_attempts = ATTEMPTS,
		.done = check_done,
	};
	if (check_word(s)) {
		call_start(&s->call, &plan);
		return;
	}
	s->encryption.filters = true;
	apply_page(s);
}

/* ---- one list ---- */

static void page_path(struct call *c, struct buf *out)
{
	sync_list_path(c, &c->sync->encryption.list, out);
}

static enum call_turn page_failed(struct call *c, int rc)
{
	return sync_list_smaller(c, &c->sync->encryption.list, rc);
}

static void page_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	struct list_request *list = &s->encryption.list;
	uint64_t after = list->after;
	if (rc != OK) {
		refused(s, rc);
		return;
	}
	s->encryption.worked = true;
	s->encryption.doubtful |= c->page->rejected > 0;
	if (c->page->count == 0) {
		next_list(s);
		return;
	}
	if (c->last_id <= after || !first_id(c->page)) {
		give_up(s, "none of the hosts listed has an id");
		return;
	}
	s->encryption.page = c->page;
	c->page = NULL;
	call_hand_bytes(c, &s->encryption.turn);
	list_request_adapt(list, s->encryption.page->count, s->encryption.page->bytes, c->result.total_ms);
	list_request_advance(list, c->last_id);
	s->encryption.checked = 1u << (s->encryption.word - 1);
	if (s->encryption.filters)
		apply_page(s);
	else
		check_filter(s);
}

static void ask_page(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the list of hosts by disk encryption",
		.path = page_path,
		.parse = true,
		.shape = PAGE_LIST,
		.max_attempts = ATTEMPTS,
		.in_turn = true,
		.failed = page_failed,
		.done = page_done,
	};
	s->proven_ms = sync_now_ms();
	s->call.worked_before = s->encryption.worked;
	call_start(&s->call, &plan);
}

/* ---- the round ---- */

/* All lists were empty, or none was asked for: without a proof that the server
 * filters, the former says nothing of any host. */
static void all_listed(struct tenant_sync *s)
{
	bool proven = s->encryption.filters || !s->encryption.worked;
	end_round(s, proven ? ENCRYPTION_ROUND_COMPLETE : ENCRYPTION_ROUND_FAILED);
}

/* The next word of the team at hand, or the first of the next team. */
static void next_list(struct tenant_sync *s)
{
	const struct team_hosts *teams = &s->encryption.teams;
	if (s->encryption.word == LIST_ENCRYPTION_WORDS) {
		teams->rows[s->encryption.team].listed = !s->encryption.doubtful;
		s->encryption.word = 0;
		s->encryption.doubtful = false;
		s->encryption.team++;
	}
	while (s->encryption.team < teams->count && teams->rows[s->encryption.team].hosts < TEAM_HOSTS_MIN)
		s->encryption.team++;
	if (s->encryption.team >= teams->count) {
		all_listed(s);
		return;
	}
	uint32_t per_page = s->encryption.list.per_page;
	list_request_init(&s->encryption.list, s->list.order, s->list.features, 0,
			  s->conf->limits.page_hosts);
	s->encryption.list.per_page = per_page;
	s->encryption.list.team = teams->rows[s->encryption.team].team;
	s->encryption.list.disk_encryption = list_encryption_words[s->encryption.word++];
	ask_page(s);
}

/* The last round, complete or failed, is long ago, or of a clock that was wrong. */
static bool long_ago(const struct tenant_sync *s)
{
	int64_t last = s->row.encryption_tried_at;
	return s->begun_unix_s - last >= ROUND_EVERY_S || last > s->begun_unix_s + WRONG_CLOCK_S;
}

/* A walk that was resumed has not counted the hosts of all teams. */
static bool round_due(const struct tenant_sync *s)
{
	if (s->options.details == DETAILS_NONE || s->report.resumed || s->list.order == LIST_BY_PAGE)
		return false;
	return s->options.details == DETAILS_ALL || long_ago(s);
}

void sync_enter_encryption(struct tenant_sync *s)
{
	bool needed = s->server.premium && server_at_least(&s->server, 4, 39) && !s->encryption.in_the_walk;
	s->encryption.begun_at = clock_unix_s();
	s->encryption.team = 0;
	s->encryption.word = 0;
	s->encryption.filters = s->encryption.worked = s->encryption.doubtful = false;
	s->encryption.list.per_page = s->list.per_page;
	if (!round_due(s))
		leave(s);
	else if (needed)
		next_list(s);
	else if (s->row.encryption_tried_at)
		end_round(s, ENCRYPTION_ROUND_NEEDLESS);
	else
		leave(s);
}
