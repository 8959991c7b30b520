#include "sync/details_budget.h"

enum { LEAST = 500, DAY_S = 24 * 3600 };

uint64_t details_budget(uint32_t setting, bool spread, uint64_t devices, uint32_t interval_s)
{
	/* devices * interval / day * 3 / 2, rounded up */
	const uint64_t parts = 2 * (uint64_t)DAY_S, factor = 3 * (uint64_t)interval_s;
	if (setting)
		return setting;
	if (!spread || (factor && devices > (UINT64_MAX - parts) / factor))
		return UINT64_MAX;
	uint64_t share = (devices * factor + parts - 1) / parts;
	return share > LEAST ? share : LEAST;
}
