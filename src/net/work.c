#include "net/work.h"

#include "base/mem.h"
#include "base/must.h"

#include <uv.h>

struct work_queue {
	struct loop *loop;
	size_t busy;
	atomic_size_t begun; /* of those that are busy, the ones a thread took */
};

struct running {
	uv_work_t uv;
	struct work *work;
	struct work_queue *queue;
	bool begun;
};

int work_queue_new(struct work_queue **out, struct loop *l)
{
	struct work_queue *q = mem_zalloc(sizeof(*q));
	if (!q)
		return E_NOMEM;
	q->loop = l;
	*out = q;
	return OK;
}

static void run(uv_work_t *uv)
{
	struct running *r = uv->data;
	r->begun = true;
	atomic_fetch_add(&r->queue->begun, 1);
	/* Cancelled between being taken by a thread and here. */
	if (!atomic_load(&r->work->cancelled))
		r->work->run(r->work);
}

static void ran(uv_work_t *uv, int status)
{
	struct running *r = uv->data;
	struct work *w = r->work;
	(void)status; /* `cancelled` says it */
	r->queue->busy--;
	if (r->begun)
		atomic_fetch_sub(&r->queue->begun, 1);
	w->own = NULL;
	mem_free(r);
	w->done(w);
}

int work_start(struct work_queue *q, struct work *w)
{
	struct running *r = mem_zalloc(sizeof(*r));
	if (!r)
		return E_NOMEM;
	r->uv.data = r;
	r->work = w;
	r->queue = q;
	w->own = r;
	atomic_store(&w->cancelled, false);
	/* It fails only without a function to run. */
	must(uv_queue_work(loop_uv(q->loop), &r->uv, run, ran) == 0);
	q->busy++;
	return OK;
}

void work_cancel(struct work *w)
{
	struct running *r = w->own;
	must(r != NULL);
	atomic_store(&w->cancelled, true);
	/* Refused once a thread has it; run() may look at `cancelled` then. */
	(void)uv_cancel((uv_req_t *)&r->uv);
}

void work_queue_free(struct work_queue *q)
{
	if (!q)
		return;
	must(q->busy == 0);
	mem_free(q);
}

size_t work_queue_busy(const struct work_queue *q)
{
	return q->busy;
}

size_t work_queue_waiting(const struct work_queue *q)
{
	return q->busy - atomic_load(&q->begun);
}
