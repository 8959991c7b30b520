/* The making of an environment's data file. LMDB writes the first two pages of
 * a new file without syncing them, so that a power failure in the store's first
 * moment would leave a file that LMDB refuses for ever. It is made under
 * another name here, synced, and only then given its own. */
#pragma once

#include "store/env.h"

#define DATA_FILE_NAME       "data.mdb"
#define DATA_FILE_BEGUN_NAME "begun-data.mdb"

/* An empty environment in the store's folder; the store's lock must be held.
 * Replaces an empty data file and what an earlier attempt left. */
int data_file_make(const struct store *s, struct err *e);
/* Gives a file that is whole and synced its name, durably. 0 or errno. */
int data_file_publish(const char *folder, const char *begun, const char *path);
