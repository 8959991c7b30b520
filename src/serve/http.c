#include "serve/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/poller.h"
#include "serve/http_answer.h"
#include "serve/http_listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
	CONNECTIONS = 64,
	CONNECTIONS_OF_ADDRESS = 32,
	TIMEOUT_S = 30,
	/* Of one connection: the head of a request with all its headers, and one
	 * piece of an answer. */
	CONNECTION_BYTES = HTTP_SLICE_BYTES + 4096,
	ACCEPTS_A_TURN = 16,
	PAUSE_MS = 250,
};

/* Connections are accepted here, not by libmicrohttpd, which would turn in
 * circles when no descriptor is left. */
struct http_server {
	struct loop *loop;
	struct http_server_options options;
	struct http_listen listen;
	struct MHD_Daemon *daemon;
	struct poller *accepting, *moving; /* the listening socket, libmicrohttpd's epoll */
	struct timer *due;                 /* when libmicrohttpd wants to run */
	struct timer *again;               /* when accepting goes on */
	unsigned connections;
	bool starved; /* of descriptors; said once */
};

static void run(void *arg);

/* ---- accepting ---- */

static void pause_accepting(struct http_server *s, uint64_t ms)
{
	poller_free(s->accepting);
	s->accepting = NULL;
	if (ms)
		timer_arm(s->again, ms);
}

static void starve(struct http_server *s, int error)
{
	if (!s->starved)
		log_event(LOG_ERROR, "serve", "connections wait", "address", LOG_S(s->listen.address),
			  "reason", LOG_S(strerror(error)));
	s->starved = true;
	pause_accepting(s, PAUSE_MS);
}

static void accept_some(void *arg)
{
	struct http_server *s = arg;
	for (int i = 0; i < ACCEPTS_A_TURN && s->connections < s->options.connections; i++) {
		struct sockaddr_storage a = { 0 };
		socklen_t n = sizeof(a);
		int fd = accept4(s->listen.fd, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			s->starved = false;
			/* closes it when it cannot take it */
			(void)MHD_add_connection(s->daemon, fd, (struct sockaddr *)&a, n);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
			starve(s, errno);
			break;
		}
	}
	run(s);
}

static void accept_again(void *arg)
{
	struct http_server *s = arg;
	if (!s->accepting && poller_new(&s->accepting, s->loop, s->listen.fd, accept_some, s))
		timer_arm(s->again, PAUSE_MS);
}

static void connection_changed(void *arg, struct MHD_Connection *c, void **own,
			       enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;
	(void)c;
	(void)own;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		s->connections++;
	else
		s->connections--;
}

/* ---- moving ---- */

static void run(void *arg)
{
	struct http_server *s = arg;
	MHD_UNSIGNED_LONG_LONG ms;
	must(MHD_run(s->daemon));
	if (MHD_get_timeout(s->daemon, &ms))
		timer_arm(s->due, ms);
	else
		timer_disarm(s->due);
	if (s->connections >= s->options.connections)
		pause_accepting(s, 0);
	else if (!s->accepting && !s->starved)
		accept_again(s);
}

static enum MHD_Result asked(void *arg, struct MHD_Connection *c, const char *url, const char *method,
			     const char *version, const char *upload, size_t *upload_bytes, void **request)
{
	struct http_server *s = arg;
	(void)version;
	(void)upload;
	return http_answer(&s->options, c, url, method, upload_bytes, request);
}

static int start(struct http_server *s, struct err *e)
{
	const struct http_server_options *o = &s->options;
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, asked, s,
		MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		o->connections_of_address, MHD_OPTION_CONNECTION_TIMEOUT, o->timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION,
		connection_changed, s, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!s->daemon)
		return err_set(e, E_IO, "the HTTP listener \"%s\" could not be started: %s",
			       s->listen.address, strerror(errno));
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	must(info != NULL);
	if (timer_new(&s->due, s->loop, run, s) || timer_new(&s->again, s->loop, accept_again, s) ||
	    poller_new(&s->moving, s->loop, info->epoll_fd, run, s) ||
	    poller_new(&s->accepting, s->loop, s->listen.fd, accept_some, s))
		return err_set(e, E_NOMEM, "out of memory for the HTTP listener");
	return OK;
}

int http_server_new(struct http_server **out, struct loop *l, const struct http_server_options *o,
		    struct err *e)
{
	struct http_server *s = mem_zalloc(sizeof(*s));
	if (!s)
		return err_set(e, E_NOMEM, "out of memory for the HTTP listener");
	s->loop = l;
	s->options = *o;
	s->options.listen = NULL; /* not ours */
	if (!o->connections)
		s->options.connections = CONNECTIONS;
	if (!o->connections_of_address)
		s->options.connections_of_address = CONNECTIONS_OF_ADDRESS;
	if (!o->timeout_s)
		s->options.timeout_s = TIMEOUT_S;
	int rc = http_listen_open(&s->listen, o->listen, e);
	if (!rc)
		rc = start(s, e);
	if (rc)
		http_server_free(s);
	else
		*out = s;
	return rc;
}

const char *http_server_address(const struct http_server *s)
{
	return s->listen.address;
}

unsigned http_server_connections(const struct http_server *s)
{
	return s->connections;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	poller_free(s->accepting);
	poller_free(s->moving);
	timer_free(s->due);
	timer_free(s->again);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	http_listen_close(&s->listen);
	mem_free(s);
}
