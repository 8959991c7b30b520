/* The tenants that were added at run time, with their secrets opened: joins the
 * master key (crypto/master_key.h) with the vault (store/vault.h) and keeps the
 * rules between the two.
 *
 *   no vault, no key      both are made, the key first
 *   no vault, a key       the vault is made for it
 *   a vault, its key      used
 *   a vault, no key       refused: a key is never made for a vault that is there
 *   a vault, another key  refused
 *
 * A rotation writes the new key to "PATH.next", seals everything anew in one
 * transaction that also names the new key, and renames the file over PATH. Of
 * two key files the vault says which is in use, so the next opening goes on
 * from a crash at any point.
 *
 * A keyring belongs to who opened it. Its calls wait for the disk: they belong
 * on a work thread, one at a time. */
#pragma once

#include "base/slice.h"
#include "crypto/master_key.h"

struct keyring;

struct keyring_tenant {
	const char *name;
	uint32_t number; /* the store's; 0: it has none yet */
	int64_t created_at, changed_at;
	/* Who changes these in the file makes the secrets unreadable: a token is
	 * never sent to an address it was not given for. */
	struct slice settings;
	struct slice secrets;
};

/* `key_path` is the setting secrets.key_file, NULL when there is none: then
 * E_NOT_FOUND without a vault, and E_CONFIG with one. Otherwise E_CONFIG for what
 * is refused, and what master_key.h and vault.h say. */
int keyring_open(struct keyring **out, const char *store_path, const char *key_path, struct err *e);
/* NULL is fine. */
void keyring_close(struct keyring *k);
struct key_id keyring_key_id(const struct keyring *k);

/* Adds or replaces. E_LIMIT. */
int keyring_put(struct keyring *k, const struct keyring_tenant *t, struct err *e);
/* E_NOT_FOUND. */
int keyring_remove(struct keyring *k, const char *name, struct err *e);
/* `t` is valid during the call, which must not use the keyring; its secrets are
 * wiped after it. `why` is not NULL when they could not be opened: they are none
 * then, and the other tenants are not hurt. */
typedef int keyring_each_fn(void *arg, const struct keyring_tenant *t, const struct err *why);
/* In order of name. What is not zero ends it and comes back. */
int keyring_each(struct keyring *k, keyring_each_fn *each, void *arg, struct err *e);
/* The same for one tenant. E_NOT_FOUND. */
int keyring_with(struct keyring *k, const char *name, keyring_each_fn *each, void *arg, struct err *e);

/* A new key for everything; the old one's file is gone then. When it fails, all
 * is as before, or, if only the renaming failed, the new key is in use and the
 * next opening or rotation finishes it. E_CONFIG for a credential. */
int keyring_rotate(struct keyring *k, struct err *e);
