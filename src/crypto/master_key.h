/* The key under which secrets are sealed: 32 random bytes, kept in a file that
 * only its owner may read. The file is text, so that an operator can make, print
 * and copy it: one line of 64 hexadecimal digits; empty lines and lines that
 * begin with # are left out. `openssl rand -hex 32` makes a good one.
 *
 * A path "credential:NAME" means the file NAME that systemd put into the folder
 * named by $CREDENTIALS_DIRECTORY.
 *
 * In memory the key has a page of its own, which is not swapped where the
 * system allows that, is not part of a core dump, and is wiped when freed. A
 * struct master_key belongs to who loaded or made it; it does not change, so
 * any number of threads may use it. */
#pragma once

#include "base/err.h"

#include <stdbool.h>

enum { MASTER_KEY_BYTES = 32, KEY_ID_BYTES = 8, KEY_ID_TEXT_BYTES = 2 * KEY_ID_BYTES + 1 };

/* Says which key it is and tells nothing of the key: the first bytes of a
 * SHA-256 over it. */
struct key_id {
	unsigned char bytes[KEY_ID_BYTES];
};

struct master_key;

/* E_NOT_FOUND: there is no file. E_CONFIG: it is no regular file, is a symbolic
 * link, belongs to somebody else than root and this process' user, may be read
 * or written by others, or holds no key. Of a systemd credential group and
 * access list may let the service's user read it, as systemd does that in a
 * folder that nobody else can enter. */
int master_key_load(struct master_key **out, const char *path, struct err *e);
/* Makes a new key and its file, mode 0600; file and folder are on the disk when
 * it returns. Never replaces a file: E_CONFLICT when there is one. A crash leaves
 * no file under that name or a whole one; what it may leave beside it,
 * "PATH.begun", holds a key that was never used and goes with the next attempt.
 * E_CONFIG for a credential, which only systemd can make. */
int master_key_create(struct master_key **out, const char *path, struct err *e);
/* Gives the key file `from` the name `to`, on the disk when it returns. What had
 * that name is gone. */
int master_key_rename(const char *from, const char *to, struct err *e);
/* Takes over a copy of the bytes; NULL when there is no memory. */
struct master_key *master_key_new(const unsigned char bytes[MASTER_KEY_BYTES]);
/* NULL is fine. */
void master_key_free(struct master_key *k);

bool master_key_is_credential(const char *path);
struct key_id master_key_id(const struct master_key *k);
/* For sealing only; valid as long as the key. */
const unsigned char *master_key_bytes(const struct master_key *k);

bool key_id_eq(const struct key_id *a, const struct key_id *b);
/* 16 lower-case hexadecimal digits. */
const char *key_id_text(const struct key_id *id, char out[KEY_ID_TEXT_BYTES]);
