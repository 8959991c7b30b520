/* One HTTP exchange over libcurl's multi interface, driven by the loop.
 *
 * Rules kept here, so that nobody above has to think of them: no redirect is
 * followed; no environment variable decides a proxy; only http and https; the
 * peer's address is checked on every connection, new or reused, behind a
 * resolver or not (invariant 12); responses are taken as sent (identity
 * encoding only); the body is streamed and has a ceiling; first byte and whole
 * request have their own time limits; the authorization header is never logged. */
#pragma once

#include "base/err.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;   /* one per loop */
struct http_origin;   /* one server with its settings; keeps its connections */
struct http_exchange; /* one request under way */

/* Starts with the standard limits. */
int http_client_new(struct http_client **out, struct loop *l, struct err *e);
/* All exchanges must have ended or been cancelled; origins freed. Never from
 * inside a callback of this folder. */
void http_client_free(struct http_client *c);

enum { HTTP_TRANSFERS = 1024, HTTP_CONNECTIONS = 2048, HTTP_IDLE_MS = 60 * 1000 };

struct http_limits {
	/* Most exchanges at once; the others wait for their turn, one origin after
	 * the other, so that one with many requests overtakes nobody. */
	unsigned transfers;
	/* Most connections at once, idle ones included: the one that was idle for
	 * longest makes room. While a name has addresses of both kinds a few more
	 * may be tried for a moment. */
	unsigned connections;
	/* How long a connection may be idle. */
	unsigned idle_ms;
};
/* 0: the standard. From now on; what runs goes on. Any callback may call it. */
void http_client_limit(struct http_client *c, const struct http_limits *limits);

struct http_stat {
	unsigned running, waiting; /* exchanges: had their turn, wait for it */
	unsigned open;             /* connections now, idle ones and those under way included */
	uint64_t opened;           /* connections in all */
};
void http_client_stat(const struct http_client *c, struct http_stat *out);

struct http_origin_options {
	const char *name;  /* for messages */
	const char *url;   /* base, no trailing slash */
	const char *token; /* bearer; copied, wiped on free */
	const char *ca_file, *client_cert, *client_key, *proxy;
	/* The same as contents, PEM text; each goes before its file. A key may
	 * stand in the text of its certificate. */
	const char *ca_pem, *client_cert_pem, *client_key_pem;
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	bool allow_http, allow_private;
};
/* Copies all of it. E_CONFIG or E_TOKEN with a sentence when something in it
 * cannot be used: a scheme, a file that cannot be read, a line break, a text that
 * holds no certificate. CA certificates that nobody set are the system's. An
 * origin has connections of its own, which it keeps for its next request, for
 * limits.idle_ms at most; they close with it. */
int http_origin_new(struct http_origin **out, struct http_client *c, const struct http_origin_options *o,
		    struct err *e);
/* Its exchanges must have ended or been cancelled; any callback may call it. */
void http_origin_free(struct http_origin *o);

/* What `rc` says, beside the codes that on_body returned:
 *   E_DNS        the name was not resolved, or not in time
 *   E_CONNECT    no connection, or it went before an answer came, or no file
 *                descriptor was left for it
 *   E_TLS        the handshake failed for a reason that will not go away
 *   E_ADDRESS    an address that this tenant may not reach
 *   E_TIMEOUT    connected, but the answer did not begin or end in time
 *   E_TRUNCATED  the answer began and was cut
 *   E_LIMIT      its body or header is longer than allowed
 *   E_SYNTAX     its chunks are malformed, or it is compressed (status 2xx)
 *   E_NOT_FLEET  what came is not HTTP
 *   E_CONFIG, E_IO, E_NOMEM   as everywhere
 * A body without length and chunks ends with its connection; whether it is
 * whole, only its reader can tell. */
struct http_result {
	int rc;                /* OK: a whole answer came, whatever its status */
	struct err err;        /* a sentence when rc != OK */
	long status;           /* 0: none came */
	char content_type[64]; /* lower case, without parameters, "": none */
	char location[256];    /* of a redirect */
	int64_t retry_after_s; /* -1: none; dates already turned into seconds */
	int64_t server_date;   /* Unix seconds of Date, 0: none */
	uint64_t body_bytes;
	uint32_t waited_ms;               /* for its turn */
	uint32_t first_byte_ms, total_ms; /* since its turn */
	bool reused;                      /* the connection was not new */
	/* Of a new connection, each step alone; 0: reused, or not come to. */
	uint32_t dns_ms, connect_ms, tls_ms;
	/* Of the connection the request went over, "" and 0: none, or not TLS. */
	char peer[64];               /* the server's or the proxy's address */
	const char *http_version;    /* "1.1"; static text, as the next */
	const char *tls_version;     /* "TLSv1.3" */
	int64_t certificate_expires; /* Unix seconds, of the server's own certificate */
};

struct http_request {
	/* "GET". Anything else goes without a body and on a connection of its own,
	 * because curl may send a request twice on a reused one. Copied. */
	const char *method;
	const char *path;        /* appended to the origin's url; copied */
	uint64_t max_body_bytes; /* of any answer, whatever its status; 0: no body is allowed */
	/* From its turn on, connect_ms from when the name lookup starts; 0 for
	 * the last two: no limit. */
	uint32_t connect_ms, first_byte_ms, total_ms;
	/* Called for each piece of the body, status known; non-zero (an E_ code)
	 * ends the exchange with that rc. */
	int (*on_body)(void *arg, long status, const void *data, size_t n);
	/* Exactly once, never from inside http_start(), never after http_cancel().
	 * The exchange is gone afterwards. May start another. */
	void (*on_done)(void *arg, const struct http_result *r);
	void *arg;
};

int http_start(struct http_exchange **out, struct http_origin *o, const struct http_request *r,
	       struct err *e);
/* May be called from any callback but on_body of the same exchange. */
void http_cancel(struct http_exchange *x);
