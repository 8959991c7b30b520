#include "net/reach_tls.h"

#include "base/mem.h"
#include "net/http_error.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct reach_tls {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* the connection owns them */
	const struct http_trust *trust;
	char *host;
	bool numeric, wants_client;
};

static int asked_for_client(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct reach_tls *t = SSL_get_app_data(ssl);
	(void)cert, (void)key;
	t->wants_client = true;
	return 0;
}

static bool is_numeric(const char *host)
{
	struct in6_addr a;
	return inet_pton(AF_INET, host, &a) == 1 || inet_pton(AF_INET6, host, &a) == 1;
}

static bool set_up(struct reach_tls *t)
{
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (!t->ctx || !SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION))
		return false;
	http_trust_apply(t->trust, t->ctx);
	/* The result is looked at; a bad certificate does not end the look. */
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_client_cert_cb(t->ctx, asked_for_client);
	t->ssl = SSL_new(t->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out) {
		BIO_free(t->in);
		BIO_free(t->out);
		return false;
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_app_data(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	return t->numeric || SSL_set_tlsext_host_name(t->ssl, t->host);
}

int reach_tls_new(struct reach_tls **out, const struct http_trust *trust, const char *host)
{
	struct reach_tls *t = mem_zalloc(sizeof(*t));
	if (!t)
		return E_NOMEM;
	t->trust = trust;
	t->host = mem_strdup(host);
	t->numeric = is_numeric(host);
	if (!t->host || !set_up(t)) {
		ERR_clear_error();
		reach_tls_free(t);
		return E_NOMEM;
	}
	*out = t;
	return OK;
}

void reach_tls_free(struct reach_tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	mem_free(t->host);
	mem_free(t);
}

size_t reach_tls_give(struct reach_tls *t, void *out, size_t cap)
{
	int n = BIO_read(t->out, out, (int)cap);
	return n > 0 ? (size_t)n : 0;
}

static void clean_text(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			*s = '?';
}

static void copy_name(char *out, size_t cap, const X509_NAME *name)
{
	BIO *b = BIO_new(BIO_s_mem());
	*out = '\0';
	if (b && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0) {
		int n = BIO_read(b, out, (int)cap - 1);
		out[n > 0 ? n : 0] = '\0';
	}
	BIO_free(b);
	clean_text(out);
}

static int64_t unix_of(const ASN1_TIME *t)
{
	struct tm tm;
	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static void copy_chain(struct reach_result *r, STACK_OF(X509) * chain)
{
	int n = chain ? sk_X509_num(chain) : 0;
	r->certificates = (unsigned)(n > 0 ? n : 0);
	for (int i = 0; i < n && i < REACH_CHAIN; i++) {
		const X509 *c = sk_X509_value(chain, i);
		struct reach_certificate *to = &r->chain[i];
		copy_name(to->subject, sizeof(to->subject), X509_get_subject_name(c));
		copy_name(to->issuer, sizeof(to->issuer), X509_get_issuer_name(c));
		to->not_before = unix_of(X509_get0_notBefore(c));
		to->not_after = unix_of(X509_get0_notAfter(c));
	}
}

static bool copy_alternative(char *out, size_t cap, const GENERAL_NAME *g)
{
	int kind = 0;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(g, &kind);
	if (kind == GEN_DNS) {
		snprintf(out, cap, "%.*s", ASN1_STRING_length(s), (const char *)ASN1_STRING_get0_data(s));
		clean_text(out);
		return true;
	}
	int n = kind == GEN_IPADD ? ASN1_STRING_length(s) : 0;
	return (n == 4 || n == 16) &&
	       inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), out, (socklen_t)cap);
}

static void copy_names(struct reach_result *r, const X509 *leaf)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; all && i < sk_GENERAL_NAME_num(all); i++) {
		char one[128];
		if (!copy_alternative(one, sizeof(one), sk_GENERAL_NAME_value(all, i)))
			continue;
		if (r->names < REACH_NAMES)
			memcpy(r->name[r->names], one, sizeof(one));
		r->names++;
	}
	GENERAL_NAMES_free(all);
}

static bool is_unknown_issuer(long code)
{
	return code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

static void verify(struct reach_tls *t, struct reach_result *r, X509 *leaf)
{
	char names[160] = "";
	r->verify.tried = true;
	r->verify_code = SSL_get_verify_result(t->ssl);
	r->verify_text = X509_verify_cert_error_string(r->verify_code);
	r->unknown_issuer = is_unknown_issuer(r->verify_code);
	r->name_matches = t->numeric ? X509_check_ip_asc(leaf, t->host, 0) == 1
				     : X509_check_host(leaf, t->host, 0, 0, NULL) == 1;
	for (unsigned i = 0; i < r->names && i < REACH_NAMES; i++) {
		size_t at = strlen(names);
		snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "", r->name[i]);
	}
	if (r->verify_code == X509_V_OK && r->name_matches)
		return;
	struct http_failure f = {
		.code = CURLE_PEER_FAILED_VERIFICATION,
		.verify = r->verify_code,
		.text = r->verify_code ? r->verify_text : "no alternative certificate subject name",
		.host = t->host,
		.names = names,
		.ca_file = http_trust_name(t->trust),
	};
	http_failure_explain(&f, &r->verify.err);
}

static void look(struct reach_tls *t, struct reach_result *r)
{
	X509 *leaf = SSL_get0_peer_certificate(t->ssl);
	snprintf(r->protocol, sizeof(r->protocol), "%s", SSL_get_version(t->ssl));
	snprintf(r->cipher, sizeof(r->cipher), "%s", SSL_get_cipher_name(t->ssl));
	copy_chain(r, SSL_get_peer_cert_chain(t->ssl));
	if (!leaf)
		return;
	copy_names(r, leaf);
	verify(t, r, leaf);
}

static void explain(struct reach_tls *t, struct reach_result *r)
{
	char text[256] = "";
	unsigned long why = ERR_peek_last_error();
	if (why)
		ERR_error_string_n(why, text, sizeof(text));
	clean_text(text);
	struct http_failure f = { .code = CURLE_SSL_CONNECT_ERROR,
				  .text = text,
				  .host = t->host,
				  .names = "",
				  .ca_file = http_trust_name(t->trust) };
	http_failure_explain(&f, &r->handshake.err);
}

bool reach_tls_take(struct reach_tls *t, const void *bytes, size_t n, struct reach_result *r)
{
	if (n && BIO_write(t->in, bytes, (int)n) != (int)n) {
		err_set(&r->handshake.err, E_NOMEM, "out of memory for the handshake with \"%s\"", t->host);
		return false;
	}
	ERR_clear_error();
	int rc = SSL_do_handshake(t->ssl);
	if (rc != 1 && SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ)
		return true;
	if (rc == 1)
		look(t, r);
	else
		explain(t, r);
	r->wants_client = t->wants_client;
	ERR_clear_error();
	return false;
}
