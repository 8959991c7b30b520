/* The stored form of what a host's detail said, and of the filtered list it was
 * in, so that later list pages can be derived together with them (invariant 7). A packed binary with a format byte;
 * every length in it is checked on reading. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "model/derive.h"

/* Appends. OK, E_NOMEM or E_LIMIT. At most DETAIL_MAX_ROWS mappings, end users
 * and DEVICE_MAX_POLICIES policies are kept, and 1,020 bytes of each text. */
enum { DETAIL_MAX_ROWS = 64 };
int detail_pack(struct buf *out, const struct detail_facts *facts);

/* Everything `out` points to is in the arena: `bytes` may go away. n == 0 gives
 * facts that are none (fetched_at and listed_at 0). E_CORRUPT, E_NOMEM; then `out` is none. */
int detail_unpack(struct detail_facts *out, const void *bytes, size_t n, struct arena *arena);
