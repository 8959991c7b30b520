#include "net/poller.h"

#include "base/mem.h"

#include <uv.h>

struct poller {
	uv_poll_t uv;
	void (*readable)(void *arg);
	void *arg;
};

static void ready(uv_poll_t *uv, int status, int events)
{
	struct poller *p = uv->data;
	(void)status; /* its owner meets the error when it reads */
	(void)events;
	p->readable(p->arg);
}

static void closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

int poller_new(struct poller **out, struct loop *l, int fd, void (*readable)(void *arg), void *arg)
{
	struct poller *p = mem_zalloc(sizeof(*p));
	if (!p)
		return E_NOMEM;
	p->readable = readable;
	p->arg = arg;
	int rc = uv_poll_init(loop_uv(l), &p->uv, fd);
	if (rc) {
		mem_free(p);
		return rc == UV_ENOMEM ? E_NOMEM : E_IO;
	}
	p->uv.data = p;
	rc = uv_poll_start(&p->uv, UV_READABLE, ready);
	if (rc) {
		uv_close((uv_handle_t *)&p->uv, closed);
		return rc == UV_ENOMEM ? E_NOMEM : E_IO;
	}
	*out = p;
	return OK;
}

void poller_free(struct poller *p)
{
	if (p)
		uv_close((uv_handle_t *)&p->uv, closed);
}
