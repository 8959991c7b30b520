#include "base/log.h"
#include "base/mem.h"
#include "daemon/keyring_state.h"

#include <stdio.h>
#include <unistd.h>

_Static_assert(sizeof(struct key_id) == VAULT_KEY_ID_BYTES, "the vault keeps a key's id");

static int vault_names(struct keyring *k, struct key_id *id, struct err *e)
{
	return vault_key_id(k->vault, id->bytes, e);
}

static bool is_key(const struct master_key *key, const struct key_id *id)
{
	struct key_id own = master_key_id(key);
	return key_id_eq(&own, id);
}

/* ---- which key ---- */

static int key_missing(const struct keyring *k, const struct key_id *id, struct err *e)
{
	char text[KEY_ID_TEXT_BYTES];
	return err_set(e, E_CONFIG,
		       "the secrets of the store \"%.120s\" are sealed with the key %s, and the master key "
		       "\"%.120s\" is not there; put it back from its backup, it is never made anew",
		       k->store_path, key_id_text(id, text), k->key_path);
}

static int key_differs(const struct keyring *k, const struct master_key *key, const struct key_id *id,
		       struct err *e)
{
	char have[KEY_ID_TEXT_BYTES], need[KEY_ID_TEXT_BYTES];
	struct key_id own = master_key_id(key);
	return err_set(e, E_CONFIG,
		       "the secrets of the store \"%.120s\" are sealed with the key %s, and the master key "
		       "\"%.120s\" is %s; put the right key back",
		       k->store_path, key_id_text(id, need), k->key_path, key_id_text(&own, have));
}

/* What a rotation left that never came to use. */
static void discard_next(const struct keyring *k)
{
	if (unlink(k->next_path))
		log_event(LOG_WARNING, "crypto", "the key of a rotation that failed could not be removed",
			  "path", LOG_S(k->next_path));
	else
		log_event(LOG_NOTICE, "crypto", "the key of a rotation that failed was removed", "path",
			  LOG_S(k->next_path));
}

static int finish_rotation(const struct keyring *k, struct err *e)
{
	int rc = master_key_rename(k->next_path, k->key_path, e);
	if (rc)
		err_prefix(e, "the rotation of the master key is not finished");
	else
		log_event(LOG_NOTICE, "crypto", "a rotation that was cut short is finished", "path",
			  LOG_S(k->key_path));
	return rc;
}

/* The one of both key files that the vault names; afterwards it is the only one. */
static int take_key(struct keyring *k, const struct key_id *id, struct master_key **out, struct err *e)
{
	struct master_key *key, *next = NULL;
	struct err why = { 0 };
	int rc = master_key_load(&key, k->key_path, &why);
	/* Out of memory says nothing of the file. */
	if (rc != E_NOMEM && !master_key_is_credential(k->key_path) &&
	    master_key_load(&next, k->next_path, NULL) == E_NOMEM)
		rc = err_set(&why, E_NOMEM, "out of memory while taking the master key");
	*out = NULL;
	if (rc == OK && is_key(key, id)) {
		*out = key;
		key = NULL;
		if (next && !is_key(next, id))
			discard_next(k);
	} else if (rc != E_NOMEM && next && is_key(next, id)) {
		rc = finish_rotation(k, e);
		if (!rc) {
			*out = next;
			next = NULL;
		}
	} else if (rc == OK) {
		rc = key_differs(k, key, id, e);
	} else {
		rc = rc == E_NOT_FOUND ? key_missing(k, id, e) : err_set(e, rc, "%s", why.text);
	}
	master_key_free(key);
	master_key_free(next);
	return rc;
}

/* ---- opening ---- */

/* Without a vault nothing depends on a key yet. */
static int make_vault(struct keyring *k, struct err *e)
{
	int rc = master_key_load(&k->key, k->key_path, e);
	if (rc == E_NOT_FOUND) {
		rc = master_key_create(&k->key, k->key_path, e);
		if (!rc)
			log_event(LOG_NOTICE, "crypto", "a master key was made; keep a copy of it", "path",
				  LOG_S(k->key_path));
	}
	if (rc)
		return rc;
	struct key_id id = master_key_id(k->key);
	return vault_create(&k->vault, k->store_path, id.bytes, e);
}

static int use_vault(struct keyring *k, struct err *e)
{
	struct key_id id;
	int rc = vault_names(k, &id, e);
	return rc ? rc : take_key(k, &id, &k->key, e);
}

static int open_both(struct keyring *k, bool has_path, struct err *e)
{
	int rc = vault_open(&k->vault, k->store_path, e);
	if (rc && rc != E_NOT_FOUND)
		return rc;
	if (has_path)
		return rc ? make_vault(k, e) : use_vault(k, e);
	if (rc)
		return err_set(
			e, E_NOT_FOUND,
			"no master key is configured; set secrets.key_file to add tenants at run time");
	return err_set(e, E_CONFIG,
		       "the store \"%.200s\" holds sealed secrets and no master key is configured; set "
		       "secrets.key_file to the one they were sealed with",
		       k->store_path);
}

int keyring_open(struct keyring **out, const char *store_path, const char *key_path, struct err *e)
{
	*out = NULL;
	struct keyring *k = mem_zalloc(sizeof(*k));
	if (!k)
		return err_set(e, E_NOMEM, "out of memory while opening the secrets");
	const char *path = key_path ? key_path : "";
	int rc = OK;
	if (snprintf(k->store_path, PATH_MAX, "%s", store_path) >= PATH_MAX ||
	    snprintf(k->key_path, PATH_MAX, "%s", path) >= PATH_MAX ||
	    snprintf(k->next_path, PATH_MAX, "%s.next", path) >= PATH_MAX)
		rc = err_set(e, E_CONFIG, "the path of the store or of the master key is too long");
	if (!rc)
		rc = open_both(k, key_path != NULL, e);
	if (rc) {
		keyring_close(k);
		return rc;
	}
	*out = k;
	return OK;
}

void keyring_close(struct keyring *k)
{
	if (!k)
		return;
	vault_close(k->vault);
	master_key_free(k->key);
	mem_free(k);
}

struct key_id keyring_key_id(const struct keyring *k)
{
	return master_key_id(k->key);
}

/* ---- rotation ---- */

static void use_key(struct keyring *k, struct master_key *key)
{
	master_key_free(k->key);
	k->key = key;
}

/* Seals everything under the key of PATH.next. */
static int seal_anew(struct keyring *k, struct master_key *next, struct err *e)
{
	struct keyring_change change = { .from = k->key, .to = next };
	struct key_id id = master_key_id(next), now;
	int rc = vault_rotate(k->vault, keyring_reseal, &change, id.bytes, e);
	/* A disk that failed in the end of a transaction leaves open which key
	 * counts: as long as the vault does not tell, both stay. */
	if (rc && vault_names(k, &now, NULL) == OK && is_key(k->key, &now))
		discard_next(k);
	return rc;
}

int keyring_rotate(struct keyring *k, struct err *e)
{
	struct master_key *key, *next;
	struct key_id id;
	if (master_key_is_credential(k->key_path))
		return err_set(
			e, E_CONFIG,
			"the master key \"%.200s\" comes from systemd and cannot be replaced here; put it "
			"into a file, name that as secrets.key_file, rotate, and make a credential of "
			"the new key",
			k->key_path);
	/* What an earlier rotation left, or somebody changed, is settled first. */
	int rc = vault_names(k, &id, e);
	if (!rc)
		rc = take_key(k, &id, &key, e);
	if (rc)
		return rc;
	use_key(k, key);
	rc = master_key_create(&next, k->next_path, e);
	if (rc)
		return rc;
	rc = seal_anew(k, next, e);
	if (rc) {
		master_key_free(next);
		return rc;
	}
	use_key(k, next);
	rc = master_key_rename(k->next_path, k->key_path, e);
	if (rc)
		err_prefix(e, "the secrets are sealed with the new key");
	return rc;
}
