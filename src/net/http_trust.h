/* Loaded CA certificates, shared by the origins that name the same ones: parsing
 * the system's takes some 20 ms of the loop, and curl keeps what it loaded only
 * for one multi handle, and texts not at all. A file that was changed is another
 * one. Those that nobody uses are kept for a while, the latest ones. */
#pragma once

#include "base/err.h"

#include <sys/queue.h>

struct http_trust;
TAILQ_HEAD(http_trusts, http_trust); /* used most recently first */

enum { HTTP_TRUSTS_UNUSED = 8 };

/* `pem` goes before `file`, both NULL: the system's. E_CONFIG with a sentence that
 * names `tenant` and the setting, or E_NOMEM. */
int http_trust_get(struct http_trust **out, struct http_trusts *all, const char *file, const char *pem,
		   const char *tenant, struct err *e);
/* NULL is fine. */
void http_trust_put(struct http_trusts *all, struct http_trust *t);
/* Nobody may use any. */
void http_trusts_clear(struct http_trusts *all);

struct ssl_ctx_st;
struct x509_store_st;
/* Makes a TLS context trust these and no others. */
void http_trust_apply(const struct http_trust *t, struct ssl_ctx_st *ctx);
/* What a person may call it: a path, or words for a text. */
const char *http_trust_name(const struct http_trust *t);
struct x509_store_st *http_trust_store(const struct http_trust *t);

/* Whether a client's certificate and key, as texts, can be used together; a key
 * that is NULL stands in the certificate's text. E_CONFIG names the setting. */
int http_client_pem_check(const char *cert, const char *key, const char *tenant, struct err *e);
