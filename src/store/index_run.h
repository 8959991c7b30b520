/* A sorted run of index entries in memory: the first walk's devices are many,
 * and entries that go in sorted touch each page of the index once a run
 * instead of once an entry. A run is put in over several transactions; it is
 * forgotten, and collected again, when one of them is rolled back or when
 * another job changes the tenant's indexes. */
#pragma once

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct index_run_entry {
	uint64_t prefix; /* the first 8 bytes of the key, as a number */
	uint32_t at, n;  /* the key without the tenant, in `keys` */
};

struct index_run {
	uint32_t tenant; /* 0: there is no run, but there may be memory for one */
	uint64_t last;   /* the last device in it */
	bool final;      /* there are no devices after it */
	unsigned char *memory;
	struct index_run_entry *entries; /* they grow downwards to the keys */
	struct index_run_entry *spare;   /* room for as many, to sort them */
	size_t keys_bytes, count, done;
};

/* Sorts what was collected, last entry first. */
void index_run_sort(struct index_run *r);
void index_run_release(struct index_run *r);
/* Releases it when it is the tenant's. */
void index_run_forget(struct index_run *r, uint32_t tenant);
