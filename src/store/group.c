#include "store/group.h"

#include "base/clock.h"

static int commit(struct store *s, int64_t begun_ns, struct writer_stat *stat)
{
	int64_t begun = clock_mono_ns();
	int rc = txn_commit(&s->txn);
	int64_t now = clock_mono_ns();
	uint64_t took = (uint64_t)(now - begun);
	if (rc == OK)
		histogram_observe(&stat->durable, (double)(now - begun_ns) / 1e9);
	stat->commits++;
	stat->commit_ns_total += took;
	if (took > stat->commit_ns_max)
		stat->commit_ns_max = took;
	return rc;
}

/* Runs the jobs up to `end` (NULL: all, and then more) in one transaction;
 * `last` is the one that was run last. */
static int attempt(struct store *s, struct store_job *first, const struct store_job *end,
		   struct store_job *(*more)(void *arg), void *arg, struct writer_stat *stat)
{
	struct store_txn *t = &s->txn;
	int64_t begun_ns = clock_mono_ns();
	int rc = txn_begin(t);
	for (struct store_job *job = first; job && job != end && !rc;) {
		rc = job->run(job, t);
		if (!rc && !job->next && more && end == NULL)
			job->next = more(arg);
		job = job->next;
	}
	if (!rc)
		return commit(s, begun_ns, stat);
	txn_abort(t);
	stat->rollbacks++;
	return rc;
}

/* Again after every growing of the map; a job that does not fit into one that
 * was doubled six times will never do. */
static int attempt_growing(struct store *s, struct store_job *first, const struct store_job *end,
			   struct store_job *(*more)(void *arg), void *arg, struct writer_stat *stat)
{
	int rc = attempt(s, first, end, more, arg, stat);
	for (int grown = 0; rc == E_MAP_FULL && grown < 6; grown++) {
		if ((rc = store_grow(s, &s->txn.err)))
			return rc;
		stat->grown++;
		rc = attempt(s, first, end, NULL, NULL, stat);
	}
	return rc;
}

static void settle(struct store *s, struct store_job *job, int rc, struct writer_stat *stat)
{
	job->rc = rc;
	job->err = (struct err){ 0 };
	stat->jobs++;
	if (rc == OK || err_class(rc) == ERR_CLASS_SYSTEM)
		stat->failing = rc;
	if (!rc)
		return;
	stat->failed[rc - ERR_FIRST_]++;
	if (s->txn.err.code)
		job->err = s->txn.err;
	else
		err_set(&job->err, rc, "writing to the store \"%s\" failed: %s", s->path, err_meaning(rc));
}

struct store_job *group_run(struct store *s, struct store_job *first, struct store_job *(*more)(void *arg),
			    void *arg, struct writer_stat *stat)
{
	int rc = attempt_growing(s, first, NULL, more, arg, stat);
	bool alone = !first->next;
	for (struct store_job *job = first; job; job = job->next) {
		if (rc && !alone)
			settle(s, job, attempt_growing(s, job, job->next, NULL, NULL, stat), stat);
		else
			settle(s, job, rc, stat);
	}
	return first;
}
