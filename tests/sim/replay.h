/* Serves recorded bodies instead of made-up hosts: files whose names end in
 * hosts_page_<n>.json or hosts_page_<n>_empty.json, and host_<id>_detail*.json. */
#pragma once

#include "list_query.h"

struct replay;

/* NULL (with a line on standard error) when the folder cannot be read. */
struct replay *replay_open(const char *dir);
void replay_free(struct replay *p);
/* Page mode by number; with a cursor the first page until its last id has been
 * passed, then the empty one. False when there is no such recording. */
bool replay_list(const struct replay *p, const struct list_query *q, struct reply *reply);
bool replay_detail(const struct replay *p, uint64_t id, struct reply *reply);
