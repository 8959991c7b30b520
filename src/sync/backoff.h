/* How long to wait before trying again: full jitter, or what the server asked
 * for. Pure; randomness is the caller's. */
#pragma once

#include "base/random.h"

#include <stdint.h>

enum { BACKOFF_CAP_MS = 60 * 1000, RETRY_AFTER_CAP_S = 3600 };

/* `attempt` counts from 1 (one failure so far): uniform between base/4 and
 * base * 2^(attempt-1), capped at a minute. `retry_after_s` >= 0 wins: that
 * long (at most an hour) and up to a tenth more. */
uint64_t backoff_ms(struct random *r, uint32_t base_ms, unsigned attempt, int64_t retry_after_s);
