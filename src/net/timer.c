#include "base/mem.h"
#include "net/loop.h"

#include <uv.h>

struct timer {
	uv_timer_t uv;
	void (*fire)(void *arg);
	void *arg;
};

int timer_new(struct timer **out, struct loop *l, void (*fire)(void *arg), void *arg)
{
	struct timer *t = mem_zalloc(sizeof(*t));
	if (!t)
		return E_NOMEM;
	uv_timer_init(loop_uv(l), &t->uv);
	t->uv.data = t;
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

void timer_arm(struct timer *t, uint64_t after_ms)
{
	/* libuv counts from the start of the loop's turn, which a long callback
	 * may have left far behind; the caller means from now. */
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, fired, after_ms, 0);
}

void timer_disarm(struct timer *t)
{
	uv_timer_stop(&t->uv);
}

static void closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

void timer_free(struct timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, closed);
}
