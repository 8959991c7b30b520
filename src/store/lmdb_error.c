#include "store/lmdb_error.h"

#include "store/limits.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

/* LMDB answers EIO for a write that was cut short, as the last one on a disk
 * that is filling up is. */
static bool disk_is_full(const char *path)
{
	struct statvfs fs;
	return !statvfs(path, &fs) && (uint64_t)fs.f_bavail * fs.f_frsize < GROUP_BYTES;
}

int lmdb_fail(const char *path, struct err *e, int rc, const char *what)
{
	if (rc == EIO && disk_is_full(path))
		rc = ENOSPC;
	switch (rc) {
	case MDB_MAP_FULL:
		return err_set(e, E_MAP_FULL, "the map of the store \"%s\" is full", path);
	case ENOSPC:
	case EDQUOT:
		return err_set(e, E_DISK_FULL,
			       "the disk of the store \"%s\" is full; free some space and it goes on", path);
	case ENOMEM:
		return err_set(e, E_NOMEM, "out of memory while %s of the store \"%s\"", what, path);
	case EACCES:
	case EPERM:
		return err_set(
			e, E_IO,
			"%s of the store \"%s\" is not allowed; run it as the user who owns the store, "
			"reading needs its lock file too",
			what, path);
	case MDB_NOTFOUND:
		return err_set(e, E_NOT_FOUND, "nothing was found while %s of the store \"%s\"", what, path);
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_VERSION_MISMATCH:
		return err_set(e, E_CORRUPT,
			       "%s of the store \"%s\" failed: %s; check the disk and restore a backup", what,
			       path, mdb_strerror(rc));
	case MDB_PANIC:
		return err_set(e, E_IO,
			       "%s of the store \"%s\" failed after an earlier failure to write; check the "
			       "disk and start again",
			       what, path);
	default:
		return err_set(e, rc == MDB_TXN_FULL ? E_LIMIT : E_IO, "%s of the store \"%s\" failed: %s",
			       what, path, mdb_strerror(rc));
	}
}

void lmdb_on_damage(MDB_env *env, const char *found)
{
	(void)env, (void)found;
	raise(SIGBUS);
}
