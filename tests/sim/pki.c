#include "pki.h"

#include "grab.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static const char *const kind_names[PKI_KINDS] = { "none", "good", "expired", "self", "wrongname", "mutual" };

struct signer {
	X509 *cert;
	EVP_PKEY *key;
};

struct wish {
	const char *name;
	const char *alt_names; /* NULL for an authority */
	long from_s, until_s;  /* relative to now */
	bool client;
};

enum { DAY_S = 86400 };

int pki_kind_parse(const char *name)
{
	for (int k = 0; k < PKI_KINDS; k++)
		if (!strcmp(name, kind_names[k]))
			return k;
	return -1;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool add_extensions(X509 *cert, X509 *issuer, const struct wish *w)
{
	if (!w->alt_names)
		return add_extension(cert, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
		       add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		       add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	return add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, issuer, NID_subject_alt_name, w->alt_names) &&
	       add_extension(cert, issuer, NID_ext_key_usage, w->client ? "clientAuth" : "serverAuth");
}

/* `by` == NULL makes it sign itself. */
static bool make_cert(struct signer *out, const struct wish *w, const struct signer *by)
{
	static long serial;
	out->key = EVP_EC_gen("P-256");
	out->cert = X509_new();
	if (!out->key || !out->cert)
		return false;
	X509 *cert = out->cert;
	const struct signer *signer = by ? by : out;
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)time(NULL) * 16 + ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), w->from_s);
	X509_gmtime_adj(X509_getm_notAfter(cert), w->until_s);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
				   (const unsigned char *)w->name, -1, -1, 0);
	return X509_set_pubkey(cert, out->key) == 1 &&
	       X509_set_issuer_name(cert, X509_get_subject_name(signer->cert)) == 1 &&
	       add_extensions(cert, signer->cert, w) && X509_sign(cert, signer->key, EVP_sha256()) > 0;
}

static void signer_release(struct signer *s)
{
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
	*s = (struct signer){ 0 };
}

static bool write_pem(const char *dir, const char *name, const struct signer *s, bool with_key)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
	FILE *f = fopen(path, "w");
	if (!f)
		return false;
	bool ok = PEM_write_X509(f, s->cert) == 1;
	ok = fclose(f) == 0 && ok;
	if (!with_key || !ok)
		return ok;
	snprintf(path, sizeof(path), "%s/%s.key", dir, name);
	f = fopen(path, "w");
	if (!f)
		return false;
	ok = PEM_write_PrivateKey(f, s->key, NULL, NULL, 0, NULL, NULL) == 1;
	return fclose(f) == 0 && ok;
}

static SSL_CTX *make_ctx(const struct signer *s, const struct signer *ca, bool ask_client)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
				      "TLS_CHACHA20_POLY1305_SHA256");
	bool ok = SSL_CTX_use_certificate(ctx, s->cert) == 1 && SSL_CTX_use_PrivateKey(ctx, s->key) == 1;
	if (ask_client) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->cert);
		SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"fleetsim", 8);
	}
	if (ok)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static bool make_server(struct pki *p, const char *dir, int kind, const struct signer *ca)
{
	struct wish w = { .name = kind_names[kind],
			  .alt_names = "IP:127.0.0.1,DNS:localhost",
			  .from_s = -DAY_S,
			  .until_s = 30L * DAY_S };
	if (kind == PKI_EXPIRED) {
		w.from_s = -30L * DAY_S;
		w.until_s = -DAY_S;
	}
	if (kind == PKI_WRONGNAME)
		w.alt_names = "DNS:other.example";
	struct signer s = { 0 };
	bool ok =
		make_cert(&s, &w, kind == PKI_SELF ? NULL : ca) && write_pem(dir, kind_names[kind], &s, true);
	if (ok)
		p->ctx[kind] = make_ctx(&s, ca, kind == PKI_MUTUAL);
	signer_release(&s);
	return ok && p->ctx[kind];
}

bool pki_make(struct pki *p, const char *dir)
{
	*p = (struct pki){ 0 };
	struct signer ca = { 0 }, client = { 0 };
	struct wish ca_wish = { .name = "Fleet simulator CA",
				.from_s = -60L * DAY_S,
				.until_s = 60L * DAY_S };
	struct wish client_wish = { .name = "client",
				    .alt_names = "DNS:client.example",
				    .from_s = -DAY_S,
				    .until_s = 30L * DAY_S,
				    .client = true };
	bool ok = make_cert(&ca, &ca_wish, NULL) && write_pem(dir, "ca", &ca, false) &&
		  make_cert(&client, &client_wish, &ca) && write_pem(dir, "client", &client, true);
	for (int kind = PKI_GOOD; ok && kind < PKI_KINDS; kind++)
		ok = make_server(p, dir, kind, &ca);
	signer_release(&client);
	signer_release(&ca);
	char path[4096];
	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	p->ca_file = grab_text(path);
	if (!ok) {
		fprintf(stderr, "fleetsim: cannot make certificates in \"%s\": ", dir);
		ERR_print_errors_fp(stderr);
		fputc('\n', stderr);
	}
	return ok;
}

void pki_release(struct pki *p)
{
	for (int kind = 0; kind < PKI_KINDS; kind++)
		SSL_CTX_free(p->ctx[kind]);
	mem_free(p->ca_file);
}
