/* Whether the daemon lives and is ready, for who restarts it or sends people to
 * it: text of few lines. The routes of serve/http.h; `arg` is the service. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct err;

/* "/healthz": 200 as long as the loop turns; else nobody answers. */
int health_begin_live(void *arg, void **state, unsigned *status, struct err *e);
/* "/readyz": 200 or 503, and a line for each thing that was looked at. */
int health_begin_ready(void *arg, void **state, unsigned *status, struct err *e);
int health_slice(void *state, struct buf *body, size_t bytes, bool *more);
void health_end(void *state);
