/* An HTTP listener on a loop of this thread with a few routes, and a client on
 * another one. A client returns NULL when it saw what it should, else what was
 * wrong; it must not use cmocka's assertions, which cannot leave a thread. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "serve/http.h"

/* /small     "hello\n"
 * /status    503 "not ready\n"
 * /rows      a million lines, some slices empty
 * /endless   never ends
 * /wrong     its second slice fails
 * /refused   cannot be begun
 * /empty     nothing */
struct http_bench {
	struct loop *loop;
	struct http_server *server;
	struct waker *client_ended;
	const char *(*client)(struct http_bench *b);
	const char *wrong;
	char address[160];
	atomic_int begun, slices, ended;
	atomic_int slice_most_bytes;
	atomic_uint connections; /* as the server counts them, after each slice */
};

/* `o` says what is not the standard; its routes are these. Fails the test when
 * the client says so, an answer was not ended, or something stays open. */
void http_bench_run(struct http_bench *b, struct http_server_options o,
		    const char *(*client)(struct http_bench *b));

/* -1 when it cannot connect. */
int http_connect(const struct http_bench *b);
bool http_send(int fd, const char *text);
/* To the end, or until there is no room; NUL-terminated. */
size_t http_read(int fd, char *out, size_t size);
/* One request on a connection of its own, to the end. */
size_t http_ask(const struct http_bench *b, const char *request, char *out, size_t size);
