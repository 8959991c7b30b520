/* Tenants that were added at run time: between the keyring, where they are kept,
 * and the tenants of the running daemon. */
#pragma once

#include "daemon/service.h"

/* At the start: schedules all that the keyring holds. One that cannot be used is
 * logged and left where it is. */
int runtime_load(struct service *s, struct err *e);
/* Takes the defaults of `now` over into all of them; those that this makes
 * unusable stay as they are. `changed` gets the names of settings, `complaint` a
 * sentence. */
struct runtime_telling {
	void (*changed)(void *arg, const char *tenant, const char *settings);
	void (*complaint)(void *arg, const char *tenant, const char *text);
	void *arg;
};
void runtime_defaults(struct service *s, const struct conf *now, const struct runtime_telling *tell);
