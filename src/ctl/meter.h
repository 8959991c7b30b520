/* Progress of syncs, one line a tenant, redrawn in place on a terminal; plain
 * lines where it is none. Time is an argument, in milliseconds that only grow. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdio.h>

struct meter;

/* `out` is borrowed. NULL: no memory. */
struct meter *meter_new(FILE *out, bool live, unsigned width);
/* Takes what is drawn away first. NULL is fine. */
void meter_free(struct meter *m);

/* E_NOMEM. The texts must be visible (text.h). */
int meter_update(struct meter *m, const char *tenant, const char *phase, uint64_t hosts, uint64_t expected,
		 int64_t now_ms);
/* The tenant's line is taken away; `line` stands above those that are left. */
void meter_done(struct meter *m, const char *tenant, const char *line);
/* Brings the terminal up to date; to be called when nothing else is waiting. */
void meter_draw(struct meter *m);
