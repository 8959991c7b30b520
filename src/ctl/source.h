/* Where the rows of a command come from: a daemon, or a store that is open for
 * reading, by src/query; they are the same. Rows are handed out between two transactions of the store, because
 * whoever takes them may stand still (a pager), and a reader that stands still
 * keeps the daemon from using its free pages. */
#pragma once

#include "query/query.h"

struct ctl;

/* Calls `each` for every row; a non-zero answer ends the list and is returned.
 * Afterwards ctl_end() knows what was said about the whole. On failure c->err is
 * filled. */
int source_ask(struct ctl *c, const struct query_request *r, int (*each)(void *arg, struct slice row),
	       void *arg);
/* The same of a command for the daemon: the words and options as the command
 * line had them, then `more` of link_option() unless it is NULL. */
int source_ask_daemon(struct ctl *c, const struct buf *more, int (*each)(void *arg, struct slice row),
		      void *arg);
/* A request with what the command line says of it. */
struct query_request source_request(const struct ctl *c, enum query_kind kind);
/* A member of what was said about the whole ("tenant.devices"); SLICE_NONE: none. */
struct slice source_end(const struct ctl *c, const char *paths);
/* The same as a number, 0 when there is none. */
uint64_t source_end_count(const struct ctl *c, const char *paths);
