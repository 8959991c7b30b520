/* What the parts of store_verify() share. */
#pragma once

#include "store/env.h"

struct verify {
	struct read r;
	void (*finding)(void *arg, const char *text);
	void *arg;
	uint64_t findings;
	unsigned char *known; /* bit n: there is a tenant with the number n */
	uint32_t known_bits;
};

void verify_found(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

typedef int verify_row_fn(struct verify *v, void *arg, MDB_val key, MDB_val value);
int verify_rows(struct verify *v, enum store_db db, uint32_t tenant, verify_row_fn *each, void *arg);
bool verify_exists(struct verify *v, enum store_db db, MDB_val key, MDB_val *value);

/* Counts the devices, reads each record back, and compares the indexes with
 * what they must hold. */
int verify_devices(struct verify *v, const struct tenant_state *t);
