#include "base/log.h"
#include "base/mem.h"
#include "net/stream_state.h"
#include "net/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 16, PAUSE_MS = 250 };

/* libuv's own listening closes the waiting peers when no descriptor is left, and
 * turns in circles when not even its spare one can be had again; so this is a
 * socket of ours that libuv only watches. */
struct listener {
	uv_poll_t uv;
	struct loop *loop;
	struct timer *again;
	struct stream_slots *slots;
	struct unix_socket socket;
	bool starved; /* of descriptors; said once */
	void (*accepted)(void *arg, struct stream *s);
	void *arg;
};

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
		log_event(LOG_ERROR, "net", "connections wait", "socket", LOG_S(l->socket.path), "reason",
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
		int fd = accept4(l->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
	unix_socket_close(&l->socket);
	if (l->slots)
		stream_slots_release(l->slots);
	mem_free(l);
}

static void closed(uv_handle_t *uv)
{
	destroy(uv->data);
}

static int watch(struct listener *l)
{
	int rc = uv_poll_init(loop_uv(l->loop), &l->uv, l->socket.fd);
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
	l->socket.fd = -1;
	l->loop = loop;
	l->accepted = accepted;
	l->arg = arg;
	l->slots = mem_zalloc(sizeof(*l->slots));
	if (l->slots)
		l->slots->references = 1;
	int rc = OK;
	if (!l->slots || timer_new(&l->again, loop, watch_again, l))
		rc = err_set(e, E_NOMEM, "out of memory for the socket \"%s\"", path);
	if (rc == OK)
		rc = unix_socket_listen(&l->socket, path, 0600, e);
	if (rc == OK && (rc = watch(l)))
		err_set(e, rc, "the socket \"%s\" could not be watched", path);
	if (rc) {
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
	timer_free(l->again);
	uv_close((uv_handle_t *)&l->uv, closed);
	unix_socket_close(&l->socket); /* no longer watched */
}
