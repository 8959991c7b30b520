/* A look at the way to a server, step by step, for a person who asks why it does
 * not work: the name's addresses, a connection to each, the TLS handshake and
 * what the server shows in it. No request is sent, and no secret. Nothing blocks;
 * what a step says is worded as an exchange would. Not for a server that stands
 * behind a proxy. */
#pragma once

#include "net/http.h"

enum { REACH_ADDRESSES = 16, REACH_CHAIN = 8, REACH_NAMES = 16 };

struct reach;

struct reach_options {
	const char *url;              /* as an origin's */
	const char *name;             /* for messages */
	const char *ca_file, *ca_pem; /* as an origin's */
	bool allow_private;
	uint32_t step_ms; /* for each step; 0: 10 s */
};

struct reach_step {
	bool tried;
	uint32_t ms;
	struct err err; /* code OK: it worked */
};

struct reach_address {
	char ip[64];
	const char *refused; /* what kind of address it is, which is then not tried; NULL: allowed */
	struct reach_step connect;
};

struct reach_certificate {
	char subject[256], issuer[256]; /* RFC 2253 */
	int64_t not_before, not_after;  /* Unix seconds */
};

struct reach_result {
	char host[256];
	unsigned port;
	bool tls;

	struct reach_step resolve; /* E_DNS, E_ADDRESS: all that it has are refused */
	unsigned addresses;        /* there may have been more than fit */
	struct reach_address address[REACH_ADDRESSES];

	struct reach_step connect; /* works when one of them does */
	int connected;             /* which the handshake went over; -1: none */

	/* Not tried for plain http. Works when client and server agreed; whether
	 * the certificate is good is the next step. */
	struct reach_step handshake;
	char protocol[16], cipher[64];
	bool wants_client; /* the server asked for a client's certificate */

	struct reach_step verify; /* E_TLS; the chain first, then the name */
	long verify_code;         /* OpenSSL's; 0: the chain is fine */
	const char *verify_text;  /* OpenSSL's words for it; static text */
	bool name_matches;
	/* The issuer is not known: a private CA that ca_file has to name, or, when
	 * `certificates` is 1, a server that does not send its chain. */
	bool unknown_issuer;
	unsigned certificates; /* that the server sent, its own first; at most REACH_CHAIN are shown */
	struct reach_certificate chain[REACH_CHAIN];
	unsigned names; /* of the server's own certificate; at most REACH_NAMES are shown */
	char name[REACH_NAMES][128];
};

/* E_CONFIG or E_NOMEM with a sentence, or E_DNS when too many name lookups hang;
 * then `done` never comes. It comes once, never from inside; `r` is valid during
 * the call. Ended or cancelled before the client is freed. */
int reach_start(struct reach **out, struct http_client *c, const struct reach_options *o,
		void (*done)(void *arg, const struct reach_result *r), void *arg, struct err *e);
void reach_cancel(struct reach *r);
