/* What a person sees of a running sync: one line a tenant, redrawn in place on
 * a terminal, otherwise printed when the phase changes and at the end. */
#pragma once

#include "sync/tenant_sync.h"

#include <stdio.h>

struct progress;

/* Writes to `out`; `lines` is how many tenants there will be. */
struct progress *progress_new(FILE *out, size_t lines, bool live);
void progress_free(struct progress *p);
void progress_update(struct progress *p, size_t line, const char *tenant, const struct sync_progress *now,
		     int64_t elapsed_ms);
/* The tenant's last line: how it ended, with what. */
void progress_end(struct progress *p, size_t line, const char *tenant, const struct sync_report *r);
/* Redraws the lines (live only); call it a few times a second. */
void progress_draw(struct progress *p);
