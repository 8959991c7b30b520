/* The simulated REST API: from a request to an answer. */
#pragma once

#include "fault.h"

/* Which endpoint a path is, without its prefix ("/api/v1/fleet" and the
 * aliases); `rest` is what follows. EP_OTHER when Fleet has no such route. */
enum endpoint api_endpoint(const struct tenant *t, const char *path, const char **rest);
/* Fills `reply`; takes and gives back the tenant's lock. `e` is what the faults
 * say about this request. */
void api_answer(struct tenant *t, enum endpoint ep, const char *rest, const struct request *r,
		struct effect *e, struct reply *reply);
