/* Calls of the keyring from the loop: they wait for the disk, so each runs on a
 * work thread, one after the other in the order they came. */
#pragma once

#include "base/err.h"
#include "daemon/keyring.h"
#include "net/work.h"

struct keyring_job {
	/* On another thread; answers an E_ code and fills `err`. */
	int (*run)(struct keyring_job *job, struct keyring *k);
	/* On the loop, exactly once; may free the job. */
	void (*done)(struct keyring_job *job);
	int rc;
	struct err err;
	/* the line's */
	struct work work;
	struct keyring_line *line;
	struct keyring_job *next;
};

/* One for a keyring; a job in it keeps work_queue_busy() above 0. */
struct keyring_line {
	struct keyring *keyring;
	struct work_queue *work;
	struct keyring_job *first; /* it runs */
};

/* `run` and `done` are set; the job must stay until done(). E_NOMEM: then never. */
int keyring_line_add(struct keyring_line *l, struct keyring_job *job, struct err *e);
