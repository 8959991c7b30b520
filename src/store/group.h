/* A group of jobs in one transaction. Used by the thread that writes. */
#pragma once

#include "store/env.h"
#include "store/writer.h"

/* Runs the jobs of the list (linked by `next`) and more of them from `more`
 * (NULL: none) until it gives NULL, commits, and sets each one's rc and err. The
 * list with everything that was added stays in order. */
struct store_job *group_run(struct store *s, struct store_job *first, struct store_job *(*more)(void *arg),
			    void *arg, struct writer_stat *stat);
