/* What the daemon counts and measures, and its text for Prometheus:
 * docs/metrics.md is the contract. Belongs to the loop's thread. Counting
 * allocates nothing; a scrape is written in slices, and one that lasts while
 * tenants come and go writes none of them twice. */
#pragma once

#include "serve/exposition.h"

struct err;
struct metrics;
struct service;

/* Counts from now on what the service's syncs do; its environment and tenants
 * are there. E_NOMEM. */
int metrics_new(struct metrics **out, struct service *s);
/* No sync may run. NULL is fine. */
void metrics_free(struct metrics *m);
/* A few times a minute: how old a reader's snapshot is can only be seen by
 * looking again and again. */
void metrics_look(struct metrics *m);

/* The route "/metrics" of serve/http.h; `arg` is the service. */
int metrics_begin(void *arg, void **state, unsigned *status, struct err *e);
int metrics_slice(void *state, struct buf *body, size_t bytes, bool *more);
void metrics_end(void *state);
