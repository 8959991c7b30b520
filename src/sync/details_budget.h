/* How many details one sync may ask for. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* `setting` is the tenant's limits.details, 0 for auto. Auto is no limit
 * (UINT64_MAX), or with `spread` what asks for each of `devices` once a day when
 * a sync follows every `interval_s`, half as much again for what fails or comes
 * late, and never less than 500, so that a small fleet is asked for at once. */
uint64_t details_budget(uint32_t setting, bool spread, uint64_t devices, uint32_t interval_s);
