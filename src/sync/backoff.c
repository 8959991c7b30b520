#include "sync/backoff.h"

uint64_t backoff_ms(struct random *r, uint32_t base_ms, unsigned attempt, int64_t retry_after_s)
{
	if (retry_after_s >= 0) {
		uint64_t wait = 1000 * (uint64_t)(retry_after_s > RETRY_AFTER_CAP_S ? RETRY_AFTER_CAP_S
										    : retry_after_s);
		return wait + random_below(r, wait / 10 + 100);
	}
	uint64_t most = base_ms;
	while (attempt-- > 1 && most < BACKOFF_CAP_MS)
		most *= 2;
	if (most > BACKOFF_CAP_MS)
		most = BACKOFF_CAP_MS;
	uint64_t least = base_ms / 4 < most ? base_ms / 4 : most;
	return least + random_below(r, most - least + 1);
}
