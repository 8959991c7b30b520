/* When a tenant is synced next: one small struct a tenant and one transition
 * function over one table of states and events. Pure: it starts nothing, calls
 * nobody and knows no clock; it answers what its owner has to do, and
 * `next_ms` says when to come back with SCHEDULE_DUE.
 *
 *   waiting      until the interval is over. Also after a failure that trying
 *                again soon cannot mend; `rc` tells.
 *   queued       the owner was told to start a sync and has not yet
 *   running      a sync is under way
 *   backing_off  the last sync failed and the next comes earlier than usual
 *   broken       the breaker is open: the server failed SCHEDULE_STRIKES times in
 *                a row, and is only probed now and then
 *   probing      half-open: a sync whose failure opens the breaker again at once
 *   auth_failed  the token was refused: nothing is tried until it changes or
 *                somebody asks
 *   paused       by the operator; somebody who asks gets one sync
 *   removing     the tenant goes as soon as nothing of it runs
 *
 * What follows a failure:
 *
 *   network, server, cut, malformed or misplaced answers (maintenance pages come
 *   as redirects and HTML): full jitter, doubling from a minute to the interval,
 *   never under SCHEDULE_GAP_MS: a failed sync has already repeated its requests
 *   for minutes. The breaker counts them; its probes are half an hour apart,
 *   doubling to twice the interval (at least 1 h, at most 6 h).
 *   E_THROTTLED: the same, and never sooner than the server asked for (at most an hour).
 *   disk, memory, a bug: the same, but the breaker does not count them, because
 *   it is not the server that failed.
 *   E_TLS, E_ADDRESS, E_CONFIG, E_LIMIT and the like: the interval; a changed
 *   setting is tried at once.
 *   E_FORBIDDEN, E_LICENCE: 6 h, or the interval when that is longer. Fleet says
 *   403 and 402 only about role and licence, which change on the server without
 *   a word to us; a look now and then finds out, and heals a proxy's 403 too.
 *   E_TOKEN: auth_failed. After a refusal an attempt that fails in any other
 *   way leads back there, unless the server let the token in.
 *   E_HELD: no failure of the server, as a success.
 *   E_CANCELLED: as the event SCHEDULE_CANCELLED. */
#pragma once

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	SCHEDULE_STRIKES = 5,
	SCHEDULE_GAP_MS = 15 * 1000,         /* least time from an end to the next start by itself */
	SCHEDULE_BACKOFF_MS = 60 * 1000,     /* most after the first failure */
	SCHEDULE_PROBE_MS = 30 * 60 * 1000,  /* most to the first probe */
	SCHEDULE_PROBE_CAP_MS = 6 * 3600000, /* and to any */
	SCHEDULE_PROBE_FLOOR_MS = 3600000,   /* the cap is not below that */
	SCHEDULE_ROLE_MS = 6 * 3600000,      /* after role or licence was refused */
	SCHEDULE_SLOT_MS = 1,                /* between starts of tenants that are overdue together */
};
#define SCHEDULE_NEVER INT64_MAX

enum schedule_state {
	SCHEDULE_NEW, /* zeroed memory: only ADDED and REMOVE may come */
	SCHEDULE_WAITING,
	SCHEDULE_QUEUED,
	SCHEDULE_RUNNING,
	SCHEDULE_BACKING_OFF,
	SCHEDULE_BROKEN,
	SCHEDULE_PROBING,
	SCHEDULE_AUTH_FAILED,
	SCHEDULE_PAUSED,
	SCHEDULE_REMOVING,
	SCHEDULE_STATES,
};

enum schedule_event {
	SCHEDULE_ADDED, /* at run time or when the process starts; facts: slot_ms, ended_*, unix_s, paused */
	SCHEDULE_DUE,   /* next_ms has come; too early or too late does no harm */
	SCHEDULE_STARTED, /* the owner started what it was told to */
	SCHEDULE_SUCCEEDED,
	SCHEDULE_FAILED,    /* facts: rc, retry_after_s */
	SCHEDULE_CANCELLED, /* the sync ended because it was cancelled, by whomever */
	SCHEDULE_ASKED,     /* for a sync by hand: starts at once, or joins the one that is under way */
	SCHEDULE_SETTINGS_CHANGED, /* facts: slot_ms */
	SCHEDULE_TOKEN_CHANGED,    /* facts: slot_ms; says that settings changed, too */
	SCHEDULE_PAUSE,
	SCHEDULE_RESUME, /* facts: slot_ms */
	SCHEDULE_REMOVE,
	SCHEDULE_EVENTS,
};

enum schedule_action {
	SCHEDULE_NOTHING,
	SCHEDULE_START,    /* start a sync with the settings of that moment, then step STARTED; waiting for
	                      something in between is the owner's right */
	SCHEDULE_WITHDRAW, /* do not start what you were told to start; no event follows */
	SCHEDULE_CANCEL,   /* end the running sync; its end comes as an event */
	SCHEDULE_FORGET, /* nothing runs: the tenant may go; a start not yet done is withdrawn; the last step */
};

/* Who asked for a sync waits until a step for its end (SUCCEEDED, FAILED,
 * CANCELLED) answers something else than SCHEDULE_START; then s->rc is the result. */
struct schedule {
	int64_t next_ms;  /* step DUE then; SCHEDULE_NEVER: other events will come */
	int64_t due_ms;   /* the same, kept while next_ms says never */
	int64_t ended_ms; /* of the last sync; long ago when there was none */
	int32_t rc;       /* of the last sync */
	uint8_t state;    /* enum schedule_state; changed by schedule_step only */
	uint8_t flags;
	uint8_t failures; /* in a row, of any kind that backs off */
	uint8_t strikes;  /* in a row, of the server; SCHEDULE_STRIKES open the breaker */
};

struct schedule_facts {
	int64_t interval_ms; /* for every event */
	uint32_t slot_ms;    /* schedule_slot_ms() when many tenants get the event together; otherwise 0 */
	int rc;
	int64_t retry_after_s; /* of E_THROTTLED; < 0: the server named no time */
	/* The last sync by the wall clock, as the store remembers it: when it ended
	 * (0: there was none) and how; and what time it is. An end that lies in the
	 * future counts as now. */
	int64_t ended_at, unix_s;
	int ended_rc;
	bool paused;
};

/* An event that cannot be (the end of a sync where none runs, a second ADDED)
 * is a bug and stops the program. `now_ms` is monotonic. */
enum schedule_action schedule_step(struct schedule *s, enum schedule_event event,
				   const struct schedule_facts *f, int64_t now_ms, struct random *r);

/* Where the breaker stands: a server with its breaker open is probed only. */
bool schedule_breaker_open(const struct schedule *s);

/* The start slot of the i-th of `count` tenants that get an event together, so
 * that overdue ones do not start at once: SCHEDULE_SLOT_MS apart, all within a
 * tenth of the interval. */
uint32_t schedule_slot_ms(uint32_t i, uint32_t count, int64_t interval_ms);

/* "waiting", "auth_failed", ...: stable names for logs, metrics and answers. */
const char *schedule_state_name(enum schedule_state state);
