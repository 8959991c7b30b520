/* A web server that lies, one thread per connection, on 127.0.0.1 and a free
 * port. What it does is chosen by the path of the request:
 *
 *   /ok/N          N bytes with a length          /chunked/N     N bytes in chunks
 *   /cut-length    half of the promised body      /cut-chunked   no last chunk
 *   /bad-chunk     a chunk length that is none    /nothing       closes without a byte
 *   /garbage       bytes that are not HTTP        /half-header   closes inside the header
 *   /silent        reads, never answers           /interim       103 for ever, 50 ms apart
 *   /drip          a byte every 20 ms             /endless       body without an end
 *   /long          promises 1 GiB                 /headers       header lines without an end
 *   /status/N      status N, body "{}"            /redirect      302 to another server
 *   /gzip          says it is compressed          /gzip-error    the same with status 502
 *   /retry/V       429, Retry-After: V ('_' is a blank), Date: Sun, 06 Nov 1994 08:49:37 GMT
 *   /once-then-reset   answers the first request of the server's life, resets
 *                  every other one that comes on a connection used before
 *   /echo          the request's own text as the body */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct liar;

enum liar_certificate {
	LIAR_PLAIN,
	LIAR_GOOD, /* for 127.0.0.1 and localhost, by the CA of liar_ca_file() */
	LIAR_EXPIRED,
	LIAR_NOT_YET,
	LIAR_WRONG_NAME, /* for other.example and www.other.example */
	LIAR_SELF_SIGNED,
	LIAR_WANTS_CLIENT, /* good, and asks for a client's certificate */
};

struct liar *liar_start(enum liar_certificate kind);
void liar_stop(struct liar *l);
/* "http://127.0.0.1:PORT" or https; valid as long as the server. */
const char *liar_url(const struct liar *l);
int liar_port(const struct liar *l);
/* Connections accepted and requests read so far. */
unsigned liar_connections(const struct liar *l);
unsigned liar_requests(const struct liar *l);
/* The CA's certificate as a PEM file, made at the first call. */
const char *liar_ca_file(void);
/* A client's certificate and its key in one PEM file. */
const char *liar_client_file(void);
/* The byte at place `i` of every /ok and /chunked body. */
char liar_byte(size_t i);
