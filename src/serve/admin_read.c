#include "base/mem.h"
#include "base/must.h"
#include "serve/admin_state.h"

#include <stddef.h>
#include <utlist.h>

/* One row may be longer than a slice. */
enum { ROWS_MAX = 8 << 20 };

static struct call *call_of(struct reader *r)
{
	return (struct call *)((char *)r - offsetof(struct call, reader));
}

static void finish(struct reader *r, int rc)
{
	struct err e = r->err;
	r->state = READER_NONE;
	buf_release(&r->rows);
	r->read.done(&call_of(r)->pub, r->read.arg, rc, &e);
}

/* done() comes on the loop's next turn. */
static void end_soon(struct reader *r, int rc)
{
	struct admin *a = call_of(r)->admin;
	r->rc = err_set(&r->err, rc, "%s", err_meaning(rc));
	r->state = READER_ENDS;
	DL_APPEND(a->ending, r);
	timer_arm(a->turn, 0);
}

void readers_settle(struct admin *a)
{
	while (a->ending) {
		struct reader *r = a->ending;
		DL_DELETE(a->ending, r);
		finish(r, r->rc);
	}
}

static void run(struct work *w)
{
	struct reader *r = (struct reader *)((char *)w - offsetof(struct reader, work));
	r->more = false;
	r->rc = r->read.slice(r->read.arg, &r->rows, &r->more, &r->err);
	if (!r->rc && r->rows.failed)
		r->rc = err_set(&r->err, r->rows.failed, "a row is too long, or there is no memory for it");
}

static void start_waiting(struct admin *a)
{
	while (a->waiting && a->running < ADMIN_READERS) {
		struct reader *r = a->waiting;
		DL_DELETE(a->waiting, r);
		if (work_start(a->options.work, &r->work)) {
			end_soon(r, E_NOMEM);
			continue;
		}
		r->state = READER_RUNS;
		a->running++;
	}
}

static void wait_for_turn(struct reader *r)
{
	struct admin *a = call_of(r)->admin;
	r->state = READER_WAITS;
	DL_APPEND(a->waiting, r);
	start_waiting(a);
}

static void give_out(struct reader *r)
{
	struct admin_call *call = &call_of(r)->pub;
	admin_rows(call, buf_slice(&r->rows));
	if (!r->more) {
		finish(r, OK);
	} else if (admin_full(call)) {
		buf_release(&r->rows);
		r->state = READER_DRAINS;
	} else {
		buf_reset(&r->rows);
		wait_for_turn(r);
	}
}

static void ran(struct work *w)
{
	struct reader *r = (struct reader *)((char *)w - offsetof(struct reader, work));
	struct call *c = call_of(r);
	struct admin *a = c->admin;
	must(r->state == READER_RUNS);
	a->running--;
	if (!c->connection)
		finish(r, err_set(&r->err, E_CANCELLED, "the peer has gone"));
	else if (r->rc)
		finish(r, r->rc);
	else
		give_out(r);
	start_waiting(a);
}

void reader_drained(struct reader *r)
{
	wait_for_turn(r);
}

void reader_cancel(struct reader *r)
{
	struct admin *a = call_of(r)->admin;
	if (r->state == READER_RUNS) {
		work_cancel(&r->work);
		return;
	}
	/* E_NOMEM stays what it is. */
	if (r->state == READER_ENDS)
		return;
	if (r->state == READER_WAITS)
		DL_DELETE(a->waiting, r);
	finish(r, err_set(&r->err, E_CANCELLED, "the peer has gone"));
}

void admin_read(struct admin_call *call, const struct admin_read *read)
{
	struct reader *r = &((struct call *)call)->reader;
	must(r->state == READER_NONE);
	*r = (struct reader){ .read = *read, .work = { .run = run, .done = ran } };
	buf_init(&r->rows, ROWS_MAX);
	if (admin_gone(call))
		end_soon(r, E_CANCELLED);
	else
		wait_for_turn(r);
}
