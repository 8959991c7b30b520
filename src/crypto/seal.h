/* Sealing of small secrets with AES-256-GCM. Sealed bytes are
 *
 *   version 1 | key id 8 | nonce 12, random | ciphertext | tag 16
 *
 * and hold for one place only: they do not open for another purpose, tenant or
 * number, under another key, or beside other plain bytes. Nonces are random, so
 * one key should seal no more than 2^32 times; rotating it begins anew.
 *
 * Nothing here keeps state; the bytes belong to the caller, who wipes them. */
#pragma once

#include "base/slice.h"
#include "crypto/master_key.h"

enum {
	SEAL_VERSION = 1,
	SEAL_NONCE_BYTES = 12,
	SEAL_TAG_BYTES = 16,
	SEAL_HEAD_BYTES = 1 + KEY_ID_BYTES + SEAL_NONCE_BYTES,
	SEAL_OVERHEAD_BYTES = SEAL_HEAD_BYTES + SEAL_TAG_BYTES,
	SEAL_PLAIN_MAX = 1 << 20,
};

/* What the sealed bytes belong to. Each member is authenticated, none is kept
 * in them. */
struct seal_place {
	const char *purpose; /* "tenant secrets" */
	struct slice tenant;
	uint32_t number;
	struct slice beside; /* plain bytes that are stored next to the sealed ones */
};

/* Writes n + SEAL_OVERHEAD_BYTES to `out`. E_LIMIT, E_NOMEM, E_IO. */
int seal_close(const struct master_key *k, const struct seal_place *place, const void *plain, size_t n,
	       void *out, struct err *e);
/* Writes n - SEAL_OVERHEAD_BYTES to `plain`, which are zero when it failed.
 * E_CONFIG: sealed under another key, both are named; E_CORRUPT: damaged, or
 * sealed for another place; E_NEWER_FORMAT; E_LIMIT; E_NOMEM. */
int seal_open(const struct master_key *k, const struct seal_place *place, const void *sealed, size_t n,
	      void *plain, struct err *e);
/* What seal_open() would write; 0 when n is too short to be sealed bytes. */
size_t seal_plain_bytes(size_t n);
/* The key they were sealed under, unproven. False when they are none. */
bool seal_key_id(const void *sealed, size_t n, struct key_id *id);
