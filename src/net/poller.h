/* Watches a descriptor that somebody else owns (an epoll of another library)
 * for readability. */
#pragma once

#include "net/loop.h"

struct poller;

/* `readable` comes once a turn for as long as there is something to read, and
 * once when the descriptor fails, which is then watched no more. Keeps
 * loop_run() going. E_NOMEM, or E_IO for a descriptor that cannot be watched. */
int poller_new(struct poller **out, struct loop *l, int fd, void (*readable)(void *arg), void *arg);
/* Before the descriptor is closed; any callback may call it. NULL is fine. */
void poller_free(struct poller *p);
