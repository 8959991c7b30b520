/* What LMDB says of its failures. */
#pragma once

#include "base/err.h"

#include <lmdb.h>

/* The one translation of LMDB's and the system's codes: a sentence that begins
 * with `what` ("reading the tenants") and names the environment's folder. */
int lmdb_fail(const char *folder, struct err *e, int mdb_rc, const char *what);
/* For mdb_env_set_assert(): LMDB found its own pages broken and would abort. It
 * cannot go on from there, so this ends like a page that cannot be read. */
void lmdb_on_damage(MDB_env *env, const char *found);
