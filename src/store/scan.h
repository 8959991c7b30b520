/* Reading a tenant's range of one database in short transactions. */
#pragma once

#include "store/env.h"

/* `key` and `value` are valid during the call. Non-zero ends the scan and is
 * returned; SCAN_ENOUGH ends it as OK. */
typedef int scan_row_fn(void *arg, struct read *r, uint64_t id, MDB_val key, MDB_val value);
enum { SCAN_ENOUGH = 0x5ca7 };

/* Rows from `from` on, in order; a new transaction every READ_SLICE_DEVICES
 * rows, so the whole is not one snapshot. */
int scan_rows(struct store *s, enum store_db db, uint32_t tenant, uint64_t from, scan_row_fn *each,
	      void *arg);
