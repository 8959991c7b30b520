#include "base/mem.h"
#include "net/loop.h"

#include <uv.h>

struct waker {
	uv_async_t uv;
	void (*woken)(void *arg);
	void *arg;
};

static void woken(uv_async_t *uv)
{
	struct waker *w = uv->data;
	/* libuv may still deliver a wake that was sent before the close. */
	if (!uv_is_closing((uv_handle_t *)uv))
		w->woken(w->arg);
}

int waker_new(struct waker **out, struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct waker *w = mem_zalloc(sizeof(*w));
	if (!w)
		return E_NOMEM;
	w->woken = fn;
	w->arg = arg;
	int rc = uv_async_init(loop_uv(l), &w->uv, woken);
	if (rc) {
		mem_free(w);
		return rc == UV_ENOMEM ? E_NOMEM : E_IO;
	}
	w->uv.data = w;
	*out = w;
	return OK;
}

void waker_wake(struct waker *w)
{
	uv_async_send(&w->uv);
}

static void closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

void waker_free(struct waker *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, closed);
}
