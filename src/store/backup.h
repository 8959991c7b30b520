/* A consistent copy of a store, made while it is written to. */
#pragma once

#include "store/store.h"

/* Copies the records as they are at this moment into `folder`, which must not
 * exist: it is made with mode 0700 under another name and gets its own when all
 * is on the disk, so a folder of that name is a whole copy. `compact` leaves
 * free pages out: smaller, and slower. `bytes` is the size of the copy.
 *
 * Takes as long as reading the store takes, so not on the loop. Meanwhile the
 * store cannot reuse pages, and grows by what is written. */
int store_backup(struct store *s, const char *folder, bool compact, uint64_t *bytes, struct err *e);
