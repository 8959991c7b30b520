/* One name lookup on a thread of its own. Not one of libuv's few: a name server
 * that hangs would take them from everybody else, and hold the loop's end. */
#pragma once

#include "net/loop.h"

#include <stdbool.h>

struct addrinfo;
struct reach_lookup;

/* `done` comes once from the loop, with NULL when there is no address; `all` is
 * valid during the call, which may free the lookup. E_NOMEM also when there is
 * no thread to be had. */
int reach_lookup_new(struct reach_lookup **out, struct loop *l, const char *host, unsigned port,
		     void (*done)(void *arg, const struct addrinfo *all), void *arg);
/* Returns at once. True: the thread goes on until the name server answers, and
 * frees what is left. NULL is fine. */
bool reach_lookup_free(struct reach_lookup *k);
