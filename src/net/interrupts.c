#include "base/mem.h"
#include "net/loop.h"

#include <signal.h>
#include <uv.h>

struct interrupts {
	uv_signal_t uv[2]; /* SIGINT, SIGTERM */
	int open, count;
	void (*stop)(void *arg, int count);
	void *arg;
};

static void came(uv_signal_t *uv, int signum)
{
	struct interrupts *i = uv->data;
	(void)signum;
	i->stop(i->arg, ++i->count);
}

static void closed(uv_handle_t *uv)
{
	struct interrupts *i = uv->data;
	if (--i->open == 0)
		mem_free(i);
}

int interrupts_new(struct interrupts **out, struct loop *l, void (*stop)(void *arg, int count), void *arg)
{
	static const int signals[2] = { SIGINT, SIGTERM };
	struct interrupts *i = mem_zalloc(sizeof(*i));
	if (!i)
		return E_NOMEM;
	i->stop = stop;
	i->arg = arg;
	for (int k = 0; k < 2; k++) {
		int rc = uv_signal_init(loop_uv(l), &i->uv[k]);
		if (rc == 0) {
			i->uv[k].data = i;
			i->open++;
			rc = uv_signal_start(&i->uv[k], came, signals[k]);
		}
		if (rc) {
			if (i->open)
				interrupts_free(i);
			else
				mem_free(i);
			return rc == UV_ENOMEM ? E_NOMEM : E_IO;
		}
		uv_unref((uv_handle_t *)&i->uv[k]);
	}
	*out = i;
	return OK;
}

void interrupts_free(struct interrupts *i)
{
	if (!i)
		return;
	for (int k = i->open - 1; k >= 0; k--)
		uv_close((uv_handle_t *)&i->uv[k], closed);
}
