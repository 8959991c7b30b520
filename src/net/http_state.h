/* What the files http_*.c share; nobody else includes it.
 *
 * client -> pools -> exchanges: a pool is one curl multi handle with its own
 * connection cache, one for each CA file, because curl keeps only one loaded
 * CA store per multi handle and loading the system's takes about 20 ms.
 *
 * An exchange waits, runs, then leaves. Curl forbids adding and removing inside
 * its callbacks, so whatever happens there only marks the exchange; pool_settle()
 * does the rest as soon as curl has returned. */
#pragma once

#include "net/http.h"
#include "net/http_header.h"
#include "net/http_lookups.h"

#include <curl/curl.h>
#include <sys/queue.h>

enum exchange_state {
	EXCHANGE_WAITING, /* for pool_settle() or for a free name lookup */
	EXCHANGE_RUNNING, /* curl has it */
	EXCHANGE_LEAVING, /* curl has it, it ended or was cancelled inside a callback */
};

struct http_exchange {
	TAILQ_ENTRY(http_exchange) link; /* in the pool's list of its state */
	enum exchange_state state;
	struct http_origin *origin;
	CURL *easy;
	struct timer *limit; /* the first byte's, then the whole request's */
	char *url;
	uint64_t max_body_bytes, header_bytes, body_bytes;
	uint32_t connect_ms, first_byte_ms, total_ms;
	int64_t started_ms, first_byte_at_ms; /* 0: nothing came yet */
	long status;
	struct http_headers headers;
	bool looking_up;   /* holds one of the client's name lookups */
	bool resolving;    /* curl started a thread for it */
	bool opened;       /* a socket was asked for an allowed address */
	bool header_ended; /* its blank line came */
	bool cancelled;    /* nobody wants to hear of it any more */
	int rc;            /* why we ended it ourselves */
	bool worked;       /* curl came to the end of the answer */
	struct err err;    /* its sentence; code 0: none yet */
	char curl_text[CURL_ERROR_SIZE];
	int (*on_body)(void *arg, long status, const void *data, size_t n);
	void (*on_done)(void *arg, const struct http_result *r);
	void *arg;
};

TAILQ_HEAD(http_exchanges, http_exchange);

struct http_pool {
	struct http_pool *next;
	struct http_client *client;
	char *ca_file;
	CURLM *multi;
	struct timer *timer;       /* curl's */
	struct timer *settle_soon; /* ours: something waits */
	bool in_curl, settling;
	struct http_exchanges waiting, running, leaving;
};

struct http_client {
	struct loop *loop;
	struct http_pool *pools;
	struct http_lookups lookups;
	unsigned origins;
};

enum { ORIGIN_SPARE_EASIES = 2 };

struct http_origin {
	struct http_pool *pool;
	unsigned references; /* its owner and every exchange, until curl let go of it */
	char *url, *host;    /* host as in the url, for messages */
	char *client_cert, *client_key, *proxy;
	struct curl_slist *headers; /* holds the token */
	bool allow_http, allow_private;
	bool numeric;                     /* the host is an address: no lookup */
	CURL *spare[ORIGIN_SPARE_EASIES]; /* keep TLS sessions for resumption */
};

int http_pool_get(struct http_pool **out, struct http_client *c, const char *ca_file, struct err *e);
/* Ends what left, delivers what curl completed, starts what waits. Never
 * inside curl, never inside itself. */
void http_pool_settle(struct http_pool *p);
/* The same in the loop's next turn. */
void http_pool_settle_soon(struct http_pool *p);

void http_origin_hold(struct http_origin *o);
void http_origin_release(struct http_origin *o);

/* All three: not inside curl. */
void http_exchange_admit(struct http_exchange *x);
void http_exchange_end(struct http_exchange *x, CURLcode code);
void http_exchange_drop(struct http_exchange *x);
/* From inside curl: it ends with `rc` (already in x->err) once curl returned. */
void http_exchange_leave(struct http_exchange *x);
void http_exchange_lookup_over(struct http_exchange *x, bool given_up);
/* Sets every option of x->easy. E_NOMEM or E_CONFIG. */
int http_exchange_prepare(struct http_exchange *x, const char *method);
