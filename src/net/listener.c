#include "base/log.h"
#include "base/mem.h"
#include "net/stream_state.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128, ACCEPTS_PER_TURN = 16, PAUSE_MS = 250 };

/* libuv's own listening closes the waiting peers when no descriptor is left, and
 * turns in circles when not even its spare one can be had again; so this is a
 * socket of ours that libuv only watches. */
struct listener {
	uv_poll_t uv;
	struct loop *loop;
	struct timer *again;
	struct stream_slots *slots;
	char *path;
	int fd;
	dev_t device; /* of the socket in the file system */
	ino_t inode;
	bool starved; /* of descriptors; said once */
	void (*accepted)(void *arg, struct stream *s);
	void *arg;
};

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

static int bind_at(struct listener *l, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	size_t n = strlen(l->path);
	if (n == 0 || n >= sizeof(a.sun_path))
		return err_set(e, E_CONFIG,
			       "the socket's path \"%.80s\" is %s; a socket's path has 1 to %zu bytes",
			       l->path, n ? "too long" : "empty", sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, l->path, n);
	int rc = clear_place(&a, e);
	if (rc)
		return rc;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Linux gives the file the mode of the socket: no moment with more rights
	 * passes, and the umask, which belongs to all threads, stays as it is. */
	if (l->fd < 0 || fchmod(l->fd, 0600) || bind(l->fd, (struct sockaddr *)&a, sizeof(a)))
		return io_error(e, l->path);
	if (lstat(l->path, &st))
		return io_error(e, l->path);
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return listen(l->fd, BACKLOG) ? io_error(e, l->path) : OK;
}

static void turn_away(int fd)
{
	static const char busy[] = "{\"ok\":false,\"error\":\"too many connections; close one that is not "
				   "needed\",\"reason\":\"busy\"}\n";
	(void)!send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void take(struct listener *l, int fd)
{
	struct stream *s;
	if (l->slots->used >= LISTENER_STREAMS)
		turn_away(fd);
	else if (stream_new(&s, l->loop, fd, l->slots))
		close(fd);
	else
		l->accepted(l->arg, s);
}

/* What is wrong with one connection is over with it; the rest takes time. */
static bool passes(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO;
}

static void starve(struct listener *l, int error)
{
	if (!l->starved)
		log_event(LOG_ERROR, "net", "connections wait", "socket", LOG_S(l->path), "reason",
			  LOG_S(strerror(error)));
	l->starved = true;
	uv_poll_stop(&l->uv);
	timer_arm(l->again, PAUSE_MS);
}

static void ready(uv_poll_t *uv, int status, int events)
{
	struct listener *l = uv->data;
	(void)status;
	(void)events;
	/* accepted() may free the listener. */
	for (int i = 0; i < ACCEPTS_PER_TURN && !uv_is_closing((uv_handle_t *)uv); i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			l->starved = false;
			take(l, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (!passes(errno)) {
			starve(l, errno);
			return;
		}
	}
}

static void watch_again(void *arg)
{
	struct listener *l = arg;
	if (uv_poll_start(&l->uv, UV_READABLE, ready))
		timer_arm(l->again, PAUSE_MS);
}

static void destroy(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->slots)
		stream_slots_release(l->slots);
	mem_free(l->path);
	mem_free(l);
}

static void closed(uv_handle_t *uv)
{
	destroy(uv->data);
}

static void remove_file(const struct listener *l)
{
	struct stat st;
	if (l->inode && lstat(l->path, &st) == 0 && st.st_ino == l->inode && st.st_dev == l->device)
		unlink(l->path);
}

static int watch(struct listener *l)
{
	int rc = uv_poll_init(loop_uv(l->loop), &l->uv, l->fd);
	if (rc)
		return rc == UV_ENOMEM ? E_NOMEM : E_IO;
	l->uv.data = l;
	watch_again(l);
	return OK;
}

int listener_new(struct listener **out, struct loop *loop, const char *path,
		 void (*accepted)(void *arg, struct stream *s), void *arg, struct err *e)
{
	struct listener *l = mem_zalloc(sizeof(*l));
	if (!l)
		return err_set(e, E_NOMEM, "out of memory for the socket \"%s\"", path);
	l->fd = -1;
	l->loop = loop;
	l->accepted = accepted;
	l->arg = arg;
	l->path = mem_strdup(path);
	l->slots = mem_zalloc(sizeof(*l->slots));
	if (l->slots)
		l->slots->references = 1;
	int rc = OK;
	if (!l->path || !l->slots || timer_new(&l->again, loop, watch_again, l))
		rc = err_set(e, E_NOMEM, "out of memory for the socket \"%s\"", path);
	if (rc == OK)
		rc = bind_at(l, e);
	if (rc == OK && (rc = watch(l)))
		err_set(e, rc, "the socket \"%s\" could not be watched", path);
	if (rc) {
		if (l->path)
			remove_file(l);
		timer_free(l->again);
		destroy(l);
		return rc;
	}
	*out = l;
	return OK;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	remove_file(l);
	timer_free(l->again);
	uv_close((uv_handle_t *)&l->uv, closed);
}
