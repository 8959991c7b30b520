#include "unit/net/liar.h"

#include "unit/net/liar_certificate.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 2000, REQUEST_MAX = 16384, PIECE = 65536 };

struct liar {
	int fd, port;
	char url[64];
	SSL_CTX *tls;
	pthread_t thread;
	atomic_uint connections, requests;
	atomic_bool stopping;
	struct connection *all[CONNECTIONS_MAX];
};

struct connection {
	struct liar *l;
	int fd;
	SSL *ssl;
	pthread_t thread;
	unsigned served;
	char request[REQUEST_MAX];
};

char liar_byte(size_t i)
{
	return (char)('a' + i % 23);
}

static int put(struct connection *c, const void *p, size_t n)
{
	if (c->ssl)
		return SSL_write(c->ssl, p, (int)n) == (int)n;
	while (n) {
		ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return 0;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return 1;
}

static int say(struct connection *c, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put(c, text, (size_t)n);
}

/* True when the time passed, false when the client or liar_stop() hung up. */
static int rest(struct connection *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	return poll(&p, 1, ms) == 0;
}

static void reset(struct connection *c)
{
	struct linger now = { .l_onoff = 1 };
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static int body(struct connection *c, size_t from, size_t n)
{
	static const size_t turn = 23 * 2000;
	static __thread char piece[PIECE + 23];
	if (!piece[0])
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = liar_byte(i);
	while (n) {
		size_t k = n < turn ? n : turn;
		if (!put(c, piece + from % 23, k))
			return 0;
		from += k;
		n -= k;
	}
	return 1;
}

static int header(struct connection *c, size_t n)
{
	return say(c,
		   "HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: "
		   "%zu\r\n\r\n",
		   n);
}

static int chunked(struct connection *c, size_t n, bool whole)
{
	say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t at = 0; at < n;) {
		size_t k = n - at < 10000 ? n - at : 10000;
		if (!say(c, "%zx\r\n", k) || !body(c, at, k) || !say(c, "\r\n"))
			return 0;
		at += k;
	}
	return whole && say(c, "0\r\n\r\n");
}

static int serve_retry(struct connection *c, const char *value)
{
	char v[100];
	snprintf(v, sizeof(v), "%s", value);
	for (char *p = v; *p; p++)
		if (*p == '_')
			*p = ' ';
	return say(c,
		   "HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		   "Content-Length: 0\r\n\r\n",
		   v);
}

static int serve_forever(struct connection *c, const char *path)
{
	if (strcmp(path, "/silent") == 0)
		return rest(c, 60000);
	if (strcmp(path, "/interim") == 0)
		while (say(c, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n") && rest(c, 50))
			;
	if (strcmp(path, "/drip") == 0 && header(c, 1000000))
		while (say(c, "a") && rest(c, 20))
			;
	if (strcmp(path, "/endless") == 0 && say(c, "HTTP/1.1 200 OK\r\n\r\n"))
		while (body(c, 0, 46000))
			;
	if (strcmp(path, "/headers") == 0 && say(c, "HTTP/1.1 200 OK\r\n"))
		while (say(c, "X-Again: %01000d\r\n", 1))
			;
	return 0;
}

static int serve_cut(struct connection *c, const char *path)
{
	if (strcmp(path, "/cut-length") == 0 && header(c, 2000))
		body(c, 0, 1000);
	else if (strcmp(path, "/cut-chunked") == 0)
		chunked(c, 1000, false);
	else if (strcmp(path, "/bad-chunk") == 0)
		say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n");
	else if (strcmp(path, "/garbage") == 0)
		say(c, "SSH-2.0-OpenSSH_9.2p1\r\n");
	else if (strcmp(path, "/half-header") == 0)
		say(c, "HTTP/1.1 200 OK\r\nContent-");
	else
		return serve_forever(c, path);
	return 0;
}

/* True: the connection may take another request. */
static int serve(struct connection *c, const char *path)
{
	long n;
	/* A client takes us for its proxy. */
	if (strncmp(path, "http://", 7) == 0)
		path = strchr(path + 7, '/');
	if (sscanf(path, "/ok/%ld", &n) == 1)
		return header(c, (size_t)n) && body(c, 0, (size_t)n);
	if (sscanf(path, "/chunked/%ld", &n) == 1)
		return chunked(c, (size_t)n, true);
	if (sscanf(path, "/status/%ld", &n) == 1)
		return say(c, "HTTP/1.1 %ld Some\r\nContent-Length: 2\r\n\r\n{}", n);
	if (strncmp(path, "/retry/", 7) == 0)
		return serve_retry(c, path + 7);
	if (strcmp(path, "/long") == 0)
		return header(c, 1u << 30) && rest(c, 60000);
	if (strcmp(path, "/redirect") == 0)
		return say(c, "HTTP/1.1 302 Found\r\nLocation: https://login.example/sso\r\nContent-Length: "
			      "0\r\n\r\n");
	if (strcmp(path, "/gzip") == 0)
		return say(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
	if (strcmp(path, "/gzip-error") == 0)
		return say(c, "HTTP/1.1 502 Bad\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
	if (strcmp(path, "/echo") == 0)
		return say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(c->request)) &&
		       put(c, c->request, strlen(c->request));
	if (strcmp(path, "/once-then-reset") == 0) {
		if (c->served > 1) {
			reset(c);
			return 0;
		}
		return header(c, 5) && body(c, 0, 5);
	}
	return serve_cut(c, path);
}

static int read_request(struct connection *c)
{
	size_t have = 0;
	while (have + 1 < sizeof(c->request)) {
		char *p = c->request + have;
		ssize_t n = c->ssl ? SSL_read(c->ssl, p, 1) : recv(c->fd, p, 1, 0);
		if (n <= 0)
			return 0;
		/* A TLS hello: what web servers say to it on their plain port. */
		if (!c->ssl && have == 0 && *p == 0x16) {
			say(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
			return 0;
		}
		have += (size_t)n;
		c->request[have] = '\0';
		if (have >= 4 && strcmp(c->request + have - 4, "\r\n\r\n") == 0)
			return 1;
	}
	return 0;
}

static void *connection_main(void *arg)
{
	struct connection *c = arg;
	char path[1024];
	if (c->ssl && SSL_accept(c->ssl) <= 0)
		goto out;
	while (!c->l->stopping && read_request(c)) {
		c->served++;
		c->l->requests++;
		if (sscanf(c->request, "%*s %1023s", path) != 1 || !serve(c, path))
			break;
	}
out:
	if (c->ssl)
		SSL_free(c->ssl);
	/* Sends the end or the reset; the number itself is freed in liar_stop(),
	 * so that it cannot mean another connection meanwhile. */
	struct linger l = { 0 };
	socklen_t n = sizeof(l);
	getsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, &n);
	if (l.l_onoff) {
		int hole = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		dup2(hole, c->fd);
		close(hole);
	} else {
		shutdown(c->fd, SHUT_RDWR);
	}
	return NULL;
}

static void *accept_main(void *arg)
{
	struct liar *l = arg;
	while (!l->stopping && l->connections < CONNECTIONS_MAX) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			break;
		struct connection *c = calloc(1, sizeof(*c));
		c->l = l;
		c->fd = fd;
		if (l->tls) {
			c->ssl = SSL_new(l->tls);
			SSL_set_fd(c->ssl, fd);
		}
		l->all[l->connections++] = c;
		pthread_create(&c->thread, NULL, connection_main, c);
	}
	return NULL;
}

struct liar *liar_start(enum liar_certificate kind)
{
	struct liar *l = calloc(1, sizeof(*l));
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	signal(SIGPIPE, SIG_IGN);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(l->fd, (struct sockaddr *)&a, sizeof(a)) || listen(l->fd, 1024) ||
	    getsockname(l->fd, (struct sockaddr *)&a, &n))
		abort();
	l->port = ntohs(a.sin_port);
	snprintf(l->url, sizeof(l->url), "%s://127.0.0.1:%d", kind == LIAR_PLAIN ? "http" : "https", l->port);
	if (kind != LIAR_PLAIN)
		l->tls = liar_tls(kind);
	pthread_create(&l->thread, NULL, accept_main, l);
	return l;
}

void liar_stop(struct liar *l)
{
	l->stopping = true;
	shutdown(l->fd, SHUT_RDWR);
	pthread_join(l->thread, NULL);
	for (unsigned i = 0; i < l->connections; i++)
		shutdown(l->all[i]->fd, SHUT_RDWR);
	for (unsigned i = 0; i < l->connections; i++) {
		pthread_join(l->all[i]->thread, NULL);
		close(l->all[i]->fd);
		free(l->all[i]);
	}
	close(l->fd);
	SSL_CTX_free(l->tls);
	free(l);
}

const char *liar_url(const struct liar *l)
{
	return l->url;
}

int liar_port(const struct liar *l)
{
	return l->port;
}

unsigned liar_connections(const struct liar *l)
{
	return l->connections;
}

unsigned liar_requests(const struct liar *l)
{
	return l->requests;
}
