#include "base/mem.h"
#include "net/loop.h"

#include <uv.h>

struct signal_watch {
	uv_signal_t uv;
	void (*came)(void *arg);
	void *arg;
};

static void came(uv_signal_t *uv, int signum)
{
	struct signal_watch *w = uv->data;
	(void)signum;
	/* libuv may still deliver one that was caught before the close. */
	if (!uv_is_closing((uv_handle_t *)uv))
		w->came(w->arg);
}

static void closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

int signal_watch_new(struct signal_watch **out, struct loop *l, int signum, void (*fn)(void *arg), void *arg)
{
	struct signal_watch *w = mem_zalloc(sizeof(*w));
	if (!w)
		return E_NOMEM;
	w->came = fn;
	w->arg = arg;
	int rc = uv_signal_init(loop_uv(l), &w->uv);
	if (rc) {
		mem_free(w);
		return rc == UV_ENOMEM ? E_NOMEM : E_IO;
	}
	w->uv.data = w;
	rc = uv_signal_start(&w->uv, came, signum);
	if (rc) {
		uv_close((uv_handle_t *)&w->uv, closed);
		return rc == UV_ENOMEM ? E_NOMEM : E_IO;
	}
	uv_unref((uv_handle_t *)&w->uv);
	*out = w;
	return OK;
}

void signal_watch_free(struct signal_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, closed);
}
