/* The names of a store's tenants, read in one go, so that each tenant can then
 * be looked at in a transaction of its own. */
#pragma once

#include "store/store.h"

struct tenant_names {
	char **items;
	size_t count, cap;
};

/* In order of name. Release it also when it failed. */
int tenant_names_read(struct tenant_names *n, struct store *s, struct err *e);
void tenant_names_release(struct tenant_names *n);
/* The tenant of that name; else E_NOT_FOUND, the nearest name suggested. */
int tenant_named(struct store *s, const char *name, struct tenant_row *row, struct err *e);
