/* What an answer means: the status, and for failures the few words of the body,
 * become one E_ code and one sentence (fleet-api sections 1.4 and 1.5). Pure. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum { ANSWER_BODY_MAX = 16 * 1024 };

struct answer {
	long status;
	const char *location; /* "" or NULL: none */
	struct slice body;    /* of a failure, cut at ANSWER_BODY_MAX */
	bool worked_before;   /* the same request has succeeded on this server */
};

/* OK for 2xx. `what` names the request in the sentence ("the list of hosts").
 *
 *   E_TOKEN 401   E_LICENCE 402   E_FORBIDDEN 403   E_GONE 404 said by Fleet
 *   E_NOT_FLEET 404 said by something else, or an answer Fleet never gives
 *   E_TIMEOUT 408   E_CONFLICT 409   E_THROTTLED 429   E_REDIRECT 3xx
 *   E_SERVER 5xx, and 422 on a request that worked before: Fleet reports
 *            database deadlocks and lock waits as 422 (fleet-api 1.4)
 *   E_REJECTED any other 4xx                                               */
int answer_verdict(const struct answer *a, const char *what, struct err *e);

/* The failure has the form of Fleet's own; a proxy's has not. */
bool answer_is_fleet(const struct answer *a);
/* A 403 by an endpoint allowlist of the API-only user (4.85 and later). */
bool answer_is_allowlist(const struct answer *a);
/* Whether the failure names the parameter `name` ("order_key", ...). */
bool answer_names(const struct answer *a, const char *name);
