/* Who frees the memory that a tenant stands in: a whole snapshot, or one tenant
 * that was given at run time. */
#pragma once

#include "conf/conf.h"

struct conf_owner {
	unsigned references;
	void (*free)(struct conf_owner *o);
};

/* Gives one reference back. */
void owner_release(struct conf_owner *o);
/* Overwrites the secrets of `t` but those it has from `standard` (NULL: none). */
void tenant_wipe(const struct conf_tenant *t, const struct conf_tenant *standard);
