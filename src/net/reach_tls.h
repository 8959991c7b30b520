/* The TLS part of a look at a server: bytes in, bytes out, no socket. */
#pragma once

#include "net/http_trust.h"
#include "net/reach.h"

struct reach_tls;

int reach_tls_new(struct reach_tls **out, const struct http_trust *trust, const char *host);
void reach_tls_free(struct reach_tls *t);
/* Bytes of the server; n == 0 only begins. False: the handshake ended, in `r`
 * stands how. */
bool reach_tls_take(struct reach_tls *t, const void *bytes, size_t n, struct reach_result *r);
/* Bytes for the server; 0: none at present. */
size_t reach_tls_give(struct reach_tls *t, void *out, size_t cap);
