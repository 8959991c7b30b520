#include "sync/call.h"

#include "base/arena.h"
#include "base/log.h"
#include "fleet/answer.h"
#include "sync/backoff.h"
#include "sync/redact.h"
#include "sync/sync_state.h"

#include <stdio.h>

enum {
	TEXT_BODY_MAX = 2 * 1024 * 1024,
	CONNECT_MS = 10000,
	TOKEN_FROM_MAX = 100,
	FIRST_PAGE_BYTES = 256 * 1024, /* of memory, until a page has told */
};

static void ask(struct call *c);

/* ---- its turn ---- */

/* Who waits for others is not the server's fault. */
static void forgive(struct tenant_sync *s, int64_t waited_ms)
{
	int64_t now = sync_now_ms();
	s->proven_ms = now - s->proven_ms > waited_ms ? s->proven_ms + waited_ms : now;
}

static void on_granted(struct turn *t)
{
	struct call *c = (struct call *)((char *)t - offsetof(struct call, turn));
	forgive(c->sync, sync_now_ms() - t->asked_ms);
	ask(c);
}

static void on_timer(void *arg)
{
	struct call *c = arg;
	uint64_t last = c->page_memory;
	if (c->plan->in_turn && c->sync->env->turns)
		turn_ask(&c->turn, last ? last + last / 4 : FIRST_PAGE_BYTES, sync_now_ms());
	else
		ask(c);
}

/* The page under way takes more than was asked for. */
static int make_room(struct call *c)
{
	uint64_t memory = page_parser_memory(c->parser), held = c->turn.bytes;
	if (c->turn.state == TURN_IDLE)
		return OK;
	c->page_memory = memory;
	c->crowded = memory > held && !turn_grow(&c->turn, memory - held);
	return c->crowded ? E_LIMIT : OK;
}

/* The page is whole and its parser about to go. */
static void fit_turn(struct call *c)
{
	if (c->turn.state == TURN_IDLE)
		return;
	c->page_memory = arena_held(c->page->arena);
	if (c->page_memory < c->turn.bytes)
		turn_shrink(&c->turn, c->page_memory);
}

void call_hand_bytes(struct call *c, struct turn *to)
{
	if (c->turn.state == TURN_IDLE)
		return;
	turn_init(to, c->turn.turns, c->turn.tenant, NULL);
	turn_hand_bytes(&c->turn, to);
}

/* ---- its life ---- */

int call_init(struct call *c, struct tenant_sync *s)
{
	*c = (struct call){ .sync = s };
	buf_init(&c->path, 4096);
	buf_init(&c->body, TEXT_BODY_MAX);
	if (s->env->turns)
		turn_init(&c->turn, s->env->turns, &s->turns_tenant, on_granted);
	return timer_new(&c->timer, s->env->loop, on_timer, c);
}

static void drop_answer(struct call *c)
{
	page_parser_free(c->parser);
	c->parser = NULL;
	page_free(c->page);
	c->page = NULL;
	buf_reset(&c->body);
}

void call_cancel(struct call *c)
{
	if (c->exchange)
		http_cancel(c->exchange);
	c->exchange = NULL;
	if (c->timer)
		timer_disarm(c->timer);
	drop_answer(c);
	turn_cancel(&c->turn);
	c->busy = false;
}

void call_release(struct call *c)
{
	call_cancel(c);
	timer_free(c->timer);
	c->timer = NULL;
	buf_release(&c->path);
	buf_release(&c->body);
}

static void finish(struct call *c, int rc)
{
	page_parser_free(c->parser);
	c->parser = NULL;
	c->busy = false;
	c->plan->done(c, rc);
	turn_cancel(&c->turn);
	/* done() may have started the next call on this struct */
	if (!c->busy)
		drop_answer(c);
}

/* What is worth asking again. Malformed and misplaced answers are: a proxy in
 * trouble sends them in place of the server for a while. */
static bool retryable(const struct call *c, int rc)
{
	switch (rc) {
	case E_THROTTLED:
	case E_SYNTAX:
	case E_ORDER:
		return true;
	case E_NOT_FLEET:
		return c->worked_before && c->result.status != 404;
	default:
		return err_class(rc) == ERR_CLASS_RETRY;
	}
}

static void ask_later(struct call *c, uint64_t wait_ms)
{
	drop_answer(c);
	turn_cancel(&c->turn);
	timer_arm(c->timer, wait_ms);
}

/* A page that found no room is asked for again whatever its size: it stands in
 * line for more than it had, in the end for all there is. */
static void failed(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	enum call_turn turn = c->plan->failed ? c->plan->failed(c, rc) : CALL_JUDGE;
	if (c->crowded)
		log_event(LOG_INFO, "sync", "no room for a page", "tenant", LOG_S(s->conf->name), "bytes",
			  LOG_I(c->page_memory));
	if (turn == CALL_AGAIN || c->crowded) {
		c->attempt--;
		ask_later(c, 0);
		return;
	}
	s->report.retry_after_s = c->result.retry_after_s;
	if (turn == CALL_STOP || !retryable(c, rc)) {
		finish(c, rc);
		return;
	}
	unsigned most = c->plan->max_attempts ? c->plan->max_attempts : s->options.max_attempts;
	if (c->attempt >= most) {
		if (most > 1)
			err_prefix(&c->err, "given up after %u attempts", c->attempt);
		finish(c, rc);
		return;
	}
	uint64_t wait =
		backoff_ms(&s->env->random, s->options.backoff_base_ms, c->attempt, c->result.retry_after_s);
	int64_t left = s->proven_ms + s->options.unproven_ms - sync_now_ms();
	if ((int64_t)wait > left) {
		err_prefix(&c->err,
			   "given up, no page was proven for %u s and the next attempt would be in %llu s",
			   s->options.unproven_ms / 1000, (unsigned long long)wait / 1000);
		finish(c, rc);
		return;
	}
	s->report.total.retries++;
	log_event(LOG_INFO, "sync", "trying again", "tenant", LOG_S(s->conf->name), "what",
		  LOG_S(c->plan->what), "attempt", LOG_I(c->attempt), "wait_ms", LOG_I(wait), "reason",
		  LOG_S(c->err.text));
	ask_later(c, wait);
}

static int on_body(void *arg, long status, const void *data, size_t n)
{
	struct call *c = arg;
	c->sync->report.total.bytes += n;
	if (status == 200 && c->parser) {
		int rc = page_parser_feed(c->parser, data, n);
		return rc ? rc : make_room(c);
	}
	size_t most = status == 200 ? TEXT_BODY_MAX : ANSWER_BODY_MAX;
	if (c->body.len < most)
		buf_add(&c->body, data, n < most - c->body.len ? n : most - c->body.len);
	return c->body.failed;
}

static int look_at_answer(struct call *c)
{
	const struct http_result *r = &c->result;
	struct err parsed;
	if (r->status != 0 && (r->status < 200 || r->status >= 300)) {
		struct answer a = { r->status, r->location, buf_slice(&c->body), c->worked_before };
		c->allowlist = answer_is_allowlist(&a);
		c->from_fleet = answer_is_fleet(&a);
		return answer_verdict(&a, c->plan->what, &c->err);
	}
	if (c->crowded)
		return err_set(&c->err, E_LIMIT,
			       "%s found no room beside other pages that are not in the store yet",
			       c->plan->what);
	if (r->rc != OK) {
		c->err = r->err;
		/* the parser ended it, and knows better why */
		if (c->parser && r->status == 200 &&
		    page_parser_finish(c->parser, &c->page, &parsed) == r->rc)
			c->err = parsed;
		err_prefix(&c->err, "%s", c->plan->what);
		return r->rc;
	}
	if (r->status != 200)
		return err_set(&c->err, E_NOT_FLEET,
			       "%s was answered with status %ld where Fleet sends 200; something on the way "
			       "changes answers",
			       c->plan->what, r->status);
	if (!c->plan->parse)
		return OK;
	c->last_id = page_parser_last_id(c->parser);
	int rc = page_parser_finish(c->parser, &c->page, &c->err);
	if (rc != OK)
		err_prefix(&c->err, "%s", c->plan->what);
	else
		fit_turn(c);
	return rc;
}

/* Fleet refused the token: says in which file or variable it is to be replaced. */
static void name_token(struct err *e, const char *from)
{
	size_t n = strlen(e->text);
	if (from)
		snprintf(e->text + n, sizeof(e->text) - n, " (%.*s)", TOKEN_FROM_MAX, from);
}

static int judge(struct call *c)
{
	const struct conf_tenant *conf = c->sync->conf;
	c->allowlist = c->from_fleet = false;
	int rc = look_at_answer(c);
	if (rc == OK)
		return OK;
	if (rc == E_TOKEN && c->from_fleet)
		name_token(&c->err, conf->token_from);
	redact(c->err.text, conf->token);
	for (const char *const *h = conf->headers; h && *h; h++) {
		const char *value = strchr(*h, ':');
		redact(c->err.text, value ? value + 1 + strspn(value + 1, " ") : NULL);
	}
	return rc;
}

static enum sync_endpoint endpoint_of(const struct call_plan *plan)
{
	if (!plan->parse)
		return plan->endpoint;
	return plan->shape == PAGE_DETAIL ? ENDPOINT_HOST : ENDPOINT_HOSTS;
}

static void tell_observer(const struct call *c, int rc)
{
	const struct sync_observer *o = c->sync->env->observer;
	struct sync_exchange x = { c->sync->conf, endpoint_of(c->plan), rc, &c->result };
	if (o)
		o->exchanged(o->arg, &x);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct call *c = arg;
	c->exchange = NULL;
	c->result = *r;
	forgive(c->sync, r->waited_ms);
	c->sync->report.total.requests++;
	int rc = judge(c);
	tell_observer(c, rc);
	if (rc == OK)
		finish(c, OK);
	else
		failed(c, rc);
}

static void ask(struct call *c)
{
	struct tenant_sync *s = c->sync;
	const struct conf_limits *l = &s->conf->limits;
	int rc = OK;
	drop_answer(c);
	c->crowded = false;
	c->attempt++;
	c->result = (struct http_result){ .retry_after_s = -1 };
	c->limits = c->plan->limits;
	buf_reset(&c->path);
	c->plan->path(c, &c->path);
	/* Half a path may be another question, whose answer deletes a host. */
	if (!*buf_cstr(&c->path))
		rc = E_NOMEM;
	if (rc == OK && c->plan->parse)
		rc = page_parser_new(&c->parser, c->plan->shape, &c->limits);
	struct http_request request = {
		.method = "GET",
		.path = buf_cstr(&c->path),
		.max_body_bytes = c->plan->parse ? l->body_bytes : TEXT_BODY_MAX,
		.connect_ms = CONNECT_MS,
		.first_byte_ms = l->first_byte_ms,
		.total_ms = l->request_ms,
		.on_body = on_body,
		.on_done = on_done,
		.arg = c,
	};
	if (rc == OK)
		rc = http_start(&c->exchange, s->origin, &request, &c->err);
	else
		err_set(&c->err, rc, "out of memory");
	if (rc != OK)
		finish(c, rc);
}

void call_start(struct call *c, const struct call_plan *plan)
{
	c->plan = plan;
	c->attempt = 0;
	c->busy = true;
	/* a timer of 0, so that done() never comes from inside */
	timer_arm(c->timer, 0);
}
