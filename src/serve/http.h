/* An HTTP listener for what others read off this program (metrics, health), by
 * libmicrohttpd without threads of its own: its descriptors and its time are
 * watched by our loop. Only GET and HEAD; bodies are made in slices on the loop,
 * as fast as the peer takes them. Everything belongs to the loop's thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct http_server;

enum { HTTP_SLICE_BYTES = 32 << 10, HTTP_URL_MAX = 1024 };

struct http_route {
	const char *path; /* "/metrics" */
	const char *content_type;
	/* Begins one answer. `state` is handed to the others; `status` is 200 and
	 * may be changed. Non-zero: 500 with the sentence, and nothing follows. */
	int (*begin)(void *arg, void **state, unsigned *status, struct err *e);
	/* Appends about `bytes` of the body, within a millisecond or so, possibly
	 * nothing; `more`: it is to be called again. Non-zero cuts the answer, and
	 * the peer sees that it was cut. Not called for HEAD. */
	int (*slice)(void *state, struct buf *body, size_t bytes, bool *more);
	/* Exactly once after begin() returned OK, however the answer ended. */
	void (*end)(void *state);
};

struct http_server_options {
	/* "127.0.0.1:9418", "[::1]:9418" or "unix:/path", which gets the mode 0660.
	 * Port 0 picks a free one. */
	const char *listen;
	const struct http_route *routes; /* outlive the server */
	size_t count;
	void *arg;
	/* 0: 64 in all (others wait to be accepted), 32 of one address (others are
	 * closed), 30 s without a byte moved. */
	unsigned connections, connections_of_address, timeout_s;
};

/* E_CONFIG: that is no address, or none of this machine, or not for this user;
 * E_LOCKED: somebody listens there already; E_IO, E_NOMEM. */
int http_server_new(struct http_server **out, struct loop *l, const struct http_server_options *o,
		    struct err *e);
/* Where it listens, with the port that was picked, as `listen` is written. */
const char *http_server_address(const struct http_server *s);
unsigned http_server_connections(const struct http_server *s);
/* Stops listening and cuts what is under way; the port is free at once. Never
 * from inside a route's functions. NULL is fine. */
void http_server_free(struct http_server *s);
