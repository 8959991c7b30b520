/* What the files http_*.c share; nobody else includes it.
 *
 * client -> origins -> exchanges. An origin has a curl multi handle of its own
 * while it has connections, so that its connections are its own, can be counted,
 * and close with it. The loaded CA certificates are shared (http_trust.h).
 *
 * An exchange waits for its turn, may wait for a free name lookup, runs, then
 * leaves. Curl forbids adding and removing inside its callbacks, so whatever
 * happens there only marks the exchange; http_origin_settle() does the rest as
 * soon as curl has returned. */
#pragma once

#include "net/http.h"
#include "net/http_header.h"
#include "net/http_lookups.h"
#include "net/http_trust.h"

#include <curl/curl.h>
#include <sys/queue.h>
#include <uv.h>

enum exchange_state {
	EXCHANGE_WAITING, /* for its turn */
	EXCHANGE_LOOKUP,  /* had its turn, waits for a free name lookup */
	EXCHANGE_RUNNING, /* curl has it */
	EXCHANGE_LEAVING, /* ended or cancelled inside a callback */
};

struct http_exchange {
	TAILQ_ENTRY(http_exchange) link; /* in the list of its state */
	enum exchange_state state;
	struct http_origin *origin;
	CURL *easy;
	struct timer *limit; /* the first byte's, then the whole request's */
	char *url;
	uint64_t max_body_bytes, header_bytes, body_bytes;
	uint32_t connect_ms, first_byte_ms, total_ms;
	int64_t asked_ms, started_ms, first_byte_at_ms; /* 0: nothing came yet */
	long status;
	struct http_headers headers;
	bool in_curl;      /* added to the multi handle */
	bool has_turn;     /* counted as running */
	bool pending;      /* has its turn, but no connection yet */
	bool fresh;        /* opens a connection of its own */
	bool looking_up;   /* holds one of the client's name lookups */
	bool resolving;    /* curl started a thread for it */
	bool opened;       /* a socket was asked for an allowed address */
	bool header_ended; /* its blank line came */
	bool cancelled;    /* nobody wants to hear of it any more */
	int rc;            /* why we ended it ourselves */
	bool worked;       /* curl came to the end of the answer */
	struct err err;    /* its sentence; code 0: none yet */
	char curl_text[CURL_ERROR_SIZE];
	char peer[64];
	const char *tls_version;
	int64_t certificate_expires;
	int (*on_body)(void *arg, long status, const void *data, size_t n);
	void (*on_done)(void *arg, const struct http_result *r);
	void *arg;
};

TAILQ_HEAD(http_exchanges, http_exchange);
TAILQ_HEAD(http_origins, http_origin);
LIST_HEAD(http_open_sockets, http_open_socket);

struct http_client {
	struct loop *loop;
	struct http_limits limits;
	struct http_origins turns; /* have exchanges that wait */
	struct http_origins idle;  /* keep connections and nothing else; longest first */
	struct http_exchanges lookup;
	struct http_lookups lookups;
	struct http_trusts trusts;
	struct timer *admit_soon;
	uv_timer_t idle_timer; /* does not keep the loop running */
	unsigned origins;
	unsigned in_curl; /* depth of calls that curl is in */
	unsigned running; /* exchanges that had their turn */
	unsigned waiting; /* those that did not */
	unsigned pending; /* of those running: without a connection yet */
	unsigned open;    /* sockets of curl */
	uint64_t opened;
};

enum { ORIGIN_SPARE_EASIES = 2 };

struct http_origin {
	struct http_client *client;
	TAILQ_ENTRY(http_origin) turn, idle;
	bool in_turns, in_idle, in_curl, settling;
	unsigned references; /* its owner, every exchange until curl let go of it, every call into curl */
	CURLM *multi;        /* NULL while it has no connections */
	struct timer *timer; /* curl's */
	struct timer *settle_soon;
	struct http_exchanges waiting, running, leaving;
	unsigned exchanges; /* that have their turn */
	unsigned open;      /* sockets of curl */
	struct http_open_sockets sockets;
	int64_t idle_since_ms;
	char *url, *host; /* host as in the url, for messages */
	char *client_cert, *client_key, *proxy;
	char *client_cert_pem, *client_key_pem;
	struct http_trust *trust;   /* NULL: it needs none */
	struct curl_slist *headers; /* holds the token */
	bool https, allow_http, allow_private;
	bool numeric;                     /* the host is an address: no lookup */
	CURL *spare[ORIGIN_SPARE_EASIES]; /* keep TLS sessions for resumption */
};

/* Gives exchanges their turn, as many as may have it; not inside curl. */
void http_client_admit(struct http_client *c);
/* The same in the loop's next turn. */
void http_client_admit_soon(struct http_client *c);
/* An origin has nothing under way any more; its connections may go. */
void http_client_rests(struct http_origin *o);
void http_client_rests_not(struct http_origin *o);

int http_origin_timers(struct http_origin *o);
/* Makes the multi handle, when there is none. */
int http_origin_open(struct http_origin *o);
/* Closes all its connections. Nothing of it may be in curl. */
void http_origin_close(struct http_origin *o);
/* Ends what left, delivers what curl completed, admits. Never inside curl, never
 * inside itself. */
void http_origin_settle(struct http_origin *o);
/* The same in the loop's next turn. */
void http_origin_settle_soon(struct http_origin *o);

/* Counts a socket that curl is given, closes one that curl is done with, finds
 * those that curl closed without a word. */
int http_sockets_add(struct http_origin *o, int fd);
int http_sockets_close(struct http_origin *o, int fd);
void http_sockets_look(struct http_origin *o);

void http_origin_hold(struct http_origin *o);
void http_origin_release(struct http_origin *o);

/* All four: not inside curl. */
void http_exchange_turn(struct http_exchange *x);
void http_exchange_admit(struct http_exchange *x);
void http_exchange_end(struct http_exchange *x, CURLcode code);
void http_exchange_drop(struct http_exchange *x);
/* From inside curl: it ends with `rc` (already in x->err) once curl returned. */
void http_exchange_leave(struct http_exchange *x);
void http_exchange_lookup_over(struct http_exchange *x, bool given_up);
/* It has a connection: a new one that is counted, or one that was there. */
void http_exchange_connected(struct http_exchange *x);
/* Sets every option of x->easy. E_NOMEM or E_CONFIG. */
int http_exchange_prepare(struct http_exchange *x, const char *method);
