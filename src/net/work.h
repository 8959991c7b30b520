/* Work that must not stand in the loop's way (long reads of the store, copies,
 * files on slow disks), done on libuv's threads and answered on the loop. */
#pragma once

#include "net/loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct work_queue; /* what of one loop is under way; freed before the loop */

struct work {
	void (*run)(struct work *w);  /* on another thread */
	void (*done)(struct work *w); /* on the loop, exactly once; may free the work */
	atomic_bool cancelled;        /* for run() to look at, for done() to know */
	void *own;                    /* the queue's */
};

int work_queue_new(struct work_queue **out, struct loop *l);
/* Takes the work, which must stay until done(). Never calls back from inside.
 * E_NOMEM: then never. There are four threads for all (UV_THREADPOOL_SIZE says
 * otherwise): what runs for minutes has to be few. */
int work_start(struct work_queue *q, struct work *w);
/* Only between start and done(). done() still comes, never from inside: soon
 * when the work had not begun, run() is then not called; else when it returns. */
void work_cancel(struct work *w);
/* Nothing may be under way (work_queue_busy() is 0); done() of the last one may
 * call it. NULL is fine. */
void work_queue_free(struct work_queue *q);
size_t work_queue_busy(const struct work_queue *q);
/* How many of them no thread has taken yet. */
size_t work_queue_waiting(const struct work_queue *q);
