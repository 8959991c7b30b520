#include "sync/turns.h"

#include "base/must.h"

#include <utlist.h>

void turns_init(struct turns *ts, const struct turns_limits *limits, void (*wake)(void *arg), void *arg)
{
	*ts = (struct turns){ .wake = wake, .wake_arg = arg };
	turns_set_limits(ts, limits);
}

static bool fits(const struct turns *ts, uint64_t bytes)
{
	const uint64_t budget = ts->limits.unproven_bytes;
	return ts->bytes == 0 || (ts->bytes <= budget && bytes <= budget - ts->bytes);
}

/* Whose turn it is, NULL: nobody's. */
static struct turns_tenant *next_in_line(const struct turns *ts)
{
	struct turns_tenant *pages = ts->pages, *plain = ts->plain;
	if (ts->running >= ts->limits.transfers)
		return NULL;
	if (pages && !fits(ts, pages->first->bytes))
		pages = NULL;
	if (!pages || !plain)
		return pages ? pages : plain;
	return pages->place < plain->place ? pages : plain;
}

static void wake_if_ready(struct turns *ts)
{
	if (ts->woken || ts->in_run || !next_in_line(ts))
		return;
	ts->woken = true;
	ts->wake(ts->wake_arg);
}

void turns_set_limits(struct turns *ts, const struct turns_limits *limits)
{
	must(limits->transfers > 0 && limits->unproven_bytes > 0);
	ts->limits = *limits;
	wake_if_ready(ts);
}

static void leave_line(struct turns *ts, struct turns_tenant *n)
{
	if (n->in_pages)
		DL_DELETE(ts->pages, n);
	else
		DL_DELETE(ts->plain, n);
}

static void join_end(struct turns *ts, struct turns_tenant *n)
{
	n->place = ts->place++;
	n->in_pages = n->first->bytes > 0;
	if (n->in_pages)
		DL_APPEND(ts->pages, n);
	else
		DL_APPEND(ts->plain, n);
}

static void stop_waiting(struct turn *t)
{
	struct turns *ts = t->turns;
	DL_DELETE(t->tenant->first, t);
	DL_DELETE2(ts->oldest, t, older, younger);
	ts->waiting--;
}

void turn_init(struct turn *t, struct turns *ts, struct turns_tenant *tenant, void (*granted)(struct turn *t))
{
	*t = (struct turn){ .turns = ts, .tenant = tenant, .granted = granted };
}

void turn_ask(struct turn *t, uint64_t bytes, int64_t now_ms)
{
	struct turns *ts = t->turns;
	must(t->state == TURN_IDLE);
	bool alone = !t->tenant->first;
	t->state = TURN_WAITING;
	t->bytes = bytes;
	t->asked_ms = now_ms;
	DL_APPEND(t->tenant->first, t);
	DL_APPEND2(ts->oldest, t, older, younger);
	ts->waiting++;
	if (alone)
		join_end(ts, t->tenant);
	wake_if_ready(ts);
}

static void grant(struct turns *ts, struct turns_tenant *n, int64_t now_ms)
{
	struct turn *t = n->first;
	must(t != NULL);
	leave_line(ts, n);
	stop_waiting(t);
	if (n->first)
		join_end(ts, n);
	t->state = TURN_RUNNING;
	ts->running++;
	ts->bytes += t->bytes;
	ts->granted++;
	ts->waited_ms += now_ms > t->asked_ms ? (uint64_t)(now_ms - t->asked_ms) : 0;
	t->granted(t);
}

/* No more than wait at the beginning, so that those who ask again when they are
 * granted do not keep the loop here. */
void turns_run(struct turns *ts, int64_t now_ms)
{
	struct turns_tenant *n;
	must(!ts->in_run);
	ts->in_run = true;
	ts->woken = false;
	for (uint32_t left = ts->waiting; left > 0 && (n = next_in_line(ts)); left--)
		grant(ts, n, now_ms);
	ts->in_run = false;
	wake_if_ready(ts);
}

static bool holds(const struct turn *t)
{
	return t->state == TURN_RUNNING || t->state == TURN_HOLDING;
}

bool turn_grow(struct turn *t, uint64_t more)
{
	struct turns *ts = t->turns;
	must(holds(t));
	/* alone it may be larger than the budget, as when it asks */
	if (more > UINT64_MAX - ts->bytes || (ts->bytes != t->bytes && !fits(ts, more)))
		return false;
	t->bytes += more;
	ts->bytes += more;
	return true;
}

void turn_shrink(struct turn *t, uint64_t bytes)
{
	must(holds(t) && bytes <= t->bytes);
	t->turns->bytes -= t->bytes - bytes;
	t->bytes = bytes;
	if (t->state == TURN_HOLDING && bytes == 0)
		t->state = TURN_IDLE;
	wake_if_ready(t->turns);
}

void turn_transferred(struct turn *t)
{
	must(t->state == TURN_RUNNING);
	t->state = t->bytes ? TURN_HOLDING : TURN_IDLE;
	t->turns->running--;
	wake_if_ready(t->turns);
}

void turn_hand_bytes(struct turn *from, struct turn *to)
{
	must(to->state == TURN_IDLE && holds(from) && from->turns == to->turns);
	to->bytes = from->bytes;
	to->state = to->bytes ? TURN_HOLDING : TURN_IDLE;
	from->bytes = 0;
	if (from->state == TURN_HOLDING)
		from->state = TURN_IDLE;
}

/* The tenant's next request takes over its place, unless that is in the other
 * part of the line. */
static void leave(struct turn *t)
{
	struct turns *ts = t->turns;
	struct turns_tenant *n = t->tenant;
	bool first = n->first == t;
	stop_waiting(t);
	if (first && (!n->first || (n->first->bytes > 0) != n->in_pages)) {
		leave_line(ts, n);
		if (n->first)
			join_end(ts, n);
	}
}

void turn_cancel(struct turn *t)
{
	struct turns *ts = t->turns;
	if (t->state == TURN_IDLE)
		return;
	if (t->state == TURN_WAITING) {
		leave(t);
	} else {
		ts->running -= t->state == TURN_RUNNING;
		ts->bytes -= t->bytes;
	}
	t->state = TURN_IDLE;
	t->bytes = 0;
	wake_if_ready(ts);
}

void turns_stat(const struct turns *ts, int64_t now_ms, struct turns_stat *out)
{
	int64_t longest = ts->oldest ? now_ms - ts->oldest->asked_ms : 0;
	*out = (struct turns_stat){ .running = ts->running,
				    .waiting = ts->waiting,
				    .bytes = ts->bytes,
				    .longest_wait_ms = longest > 0 ? longest : 0,
				    .granted = ts->granted,
				    .waited_ms = ts->waited_ms };
}
