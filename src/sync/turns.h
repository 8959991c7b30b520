/* The gate for what all syncs ask for at once: at most so many transfers, and so
 * many bytes of pages that are not yet proven and applied. Pure: no loop, no
 * clock, no allocation; waiters live in those who wait. Loop thread only.
 *
 * Tenants take turns: each stands in line once, however many of its requests
 * wait, and goes to the end of the line with each turn it gets. A request that
 * finds the bytes taken keeps its place, and nobody who needs bytes passes it;
 * those who need none do. One that is larger than the whole budget gets it
 * alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turns_limits {
	uint32_t transfers;      /* at least 1 */
	uint64_t unproven_bytes; /* at least 1 */
};

enum turn_state {
	TURN_IDLE,
	TURN_WAITING,
	TURN_RUNNING, /* has a transfer, and its bytes */
	TURN_HOLDING, /* the transfer is over, its bytes are not yet applied */
};

/* What a tenant needs to take turns; zeroed before first use. It must outlive
 * its waiting turns. */
struct turns_tenant {
	struct turn *first; /* its waiting requests */
	struct turns_tenant *prev, *next;
	uint64_t place; /* in line: less is earlier */
	bool in_pages;  /* stands in the line of those who need bytes */
};

struct turns;

/* One request. Set by turn_init, read by anybody, changed by turn_* only. */
struct turn {
	struct turns *turns;
	struct turns_tenant *tenant;
	/* From turns_run() only, once for each turn_ask() that was not cancelled;
	 * may call any function of this header but turns_run, and free the turn
	 * after turn_cancel. */
	void (*granted)(struct turn *t);
	enum turn_state state;
	uint64_t bytes; /* asked for, then held */
	int64_t asked_ms;
	struct turn *prev, *next;     /* of its tenant */
	struct turn *older, *younger; /* of all who wait */
};

struct turns {
	struct turns_limits limits;
	void (*wake)(void *arg);
	void *wake_arg;
	struct turns_tenant *pages, *plain; /* one line in two parts, by the need of each tenant's first */
	struct turn *oldest;
	uint64_t place; /* for the next at the end of the line */
	uint64_t bytes;
	uint32_t running, waiting;
	bool woken, in_run;
	/* since the start */
	uint64_t granted, waited_ms;
};

/* `wake` is called when somebody can be granted a turn who could not before; it
 * must make turns_run() be called soon, never from inside. Once until that runs. */
void turns_init(struct turns *ts, const struct turns_limits *limits, void (*wake)(void *arg), void *arg);
/* What is over the new limits runs to its end. */
void turns_set_limits(struct turns *ts, const struct turns_limits *limits);
/* Grants what can be granted; what is asked for meanwhile may have to wait for
 * the next wake. */
void turns_run(struct turns *ts, int64_t now_ms);

void turn_init(struct turn *t, struct turns *ts, struct turns_tenant *tenant,
	       void (*granted)(struct turn *t));
/* An idle turn stands in line for one transfer and so many bytes (0: none). */
void turn_ask(struct turn *t, uint64_t bytes, int64_t now_ms);
/* More bytes for one that runs or holds; false when the budget has no room for
 * them and others hold some of it: what they were for fails with E_LIMIT. */
bool turn_grow(struct turn *t, uint64_t more);
/* Gives back all but `bytes`. */
void turn_shrink(struct turn *t, uint64_t bytes);
/* The transfer of one that runs is over; it holds its bytes, or is idle if it has none. */
void turn_transferred(struct turn *t);
/* `to`, which is idle, holds the bytes from now on; `from` keeps its transfer. */
void turn_hand_bytes(struct turn *from, struct turn *to);
/* Gives everything back, or leaves the line; from every state, also idle. No
 * granted() any more. */
void turn_cancel(struct turn *t);

struct turns_stat {
	uint32_t running, waiting;
	uint64_t bytes;
	int64_t longest_wait_ms; /* of those who wait now */
	uint64_t granted, waited_ms;
};
void turns_stat(const struct turns *ts, int64_t now_ms, struct turns_stat *out);
