#include "store/data_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { MAP_BYTES = 1 << 20 };

static int write_pages(const char *path)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);
	if (rc)
		return rc;
	rc = mdb_env_set_mapsize(env, MAP_BYTES);
	if (!rc)
		rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
	if (!rc)
		rc = mdb_env_sync(env, 1);
	mdb_env_close(env);
	return rc;
}

int data_file_publish(const char *folder, const char *begun, const char *path)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int rc = rename(begun, path) || fsync(fd) ? errno : 0;
	close(fd);
	return rc;
}

int data_file_make(const struct store *s, struct err *e)
{
	char begun[PATH_MAX], path[PATH_MAX];
	if (snprintf(begun, sizeof(begun), "%s/" DATA_FILE_BEGUN_NAME, s->path) >= (int)sizeof(begun) ||
	    snprintf(path, sizeof(path), "%s/" DATA_FILE_NAME, s->path) >= (int)sizeof(path))
		return err_set(e, E_CONFIG, "the path of the store is too long; choose another");
	int rc = unlink(begun) && errno != ENOENT ? errno : write_pages(begun);
	if (!rc)
		rc = data_file_publish(s->path, begun, path);
	return rc ? store_fail(s, e, rc, "making the data file") : OK;
}
