/* Watches a descriptor that somebody else owns (an epoll of another library)
 * for readability. */
#pragma once

#include "net/loop.h"

struct poller;

int poller_new(struct poller **out, struct loop *l, int fd, void (*readable)(void *arg), void *arg);
/* Before the descriptor is closed. NULL is fine. */
void poller_free(struct poller *p);
