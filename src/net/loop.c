#include "net/loop_state.h"

#include "base/mem.h"

#include <signal.h>

int loop_new(struct loop **out, struct err *e)
{
	struct loop *l = mem_zalloc(sizeof(*l));
	if (!l)
		return err_set(e, E_NOMEM, "out of memory for the event loop");
	int rc = uv_loop_init(&l->uv);
	if (rc) {
		mem_free(l);
		return err_set(e, rc == UV_ENOMEM ? E_NOMEM : E_IO, "the event loop could not be made: %s",
			       uv_strerror(rc));
	}
	TAILQ_INIT(&l->lingering);
	signal(SIGPIPE, SIG_IGN);
	*out = l;
	return OK;
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static void count_open(uv_handle_t *h, void *open)
{
	if (!uv_is_closing(h))
		++*(int *)open;
}

int loop_free(struct loop *l)
{
	if (!l)
		return OK;
	struct loop_lingering *x;
	int open = 0;
	while ((x = TAILQ_FIRST(&l->lingering)))
		x->end(x);
	uv_walk(&l->uv, count_open, &open);
	if (open)
		return E_INTERNAL;
	/* Only closing handles are left, so this ends as soon as they are gone;
	 * twice because a stop that nobody ran yet ends the first one at once. */
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&l->uv))
		return E_INTERNAL;
	mem_free(l);
	return OK;
}

struct uv_loop_s *loop_uv(struct loop *l)
{
	return &l->uv;
}
