/* One logical request with its attempts: asks, judges the answer, waits and
 * asks again while that makes sense. Used by tenant_sync only. */
#pragma once

#include "base/buf.h"
#include "fleet/page_parser.h"
#include "net/http.h"
#include "sync/observer.h"
#include "sync/turns.h"

struct tenant_sync;
struct call;

/* CALL_AGAIN asks at once without counting the attempt. */
enum call_turn { CALL_JUDGE, CALL_AGAIN, CALL_STOP };

struct call_plan {
	const char *what;            /* names the request in sentences */
	enum sync_endpoint endpoint; /* unless the body is a page: its shape says it */
	/* Writes the path; called for each attempt, so that page sizes may change. */
	void (*path)(struct call *c, struct buf *out);
	bool parse; /* the body is a page; otherwise it is kept as text */
	enum page_shape shape;
	struct page_limits limits; /* of the page; may be set by path() */
	unsigned max_attempts;     /* 0: as the options say */
	bool in_turn;              /* the page counts as unproven: its memory is asked for first */
	/* Looks at a failed attempt before it is judged retryable; may be NULL. */
	enum call_turn (*failed)(struct call *c, int rc);
	/* The end: rc OK (then c->page or c->body hold the answer) or the last
	 * failure, c->err says which. Who takes the page over takes the bytes of
	 * c->turn too; what is left of them is given back afterwards. */
	void (*done)(struct call *c, int rc);
};

struct call {
	struct tenant_sync *sync;
	const struct call_plan *plan;
	struct http_exchange *exchange;
	struct timer *timer;
	struct page_parser *parser;
	struct page_limits limits;
	struct page *page; /* taken over by done(), or freed */
	struct buf path, body;
	struct http_result result;
	struct err err;
	struct turn turn;     /* never asks when the environment has no gate */
	uint64_t page_memory; /* that the last page in turn took; 0: there was none */
	unsigned attempt;
	uint64_t id, last_id;
	bool busy;
	bool from_fleet, allowlist; /* of a failure: Fleet itself said so; an endpoint allowlist did */
	bool crowded;               /* the pages of others left no room for this one */
	bool worked_before;         /* this kind of request has succeeded in this sync; the caller's to set */
};

int call_init(struct call *c, struct tenant_sync *s);
void call_release(struct call *c);
/* done() comes later, never from inside. `plan` must outlive the call. */
void call_start(struct call *c, const struct call_plan *plan);
/* No done() any more. */
void call_cancel(struct call *c);
/* The page's bytes go on with it to `to`, which is idle. */
void call_hand_bytes(struct call *c, struct turn *to);
