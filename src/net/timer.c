#include "base/mem.h"
#include "net/loop.h"

#include <uv.h>

struct timer {
	uv_timer_t uv;
	uv_idle_t next_turn; /* for a time of 0 */
	int open;
	void (*fire)(void *arg);
	void *arg;
};

int timer_new(struct timer **out, struct loop *l, void (*fire)(void *arg), void *arg)
{
	struct timer *t = mem_zalloc(sizeof(*t));
	if (!t)
		return E_NOMEM;
	uv_timer_init(loop_uv(l), &t->uv);
	uv_idle_init(loop_uv(l), &t->next_turn);
	t->uv.data = t->next_turn.data = t;
	t->open = 2;
	t->fire = fire;
	t->arg = arg;
	*out = t;
	return OK;
}

static void fired(uv_timer_t *uv)
{
	struct timer *t = uv->data;
	t->fire(t->arg);
}

static void turned(uv_idle_t *uv)
{
	struct timer *t = uv->data;
	uv_idle_stop(uv);
	t->fire(t->arg);
}

/* libuv 1.44 runs every timer that is due before it looks at any socket, also
 * those that were armed meanwhile: a timer of 0 that arms itself again would
 * never let it. So 0 is an idle handle, which runs once a turn, and the loop's
 * idea of the time, which a long callback may have left far behind, is not
 * moved on; what it lags is added instead. */
void timer_arm(struct timer *t, uint64_t after_ms)
{
	timer_disarm(t);
	if (after_ms == 0) {
		uv_idle_start(&t->next_turn, turned);
		return;
	}
	uint64_t now = uv_hrtime() / 1000000, turn = uv_now(t->uv.loop);
	uint64_t lag = now > turn ? now - turn : 0;
	uv_timer_start(&t->uv, fired, after_ms > UINT64_MAX - lag ? after_ms : after_ms + lag, 0);
}

void timer_disarm(struct timer *t)
{
	uv_timer_stop(&t->uv);
	uv_idle_stop(&t->next_turn);
}

static void closed(uv_handle_t *uv)
{
	struct timer *t = uv->data;
	if (--t->open == 0)
		mem_free(t);
}

void timer_free(struct timer *t)
{
	if (!t)
		return;
	uv_close((uv_handle_t *)&t->uv, closed);
	uv_close((uv_handle_t *)&t->next_turn, closed);
}
