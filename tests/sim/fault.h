/* Faults: rules of a tenant that match requests and, when they do, are added
 * up into one effect. See README.md for the words of the control interface. */
#pragma once

#include "fleet.h"
#include "reply.h"
#include "request.h"
#include "stats.h"

enum bad_host { BAD_NONE, BAD_STRING, BAD_NO_ID, BAD_WRONG_TYPES, BAD_OVERSIZE };

struct effect {
	struct mishap mishap;
	/* an answer of its own; 0 leaves the status alone */
	int status;
	char *body, *type, *headers;
	int64_t garbage_bytes, gzip_bytes;
	/* the list's hosts; counts of -1 mean not */
	int64_t cut_hosts, inband_hosts, clamp, more, missing;
	char *inband_text;
	bool backwards, duplicate, bad_utf8, nulls, lag_deleted;
	enum bad_host bad_host;
	/* a member "x" put into the first host (or the detail) */
	int64_t long_string_bytes, depth;
	char *refuse_param;
	int refuse_status;
	bool any; /* at least one rule matched */
};

/* Adds a rule, an object in JSON; NULL or what is wrong with it. */
const char *fault_add(struct tenant *t, const char *json);
void fault_clear(struct tenant *t);
/* What the rules do to this request; counts it against them. Under the lock. */
void effect_collect(struct effect *e, struct tenant *t, enum endpoint ep, const struct request *r);
void effect_release(struct effect *e);
/* True when the effect touches which hosts are sent or what they say. */
bool effect_on_hosts(const struct effect *e);
/* Answers instead of the server, when the effect says so. */
bool effect_answer(const struct effect *e, struct reply *r);
