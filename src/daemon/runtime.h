/* Tenants that were added at run time: between the keyring, where they are kept,
 * and the tenants of the running daemon. */
#pragma once

#include "daemon/service.h"

/* At the start: schedules all that the keyring holds. One that cannot be used is
 * logged and left where it is. */
int runtime_load(struct service *s, struct err *e);
