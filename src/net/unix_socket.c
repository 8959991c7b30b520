#include "net/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int io_error(struct err *e, const char *path)
{
	if (errno == ENOENT)
		return err_set(e, E_IO, "the socket \"%s\" has no folder to be in; make the folder first",
			       path);
	return err_set(e, errno == ENOMEM ? E_NOMEM : E_IO, "the socket \"%s\" could not be made: %s", path,
		       strerror(errno));
}

/* Removes a socket that nobody listens on. */
static int clear_place(const struct sockaddr_un *a, struct err *e)
{
	const char *path = a->sun_path;
	struct stat st;
	if (lstat(path, &st))
		return errno == ENOENT ? OK : io_error(e, path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, E_CONFIG, "\"%s\" is not a socket; move it away or choose another path",
			       path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return io_error(e, path);
	/* EAGAIN is somebody with a full queue. */
	int answer = connect(fd, (const struct sockaddr *)a, sizeof(*a)) ? errno : 0;
	close(fd);
	if (answer == 0 || answer == EAGAIN)
		return err_set(e, E_LOCKED,
			       "somebody listens on \"%s\" already; stop that program or choose another path",
			       path);
	errno = answer;
	if (answer != ECONNREFUSED && answer != ENOENT)
		return io_error(e, path);
	return unlink(path) && errno != ENOENT ? io_error(e, path) : OK;
}

/* Linux gives the file the mode of the socket, less the umask: no moment with
 * more rights passes, and the umask, which belongs to all threads, stays as it
 * is. What the umask took is given back. */
static int make(struct unix_socket *s, const struct sockaddr_un *a, mode_t mode)
{
	struct stat st;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || fchmod(s->fd, mode) || bind(s->fd, (const struct sockaddr *)a, sizeof(*a)) ||
	    lstat(s->path, &st))
		return -1;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if ((st.st_mode & 0777) != mode && chmod(s->path, mode))
		return -1;
	return listen(s->fd, BACKLOG);
}

int unix_socket_listen(struct unix_socket *s, const char *path, mode_t mode, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	*s = (struct unix_socket){ .fd = -1 };
	if (n == 0 || n >= sizeof(s->path))
		return err_set(e, E_CONFIG,
			       "the socket's path \"%.80s\" is %s; a socket's path has 1 to %zu bytes", path,
			       n ? "too long" : "empty", sizeof(s->path) - 1);
	memcpy(s->path, path, n);
	memcpy(a.sun_path, path, n);
	int rc = clear_place(&a, e);
	if (!rc && make(s, &a, mode)) {
		rc = io_error(e, path);
		unix_socket_close(s);
	}
	return rc;
}

void unix_socket_close(struct unix_socket *s)
{
	struct stat st;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->inode && lstat(s->path, &st) == 0 && st.st_ino == s->inode && st.st_dev == s->device)
		unlink(s->path);
	s->inode = 0;
}
