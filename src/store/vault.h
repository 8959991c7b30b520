/* An LMDB environment of its own, in the folder `secrets` of the store, for the
 * tenants that were added at run time: their settings as text and their secrets
 * as sealed bytes that this module cannot read. The store's own environment
 * holds nothing of it, so that who may map the records does not get these.
 *
 * A struct vault belongs to the program that opened it; at most one process has
 * it open. Every call is synchronous and durable when it returns, which a slow
 * disk may make long. Calls may come from any thread, but one at a time. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define VAULT_FOLDER_NAME "secrets"

enum {
	VAULT_FORMAT = 1,
	VAULT_KEY_ID_BYTES = 8,
	VAULT_SETTINGS_MAX = 256 << 10,
	VAULT_SEALED_MAX = 2 << 20,
	VAULT_VALUE_MAX = VAULT_SETTINGS_MAX + VAULT_SEALED_MAX + 64, /* for the buf of vault_get() */
};

struct vault;

struct vault_tenant {
	uint32_t number;                /* the store's; 0: it has none yet */
	int64_t created_at, changed_at; /* unix seconds */
	struct slice settings;          /* JSON */
	struct slice sealed;
};

/* E_NOT_FOUND: there is none, and nothing was made. E_CONFIG: its folder or file
 * is open to others. E_LOCKED, E_NEWER_FORMAT, E_CORRUPT, E_IO. */
int vault_open(struct vault **out, const char *store_path, struct err *e);
/* Makes an empty one whose values are going to be sealed under the key `key_id`;
 * makes the store's folder too if that is missing. It is there whole or, when
 * this fails or the process is killed, not at all. E_CONFLICT: there is one. */
int vault_create(struct vault **out, const char *store_path, const unsigned char key_id[VAULT_KEY_ID_BYTES],
		 struct err *e);
/* NULL is fine. */
void vault_close(struct vault *v);

/* The key under which all values are sealed. */
int vault_key_id(struct vault *v, unsigned char key_id[VAULT_KEY_ID_BYTES], struct err *e);

/* `out` points into `hold`, which is overwritten. E_NOT_FOUND. */
int vault_get(struct vault *v, const char *name, struct buf *hold, struct vault_tenant *out, struct err *e);
/* Adds or replaces. E_LIMIT. */
int vault_put(struct vault *v, const char *name, const struct vault_tenant *t, struct err *e);
/* E_NOT_FOUND. */
int vault_remove(struct vault *v, const char *name, struct err *e);

/* Valid during the call, which must not use the vault. */
typedef int vault_each_fn(void *arg, const char *name, const struct vault_tenant *t);
/* In order of name. What is not zero ends it and comes back. */
int vault_each(struct vault *v, vault_each_fn *each, void *arg, struct err *e);

/* Appends the sealed bytes that take the place of t->sealed. */
typedef int vault_reseal_fn(void *arg, const char *name, const struct vault_tenant *t, struct buf *sealed,
			    struct err *e);
/* Replaces all sealed bytes and the key's id in one transaction: when it fails,
 * nothing changed. `reseal` may see a tenant more than once. */
int vault_rotate(struct vault *v, vault_reseal_fn *reseal, void *arg,
		 const unsigned char key_id[VAULT_KEY_ID_BYTES], struct err *e);
