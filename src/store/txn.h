/* The write transaction as a job sees it: LMDB's, one cursor a database, the
 * tenants it touched, and memory that is kept from one transaction to the next
 * so that a host costs no allocation. There is one per store, used by the
 * thread that writes. */
#pragma once

#include "base/arena.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/tenant.h"

struct store_txn {
	struct store *s;
	MDB_txn *mdb; /* NULL between transactions */
	MDB_cursor *cursors[DB_COUNT];
	struct buf record;             /* head and stable part of the device at hand */
	struct buf event;              /* JSON of a change event or a reject */
	struct buf old_text, new_text; /* what record_peek() had to unescape */
	struct arena *arena;           /* the detail facts of the device at hand */
	struct err err;                /* why the job failed */
	uint64_t writes;               /* rows put or deleted so far, for `dirty` */
};

void txn_init(struct store_txn *t, struct store *s);
void txn_release(struct store_txn *t);

int txn_begin(struct store_txn *t);
/* Writes the rows of changed tenants and commits. When it fails, all is as
 * before txn_begin(), in memory too. */
int txn_commit(struct store_txn *t);
void txn_abort(struct store_txn *t);

/* Fills t->err from LMDB's code; `what` as in store_fail(). */
int txn_fail(struct store_txn *t, int mdb_rc, const char *what);
/* Checks a buffer after it was written: OK or its failure, with a sentence. */
int txn_check(struct store_txn *t, const struct buf *b, const char *what);

/* The database's cursor, valid until the end of the transaction and shared by
 * all who ask for it: its position is only yours between two calls of others. */
int txn_cursor(struct store_txn *t, enum store_db db, MDB_cursor **out);
/* OK, or E_NOT_FOUND without a sentence. */
int txn_get(struct store_txn *t, enum store_db db, MDB_val key, MDB_val *value);
int txn_put(struct store_txn *t, enum store_db db, MDB_val key, MDB_val value);
/* OK, or E_NOT_FOUND without a sentence. */
int txn_delete(struct store_txn *t, enum store_db db, MDB_val key);

/* The tenant, to be read or changed by this transaction. E_NOT_FOUND. */
int txn_tenant(struct store_txn *t, uint32_t number, struct tenant **out);
int txn_tenant_named(struct store_txn *t, const char *name, struct tenant **out);
/* A new tenant with the next number. */
int txn_tenant_new(struct store_txn *t, const char *name, struct tenant **out);
/* Has the tenant's row written with this transaction when rows were put or
 * deleted since `writes_before`, or when it lags too far behind. */
void txn_tenant_settle(struct store_txn *t, struct tenant *tenant, uint64_t writes_before);
/* Loads the tenant's policies if they are not in memory. */
int txn_policies(struct store_txn *t, struct tenant *tenant);

/* Reads all tenants into memory; on opening. */
int txn_load_tenants(struct store *s, struct err *e);
/* Writes the rows that lag behind, in a transaction of its own. */
int txn_write_lagging(struct store *s);
