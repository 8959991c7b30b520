#include "daemon/keyring_line.h"

#include <stddef.h>

static void run(struct work *w)
{
	struct keyring_job *job = (struct keyring_job *)((char *)w - offsetof(struct keyring_job, work));
	job->rc = job->run(job, job->line->keyring);
}

static void done(struct work *w);

static int start(struct keyring_job *job)
{
	job->work = (struct work){ .run = run, .done = done };
	return work_start(job->line->work, &job->work);
}

/* The next one is started before the end of this one is told: work that is under
 * way is seen without a gap. */
static void done(struct work *w)
{
	struct keyring_job *job = (struct keyring_job *)((char *)w - offsetof(struct keyring_job, work));
	struct keyring_line *l = job->line;
	struct keyring_job *failed = NULL, **end = &failed;
	l->first = job->next;
	while (l->first && start(l->first) != OK) {
		*end = l->first;
		end = &l->first->next;
		l->first = l->first->next;
	}
	*end = NULL;
	job->done(job);
	while ((job = failed)) {
		failed = job->next;
		job->rc = err_set(&job->err, E_NOMEM, "out of memory");
		job->done(job);
	}
}

int keyring_line_add(struct keyring_line *l, struct keyring_job *job, struct err *e)
{
	struct keyring_job **at = &l->first;
	job->line = l;
	job->next = NULL;
	if (!l->first && start(job) != OK)
		return err_set(e, E_NOMEM, "out of memory");
	while (*at)
		at = &(*at)->next;
	*at = job;
	return OK;
}
