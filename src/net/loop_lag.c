#include "base/mem.h"
#include "net/loop.h"

#include <uv.h>

struct loop_lag {
	uv_timer_t uv;
	uint64_t due_ns;
	void (*late)(void *arg, uint64_t late_us);
	void *arg;
};

enum { NS_PER_US = 1000, NS_PER_MS = 1000 * NS_PER_US };

static void fired(uv_timer_t *uv)
{
	struct loop_lag *w = uv->data;
	uint64_t now = uv_hrtime();
	uint64_t late_us = now > w->due_ns ? (now - w->due_ns) / NS_PER_US : 0;
	/* From now on and not from when it was due: one long callback is one
	 * late turn, not many. */
	w->due_ns = now + (uint64_t)LOOP_LAG_EVERY_MS * NS_PER_MS;
	w->late(w->arg, late_us);
}

static void closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

int loop_lag_new(struct loop_lag **out, struct loop *l, void (*late)(void *arg, uint64_t late_us), void *arg)
{
	struct loop_lag *w = mem_zalloc(sizeof(*w));
	if (!w)
		return E_NOMEM;
	w->late = late;
	w->arg = arg;
	w->due_ns = uv_hrtime() + (uint64_t)LOOP_LAG_EVERY_MS * NS_PER_MS;
	uv_timer_init(loop_uv(l), &w->uv);
	w->uv.data = w;
	uv_update_time(loop_uv(l));
	uv_timer_start(&w->uv, fired, LOOP_LAG_EVERY_MS, LOOP_LAG_EVERY_MS);
	uv_unref((uv_handle_t *)&w->uv);
	*out = w;
	return OK;
}

void loop_lag_free(struct loop_lag *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, closed);
}
