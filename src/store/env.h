/* The open environment, and the barrier between this process' readers and the
 * growing of its map. Private to the store. */
#pragma once

#include "base/mem.h"
#include "store/index_run.h"
#include "store/tenant.h"
#include "store/txn.h"

#include <pthread.h>

enum { STORE_PATH_MAX = 4096 };

struct store {
	MDB_env *env;
	MDB_dbi dbi[DB_COUNT];
	bool read_only;
	int lock_fd; /* holds the writer's lock; -1 when read-only */
	/* Readers hold it shared for the length of a transaction; who changes
	 * the map's size holds it alone (a reader of a map that moved dies of
	 * SIGBUS). */
	pthread_rwlock_t map_lock;
	/* The rest belongs to whoever writes: the writer's thread or the caller
	 * of writer_run_now(). */
	struct tenant **tenants; /* by number - 1; NULL: that one was removed */
	uint32_t tenant_count, tenant_cap;
	struct store_txn txn;
	struct index_run index_run;
	char path[STORE_PATH_MAX];
};

/* The one translation of LMDB's and the system's codes; writes a sentence that
 * begins with `what` ("reading the tenants failed"). */
int store_fail(const struct store *s, struct err *e, int mdb_rc, const char *what);

/* Doubles the map behind the barrier. */
int store_grow(struct store *s, struct err *e);

/* A short read transaction: every begin that said OK needs its end. */
struct read {
	struct store *s;
	MDB_txn *mdb;
};
int read_begin(struct store *s, struct read *r);
void read_end(struct read *r);
