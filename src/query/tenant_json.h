/* A tenant's row of the store as JSON: docs in musterctl(1). */
#pragma once

#include "store/store.h"

/* True when the last sync ended, and not well. */
bool tenant_failed(const struct tenant_row *row);
/* "never", "ok" or "failed". */
const char *tenant_sync_word(const struct tenant_row *row);

/* Members of the object under way: `"sync":{...}` and `"hold":{...}` or null. */
void tenant_json_sync(struct buf *out, const struct tenant_row *row);
void tenant_json_hold(struct buf *out, const struct tenant_row *row);
/* Times as RFC 3339, 0 as null. */
void tenant_json_time(struct buf *out, int64_t unix_s);
/* The whole row, one object. */
void tenant_json(struct buf *out, const struct tenant_row *row);
