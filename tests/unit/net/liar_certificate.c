#include "unit/net/liar_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DAY = 24 * 3600 };

static EVP_PKEY *ca_key, *client_key;
static X509 *ca, *client;
static char ca_path[64], client_path[64];

static void must_work(int ok)
{
	if (!ok)
		abort();
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must_work(x && X509_add_ext(cert, x, -1));
	X509_EXTENSION_free(x);
}

/* `names` NULL: a CA. `issuer` NULL: signs itself. */
static X509 *make(EVP_PKEY *key, const char *cn, const char *names, X509 *issuer, EVP_PKEY *issuer_key,
		  long from_s, long to_s)
{
	static long serial = 1000;
	X509 *c = X509_new();
	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c), from_s);
	X509_gmtime_adj(X509_getm_notAfter(c), to_s);
	X509_set_pubkey(c, key);
	X509_NAME *n = X509_get_subject_name(c);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer) : n);
	if (names)
		add_extension(c, issuer ? issuer : c, NID_subject_alt_name, names);
	else
		add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE");
	must_work(X509_sign(c, issuer_key ? issuer_key : key, EVP_sha256()) > 0);
	return c;
}

static void remove_files(void)
{
	unlink(ca_path);
	if (*client_path)
		unlink(client_path);
	X509_free(ca);
	X509_free(client);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(client_key);
}

static void write_pem(char *path, size_t cap, X509 *cert, EVP_PKEY *key)
{
	snprintf(path, cap, "%s/muster-test-XXXXXX", P_tmpdir);
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	must_work(f && PEM_write_X509(f, cert) &&
		  (!key || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL)));
	fclose(f);
}

const char *liar_ca_file(void)
{
	if (!ca) {
		ca_key = EVP_EC_gen("P-256");
		ca = make(ca_key, "Test CA", NULL, NULL, NULL, -DAY, 365 * DAY);
		write_pem(ca_path, sizeof(ca_path), ca, NULL);
		atexit(remove_files);
	}
	return ca_path;
}

const char *liar_client_file(void)
{
	liar_ca_file();
	if (!client) {
		client_key = EVP_EC_gen("P-256");
		client = make(client_key, "muster", "DNS:client.example", ca, ca_key, -DAY, DAY);
		write_pem(client_path, sizeof(client_path), client, client_key);
	}
	return client_path;
}

SSL_CTX *liar_tls(enum liar_certificate kind)
{
	const char *names = kind == LIAR_WRONG_NAME ? "DNS:other.example,DNS:www.other.example"
						    : "IP:127.0.0.1,DNS:localhost";
	long from = kind == LIAR_EXPIRED ? -9 * DAY : kind == LIAR_NOT_YET ? 2 * DAY : -DAY;
	long to = kind == LIAR_EXPIRED ? -2 * DAY : 9 * DAY;
	liar_ca_file();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = kind == LIAR_SELF_SIGNED ? make(key, "self", names, NULL, NULL, from, to)
					      : make(key, "leaf", names, ca, ca_key, from, to);
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	must_work(SSL_CTX_use_certificate(tls, cert) && SSL_CTX_use_PrivateKey(tls, key));
	SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (kind == LIAR_WANTS_CLIENT) {
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		must_work(SSL_CTX_load_verify_locations(tls, ca_path, NULL));
		SSL_CTX_set_session_id_context(tls, (const unsigned char *)"t", 1);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return tls;
}
