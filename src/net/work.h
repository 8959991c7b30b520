/* Work that must not stand in the loop's way (long reads of the store, copies,
 * files on slow disks), done on libuv's threads and answered on the loop. */
#pragma once

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct work_queue; /* what of one loop is under way; freed before the loop */

struct work {
	void (*run)(struct work *w);  /* on another thread */
	void (*done)(struct work *w); /* on the loop, exactly once; may free the work */
	bool cancelled;               /* for run() to look at, for done() to know */
	void *own;                    /* the queue's */
};

int work_queue_new(struct work_queue **out, struct loop *l);
/* Never calls back from inside. E_NOMEM: then never. */
int work_start(struct work_queue *q, struct work *w);
/* done() still comes: soon when it had not begun, else when run() returns. */
void work_cancel(struct work *w);
/* Nothing may be under way (work_queue_busy() is 0). */
void work_queue_free(struct work_queue *q);
size_t work_queue_busy(const struct work_queue *q);
