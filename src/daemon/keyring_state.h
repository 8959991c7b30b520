/* What the parts of the keyring share. */
#pragma once

#include "crypto/seal.h"
#include "daemon/keyring.h"
#include "store/vault.h"

#include <limits.h>

struct keyring {
	struct vault *vault;
	struct master_key *key;
	char store_path[PATH_MAX], key_path[PATH_MAX], next_path[PATH_MAX];
};

/* Opens under one key, seals under the other: for vault_rotate(). */
struct keyring_change {
	const struct master_key *from, *to;
};
int keyring_reseal(void *arg, const char *name, const struct vault_tenant *t, struct buf *sealed,
		   struct err *e);
