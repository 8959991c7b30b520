/* What the parts of the vault share. */
#pragma once

#include "store/schema.h"
#include "store/store.h"
#include "store/vault.h"

#include <limits.h>
#include <lmdb.h>

enum {
	VAULT_VALUE_FORM = 1, /* not zero, so that a page of zeros is no value */
	VAULT_VALUE_HEAD_BYTES = 1 + 4 + 8 + 8 + 4,
};
_Static_assert(VAULT_VALUE_HEAD_BYTES <= 64, "VAULT_VALUE_MAX has room for the head");

struct vault {
	MDB_env *env;
	MDB_dbi meta, tenants;
	int lock_fd;
	bool reading; /* inside vault_each() */
	struct buf value;
	char folder[PATH_MAX];
};

static inline MDB_val val_of(const void *p, size_t n)
{
	return (MDB_val){ n, (void *)p };
}
