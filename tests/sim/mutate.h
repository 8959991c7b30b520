/* Changes to a tenant by the control interface. */
#pragma once

#include "fleet.h"
#include "jout.h"

/* Does what the JSON object asks for and writes the members of the answer
 * ("changed" and "ids", the first thousand). NULL or what is wrong. Under the
 * tenant's lock. */
const char *mutate(struct tenant *t, const char *json, struct jout *answer);
