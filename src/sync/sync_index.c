/* SYNC_INDEX, and what can be built of the indexes while the first walk still
 * goes on: the writer has time then, and at the end everybody waits. */
#include "sync/sync_state.h"

enum { EARLY_HOSTS = 40 * 1000 };

static void submit_early(struct tenant_sync *s);

static void on_early_done(struct store_job *job, int rc)
{
	struct tenant_sync *s = (struct tenant_sync *)((char *)job - offsetof(struct tenant_sync, early.job));
	s->early.busy = false;
	if (s->failing)
		sync_settle(s);
	else if (rc == OK && s->early.job.more && s->state == SYNC_LIST)
		submit_early(s);
}

static void submit_early(struct tenant_sync *s)
{
	s->early.busy = true;
	s->early.job = (struct apply_index){
		.job = { .run = apply_index_run, .done = on_early_done },
		.tenant = s->row.number,
		.early = true,
	};
	writer_submit(s->env->writer, &s->early.job.job);
}

void sync_index_early(struct tenant_sync *s)
{
	if (s->row.indexed || s->early.busy || s->early.waiting < EARLY_HOSTS)
		return;
	s->early.waiting = 0;
	submit_early(s);
}

static void indexed(struct tenant_sync *s, int rc)
{
	(void)rc;
	if (s->job.index.more)
		sync_enter_index(s);
	else
		sync_enter(s, SYNC_END);
}

void sync_enter_index(struct tenant_sync *s)
{
	s->job.index = (struct apply_index){
		.job = { .run = apply_index_run },
		.tenant = s->row.number,
	};
	sync_job(s, indexed);
}
