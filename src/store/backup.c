#include "store/backup.h"

#include "store/data_file.h"
#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(struct err *e, const char *doing, const char *folder)
{
	return err_set(e, errno == ENOSPC ? E_DISK_FULL : E_IO, "%s the copy \"%s\" failed: %s", doing,
		       folder, strerror(errno));
}

static int sync_path(const char *path, uint64_t *bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int rc = fsync(fd) || fstat(fd, &st) ? -1 : 0;
	if (!rc && bytes)
		*bytes = (uint64_t)st.st_size;
	close(fd);
	return rc;
}

/* The folder above, whose entry for the copy must be on the disk too. */
static int sync_parent(const char *folder)
{
	char parent[STORE_PATH_MAX];
	snprintf(parent, sizeof(parent), "%s", folder);
	char *slash = strrchr(parent, '/');
	if (!slash)
		return sync_path(".", NULL);
	slash[slash == parent] = '\0';
	return sync_path(parent, NULL);
}

static int copy_into(struct store *s, const char *begun, bool compact, struct err *e)
{
	/* The copy is a long reader: the map must not move under it. */
	pthread_rwlock_rdlock(&s->map_lock);
	int rc = mdb_env_copy2(s->env, begun, compact ? MDB_CP_COMPACT : 0);
	pthread_rwlock_unlock(&s->map_lock);
	return rc ? store_fail(s, e, rc, "copying") : OK;
}

int store_backup(struct store *s, const char *folder, bool compact, uint64_t *bytes, struct err *e)
{
	char begun[STORE_PATH_MAX], data[STORE_PATH_MAX + 16];
	size_t n = strlen(folder);
	if (!n || folder[n - 1] == '/' || n + 8 > sizeof(begun))
		return err_set(e, E_CONFIG,
			       "the path of the copy is empty, too long, or ends in a slash; choose another");
	snprintf(begun, sizeof(begun), "%s.begun", folder);
	snprintf(data, sizeof(data), "%s/%s", begun, DATA_FILE_NAME);
	if (!access(folder, F_OK))
		return err_set(e, E_CONFIG, "\"%s\" exists already; choose another path for the copy",
			       folder);
	/* what an earlier copy that was cut off has left */
	unlink(data);
	rmdir(begun);
	if (mkdir(begun, 0700))
		return failed(e, "making", folder);
	int rc = copy_into(s, begun, compact, e);
	if (!rc && (sync_path(data, bytes) || sync_path(begun, NULL)))
		rc = failed(e, "writing", folder);
	if (!rc && (rename(begun, folder) || sync_parent(folder)))
		rc = failed(e, "naming", folder);
	if (rc) {
		unlink(data);
		rmdir(begun);
	}
	return rc;
}
