/* Whether missing devices may be deleted (invariant 3). Pure.
 *
 * Held when the scope of the token changed, when all devices are missing, or
 * when the missing ones and those deleted within 24 h are more than
 * max(10, 20 % of the fleet). A hold is sticky: it ends when the devices
 * return (nothing is missing any more) or when an operator accepts exactly the
 * number held. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum guard_reason { GUARD_OK = 0, GUARD_ALL_GONE, GUARD_TOO_MANY, GUARD_SCOPE_CHANGED, GUARD_REPLACED };

struct guard_facts {
	uint64_t devices; /* records now, the missing ones included */
	uint64_t missing; /* marks of the walk that just completed */
	uint64_t deleted_24h;
	enum guard_reason held; /* the hold so far */
	bool scope_known, scope_changed;
	bool accept;           /* an operator accepts ... */
	uint64_t accept_count; /* ... exactly so many */
};

enum guard_action {
	GUARD_NOTHING, /* nothing is missing, or the scope is unknown: leave all as it is */
	GUARD_SWEEP,   /* ask for each missing host, delete those that are gone; ends a hold */
	GUARD_HOLD,    /* delete nothing; hold `reason` with `missing` */
	GUARD_RELEASE, /* nothing is missing any more: end the hold */
};

/* Devices whose id another machine has now (another created_at) are deleted too,
 * without being missed first. Answers how many deletions within 24 h a page may
 * bring the tenant to; one more is held. */
uint64_t guard_replacements(const struct guard_facts *f);

enum guard_action guard_decide(const struct guard_facts *f, enum guard_reason *reason);
