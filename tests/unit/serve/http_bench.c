#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "unit/serve/http_bench.h"

enum { PATIENCE_MS = 20000, ROWS = 1000000 };

/* ---- routes ---- */

struct answer {
	struct http_bench *bench;
	unsigned at, slices;
};

static int begin(void *arg, void **state, unsigned *status, struct err *e)
{
	struct answer *a = mem_zalloc(sizeof(*a));
	(void)status;
	(void)e;
	a->bench = arg;
	a->bench->begun++;
	*state = a;
	return OK;
}

static int begin_unready(void *arg, void **state, unsigned *status, struct err *e)
{
	*status = 503;
	return begin(arg, state, status, e);
}

static int begin_refused(void *arg, void **state, unsigned *status, struct err *e)
{
	(void)arg;
	(void)state;
	(void)status;
	return err_set(e, E_CORRUPT, "the store is damaged");
}

static void end(void *state)
{
	struct answer *a = state;
	a->bench->ended++;
	mem_free(a);
}

static void sliced(struct answer *a, size_t bytes)
{
	a->slices++;
	a->bench->slices++;
	a->bench->connections = http_server_connections(a->bench->server);
	if ((int)bytes > a->bench->slice_most_bytes)
		a->bench->slice_most_bytes = (int)bytes;
}

static int small(void *state, struct buf *body, size_t bytes, bool *more)
{
	(void)bytes;
	sliced(state, 6);
	buf_puts(body, "hello\n");
	*more = false;
	return OK;
}

static int unready(void *state, struct buf *body, size_t bytes, bool *more)
{
	(void)bytes;
	sliced(state, 10);
	buf_puts(body, "not ready\n");
	*more = false;
	return OK;
}

static int rows(void *state, struct buf *body, size_t bytes, bool *more)
{
	struct answer *a = state;
	if (a->slices % 100 == 7)
		usleep(2000); /* and nothing came of it */
	else
		while (a->at < ROWS && body->len < bytes)
			buf_printf(body, "row %u of a long text that is written again\n", a->at++);
	sliced(a, body->len);
	*more = a->at < ROWS;
	return OK;
}

static int endless(void *state, struct buf *body, size_t bytes, bool *more)
{
	while (body->len < bytes)
		buf_puts(body, "and so on\n");
	sliced(state, body->len);
	*more = true;
	return OK;
}

static int wrong(void *state, struct buf *body, size_t bytes, bool *more)
{
	struct answer *a = state;
	(void)bytes;
	*more = true;
	buf_puts(body, "first\n");
	sliced(a, body->len);
	return a->slices == 1 ? OK : E_CORRUPT;
}

static int empty(void *state, struct buf *body, size_t bytes, bool *more)
{
	(void)body;
	(void)bytes;
	sliced(state, 0);
	*more = false;
	return OK;
}

static const struct http_route routes[] = {
	{ "/small", "text/x-small", begin, small, end },
	{ "/status", "text/plain", begin_unready, unready, end },
	{ "/rows", "text/plain", begin, rows, end },
	{ "/endless", "text/plain", begin, endless, end },
	{ "/wrong", "text/plain", begin, wrong, end },
	{ "/refused", "text/plain", begin_refused, small, end },
	{ "/empty", "text/plain", begin, empty, end },
};

/* ---- the server's side ---- */

static void *client_thread(void *arg)
{
	struct http_bench *b = arg;
	b->wrong = b->client(b);
	waker_wake(b->client_ended);
	return NULL;
}

static void client_ended(void *arg)
{
	struct http_bench *b = arg;
	waker_free(b->client_ended);
	http_server_free(b->server);
}

void http_bench_run(struct http_bench *b, struct http_server_options o,
		    const char *(*client)(struct http_bench *b))
{
	pthread_t thread;
	struct err e = { 0 };
	*b = (struct http_bench){ .client = client };
	o.listen = o.listen ? o.listen : "127.0.0.1:0";
	o.routes = routes;
	o.count = sizeof(routes) / sizeof(*routes);
	o.arg = b;
	assert_int_equal(loop_new(&b->loop, &e), OK);
	assert_int_equal(waker_new(&b->client_ended, b->loop, client_ended, b), OK);
	assert_int_equal(http_server_new(&b->server, b->loop, &o, &e), OK);
	snprintf(b->address, sizeof(b->address), "%s", http_server_address(b->server));
	assert_int_equal(pthread_create(&thread, NULL, client_thread, b), 0);
	loop_run(b->loop);
	pthread_join(thread, NULL);
	assert_int_equal(loop_free(b->loop), OK);
	assert_int_equal(b->begun, b->ended);
	if (b->wrong)
		fail_msg("%s", b->wrong);
}

/* ---- the client's side ---- */

int http_connect(const struct http_bench *b)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *port = strrchr(b->address, ':');
	struct sockaddr *a = (struct sockaddr *)&in;
	socklen_t n = sizeof(in);
	if (strncmp(b->address, "unix:", 5) == 0) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", b->address + 5);
		a = (struct sockaddr *)&un;
		n = sizeof(un);
	} else if (b->address[0] == '[') {
		in6.sin6_addr = in6addr_loopback;
		in6.sin6_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
		a = (struct sockaddr *)&in6;
		n = sizeof(in6);
	} else {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
	}
	int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, a, n) == 0)
		return fd;
	close(fd);
	return -1;
}

bool http_send(int fd, const char *text)
{
	for (size_t n = strlen(text), at = 0; at < n;) {
		ssize_t k = send(fd, text + at, n - at, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		at += (size_t)k;
	}
	return true;
}

size_t http_read(int fd, char *out, size_t size)
{
	size_t n = 0;
	while (n + 1 < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t k = poll(&p, 1, PATIENCE_MS) > 0 ? read(fd, out + n, size - 1 - n) : -1;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	out[n] = '\0';
	return n;
}

size_t http_ask(const struct http_bench *b, const char *request, char *out, size_t size)
{
	int fd = http_connect(b);
	size_t n = 0;
	out[0] = '\0';
	if (fd >= 0 && http_send(fd, request))
		n = http_read(fd, out, size);
	if (fd >= 0)
		close(fd);
	return n;
}
