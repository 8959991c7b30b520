/* The one thread that writes. Jobs are handed over from the loop thread, taken
 * in order, several to one transaction (group commit), and answered on the
 * loop thread once they are durable.
 *
 * A group is committed when nothing more is waiting, or when it holds about
 * 2,000 hosts, 16 MiB of page bytes or is 2 s old. If one job fails, the whole
 * group is rolled back and its jobs are run again one by one, so a job must not
 * change its inputs and must overwrite its outputs. MDB_MAP_FULL: rolled back,
 * the map grown behind a barrier that waits for this process' readers, run again. */
#pragma once

#include "base/histogram.h"
#include "store/store.h"

struct store_txn; /* a write transaction and the row cache of its tenants */

struct store_job {
	/* On the writer thread. OK or E_; may be run more than once. */
	int (*run)(struct store_job *job, struct store_txn *txn);
	/* On the loop thread, from writer_answer(), exactly once: after the commit
	 * (rc == OK) or when the job failed for good. May free the job. */
	void (*done)(struct store_job *job, int rc);
	size_t hosts, bytes;    /* weight, for grouping */
	struct err err;         /* filled when rc != OK */
	struct store_job *next; /* the queue's */
	int rc;                 /* the queue's */
};

struct writer;

/* `wake` is called on the writer thread when answers are waiting; it must make
 * the loop thread call writer_answer() soon (uv_async_send). */
int writer_start(struct writer **out, struct store *s, void (*wake)(void *arg), void *arg, struct err *e);
/* Runs everything queued, writes tenant rows that lag, ends the thread, answers
 * the rest (on the calling thread; what a done() submits then is answered with
 * E_CANCELLED), frees. NULL is fine. */
void writer_stop(struct writer *w);
/* Never blocks, never fails: the caller keeps the queue short (writer_queued). */
void writer_submit(struct writer *w, struct store_job *job);
/* Calls done() of all answered jobs; loop thread only. */
void writer_answer(struct writer *w);
size_t writer_queued(const struct writer *w);
/* Without a thread: runs one job in a transaction of its own, now. For tests,
 * tools and start-up; not while a writer runs. done() is not called. */
int writer_run_now(struct store *s, struct store_job *job);

struct writer_stat {
	uint64_t commits, jobs, rollbacks, grown;
	uint64_t commit_ns_total, commit_ns_max;
	/* Seconds from the beginning of a transaction to its being durable. */
	struct histogram durable;
	uint64_t failed[ERR_LAST_ - ERR_FIRST_]; /* jobs, by rc - ERR_FIRST_ */
	/* Of the last job that was durable or that disk or memory failed. */
	int failing;
};
void writer_stat(struct writer *w, struct writer_stat *out);
