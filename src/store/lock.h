/* One writing process a store: a locked file in its folder that holds the
 * process' number. The kernel drops the lock when the process ends, however it
 * ends. */
#pragma once

#include "base/err.h"

#define LOCK_FILE_NAME "muster.lock"

/* E_LOCKED names the process that holds it. */
int lock_take(const char *folder, int *fd, struct err *e);
/* -1 is fine. */
void lock_drop(int fd);
