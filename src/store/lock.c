#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static long holder(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10);
}

static int refused(const char *folder, int fd, int code, struct err *e)
{
	if (code != EWOULDBLOCK)
		return err_set(e, E_IO, "the lock of the store \"%s\" could not be taken: %s", folder,
			       strerror(code));
	long pid = holder(fd);
	if (pid <= 0)
		return err_set(
			e, E_LOCKED,
			"the store \"%s\" is in use by another process; stop it or choose another store",
			folder);
	return err_set(e, E_LOCKED,
		       "the store \"%s\" is in use by process %ld; stop it or choose another store", folder,
		       pid);
}

int lock_take(const char *folder, int *out, struct err *e)
{
	char path[PATH_MAX], pid[32];
	if (snprintf(path, sizeof(path), "%s/" LOCK_FILE_NAME, folder) >= (int)sizeof(path))
		return err_set(e, E_CONFIG, "the path of the store is too long; choose another");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, errno == ENOSPC ? E_DISK_FULL : E_IO,
			       "the lock file \"%s\" could not be opened: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int rc = refused(folder, fd, errno, e);
		close(fd);
		return rc;
	}
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)n, 0) != n) {
		int rc = err_set(e, errno == ENOSPC ? E_DISK_FULL : E_IO,
				 "the lock file \"%s\" could not be written: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	*out = fd;
	return OK;
}

void lock_drop(int fd)
{
	if (fd >= 0)
		close(fd);
}
