#include "store/writer.h"

#include "base/clock.h"
#include "base/must.h"
#include "store/group.h"
#include "store/limits.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <stdatomic.h>

static const double durable_bounds[] = {
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10
};
enum { DURABLE_BOUNDS = sizeof(durable_bounds) / sizeof(*durable_bounds) };

struct writer {
	struct store *s;
	pthread_t thread;
	void (*wake)(void *arg);
	void *arg;

	pthread_mutex_t lock;
	pthread_cond_t work;
	/* under the lock */
	struct store_job *queue, **queue_end;
	struct store_job *answers, **answers_end;
	bool stopping;
	struct writer_stat stat;

	atomic_size_t queued;
	/* of the writer thread: the group being filled */
	size_t group_hosts, group_bytes;
	int64_t group_begun_ms;
	struct writer_stat counting;
};

/* The next waiting job, if the group still has room for it. */
static struct store_job *take(struct writer *w)
{
	struct store_job *job = w->queue;
	w->queue = job->next;
	if (!w->queue)
		w->queue_end = &w->queue;
	job->next = NULL;
	w->group_hosts += job->hosts;
	w->group_bytes += job->bytes;
	return job;
}

static struct store_job *more(void *arg)
{
	struct writer *w = arg;
	struct store_job *job = NULL;
	if (w->group_hosts >= GROUP_HOSTS || w->group_bytes >= GROUP_BYTES ||
	    clock_mono_ms() - w->group_begun_ms >= GROUP_MS)
		return NULL;
	pthread_mutex_lock(&w->lock);
	if (w->queue)
		job = take(w);
	pthread_mutex_unlock(&w->lock);
	return job;
}

static struct store_job *wait_for_work(struct writer *w)
{
	struct store_job *job = NULL;
	pthread_mutex_lock(&w->lock);
	while (!w->queue && !w->stopping)
		pthread_cond_wait(&w->work, &w->lock);
	w->group_hosts = w->group_bytes = 0;
	if (w->queue)
		job = take(w);
	pthread_mutex_unlock(&w->lock);
	w->group_begun_ms = clock_mono_ms();
	return job;
}

static void answer(struct writer *w, struct store_job *jobs)
{
	pthread_mutex_lock(&w->lock);
	*w->answers_end = jobs;
	while (*w->answers_end)
		w->answers_end = &(*w->answers_end)->next;
	w->stat = w->counting;
	pthread_mutex_unlock(&w->lock);
	w->wake(w->arg);
}

/* What is committed can wait a moment; what is on the network should not. */
enum { WRITER_NICE = 10 };

static void *run(void *arg)
{
	struct writer *w = arg;
	prctl(PR_SET_NAME, "writer");
	setpriority(PRIO_PROCESS, (id_t)gettid(), WRITER_NICE);
	for (struct store_job *job; (job = wait_for_work(w));)
		answer(w, group_run(w->s, job, more, w, &w->counting));
	/* What lags is repeated by the next walk if this fails. */
	txn_write_lagging(w->s);
	return NULL;
}

/* Signals are the loop thread's. */
static int start_thread(struct writer *w)
{
	sigset_t all, old;
	sigfillset(&all);
	/* raised by the thread's own reading; blocked it would kill without a word */
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int writer_start(struct writer **out, struct store *s, void (*wake)(void *arg), void *arg, struct err *e)
{
	struct writer *w = mem_zalloc(sizeof(*w));
	*out = NULL;
	if (!w)
		return err_set(e, E_NOMEM, "out of memory while starting the writer");
	must(!s->read_only);
	w->s = s;
	w->wake = wake;
	w->arg = arg;
	w->queue_end = &w->queue;
	w->answers_end = &w->answers;
	histogram_init(&w->counting.durable, durable_bounds, DURABLE_BOUNDS);
	w->stat = w->counting;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	if (start_thread(w)) {
		pthread_mutex_destroy(&w->lock);
		pthread_cond_destroy(&w->work);
		mem_free(w);
		return err_set(e, E_NOMEM,
			       "the writer's thread could not be started; check the limit of processes");
	}
	*out = w;
	return OK;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	writer_answer(w);
	/* A done() may have submitted once more: there is nobody left to run it. */
	while (w->queue) {
		struct store_job *job = take(w);
		job->rc = err_set(&job->err, E_CANCELLED, "the store is being closed");
		atomic_fetch_sub(&w->queued, 1);
		job->done(job, job->rc);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	mem_free(w);
}

void writer_submit(struct writer *w, struct store_job *job)
{
	must(job->run && job->done);
	job->next = NULL;
	atomic_fetch_add(&w->queued, 1);
	pthread_mutex_lock(&w->lock);
	*w->queue_end = job;
	w->queue_end = &job->next;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void writer_answer(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	struct store_job *job = w->answers;
	w->answers = NULL;
	w->answers_end = &w->answers;
	pthread_mutex_unlock(&w->lock);
	while (job) {
		struct store_job *next = job->next;
		job->next = NULL;
		atomic_fetch_sub(&w->queued, 1);
		job->done(job, job->rc);
		job = next;
	}
}

size_t writer_queued(const struct writer *w)
{
	return atomic_load(&w->queued);
}

int writer_run_now(struct store *s, struct store_job *job)
{
	struct writer_stat stat = { 0 };
	histogram_init(&stat.durable, durable_bounds, DURABLE_BOUNDS);
	job->next = NULL;
	group_run(s, job, NULL, NULL, &stat);
	return job->rc;
}

void writer_stat(struct writer *w, struct writer_stat *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stat;
	pthread_mutex_unlock(&w->lock);
}
