#include "net/http_trust.h"

#include "base/mem.h"
#include "base/must.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct http_trust {
	TAILQ_ENTRY(http_trust) link;
	unsigned references;
	X509_STORE *store;
	char *name;
	char key[160]; /* tells files and texts apart by what they hold */
};

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

static int nomem(struct err *e, const char *tenant)
{
	return err_set(e, E_NOMEM, "out of memory for the CA certificates of \"%s\"", tenant);
}

/* No password is asked for: what is encrypted cannot be used. */
static int no_password(char *out, int cap, int writing, void *arg)
{
	(void)out, (void)cap, (void)writing, (void)arg;
	return 0;
}

/* Adds all certificates of a text; how many, -1 when one is damaged, -2 without
 * memory. Other things in it, such as keys, are passed over. */
static int add_all(X509_STORE *store, BIO *in)
{
	int n = 0;
	X509 *c;
	ERR_clear_error();
	while ((c = PEM_read_bio_X509_AUX(in, NULL, no_password, NULL))) {
		int added = X509_STORE_add_cert(store, c);
		X509_free(c);
		if (!added)
			return -2;
		n++;
	}
	unsigned long why = ERR_peek_last_error();
	ERR_clear_error();
	return ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE ? n : -1;
}

static int describe(struct err *e, int n, const char *file, const char *pem, const char *tenant)
{
	const char *what = n < 0 ? "a certificate is damaged" : "there is no certificate";
	if (pem)
		return err_set(
			e, E_CONFIG,
			"the CA certificates of \"%s\" cannot be used: %s in the text of ca_file; give "
			"PEM text",
			tenant, what);
	if (file)
		return err_set(
			e, E_CONFIG,
			"no CA certificate could be read from \"%s\": %s in it; check ca_file of \"%s\"",
			file, what, tenant);
	return err_set(
		e, E_CONFIG,
		"no CA certificate could be read from \"%s\"; install the system's CA certificates, or "
		"set ca_file of \"%s\"",
		system_bundle, tenant);
}

static int load(struct http_trust *t, const char *file, const char *pem, const char *tenant, struct err *e)
{
	BIO *in = pem ? BIO_new_mem_buf(pem, -1) : BIO_new_file(file ? file : system_bundle, "r");
	t->store = X509_STORE_new();
	if (!t->store) {
		BIO_free(in);
		return nomem(e, tenant);
	}
	int n = in ? add_all(t->store, in) : 0;
	BIO_free(in);
	ERR_clear_error();
	if (n == -2)
		return nomem(e, tenant);
	if (n <= 0)
		return describe(e, n, file, pem, tenant);
	/* As curl has it: a certificate that is in here is trusted, also when it is
	 * not one that signed itself. */
	X509_STORE_set_flags(t->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	return OK;
}

static void key_of_text(char *out, size_t cap, const char *pem)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t at = (size_t)snprintf(out, cap, "text:");
	must(EVP_Digest(pem, strlen(pem), digest, &n, EVP_sha256(), NULL));
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, cap - at, "%02x", digest[i]);
}

static void key_of_file(char *out, size_t cap, const char *path)
{
	struct stat st = { 0 };
	(void)stat(path, &st);
	snprintf(out, cap, "file:%llx:%llx:%llx:%llx.%09ld", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
		 (unsigned long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void destroy(struct http_trust *t)
{
	X509_STORE_free(t->store);
	mem_free(t->name);
	mem_free(t);
}

static struct http_trust *find(struct http_trusts *all, const char *key)
{
	struct http_trust *t;
	TAILQ_FOREACH(t, all, link)
	if (strcmp(t->key, key) == 0)
		return t;
	return NULL;
}

int http_trust_get(struct http_trust **out, struct http_trusts *all, const char *file, const char *pem,
		   const char *tenant, struct err *e)
{
	struct http_trust *t = mem_zalloc(sizeof(*t)), *there;
	if (!t)
		return nomem(e, tenant);
	if (pem)
		key_of_text(t->key, sizeof(t->key), pem);
	else
		key_of_file(t->key, sizeof(t->key), file ? file : system_bundle);
	if ((there = find(all, t->key))) {
		mem_free(t);
		there->references++;
		TAILQ_REMOVE(all, there, link);
		TAILQ_INSERT_HEAD(all, there, link);
		*out = there;
		return OK;
	}
	t->name = mem_strdup(pem ? "the CA certificates given" : file ? file : system_bundle);
	int rc = t->name ? load(t, file, pem, tenant, e) : nomem(e, tenant);
	if (rc) {
		destroy(t);
		return rc;
	}
	t->references = 1;
	TAILQ_INSERT_HEAD(all, t, link);
	*out = t;
	return OK;
}

void http_trust_put(struct http_trusts *all, struct http_trust *t)
{
	struct http_trust *next;
	unsigned unused = 0;
	if (!t)
		return;
	must(t->references > 0);
	if (--t->references)
		return;
	TAILQ_REMOVE(all, t, link);
	TAILQ_INSERT_HEAD(all, t, link);
	for (t = TAILQ_FIRST(all); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->references == 0 && ++unused > HTTP_TRUSTS_UNUSED) {
			TAILQ_REMOVE(all, t, link);
			destroy(t);
		}
	}
}

void http_trusts_clear(struct http_trusts *all)
{
	struct http_trust *t;
	while ((t = TAILQ_FIRST(all))) {
		must(t->references == 0);
		TAILQ_REMOVE(all, t, link);
		destroy(t);
	}
}

void http_trust_apply(const struct http_trust *t, struct ssl_ctx_st *ctx)
{
	SSL_CTX_set1_cert_store(ctx, t->store);
}

const char *http_trust_name(const struct http_trust *t)
{
	return t->name;
}

struct x509_store_st *http_trust_store(const struct http_trust *t)
{
	return t->store;
}

static bool pem_pair(const char *cert, const char *key, const char **wrong)
{
	BIO *in = BIO_new_mem_buf(cert, -1), *key_in = BIO_new_mem_buf(key ? key : cert, -1);
	X509 *c = in ? PEM_read_bio_X509_AUX(in, NULL, no_password, NULL) : NULL;
	EVP_PKEY *k = key_in ? PEM_read_bio_PrivateKey(key_in, NULL, no_password, NULL) : NULL;
	*wrong = !c                              ? "client_cert holds no certificate"
		 : !k                            ? "client_key holds no key that needs no password"
		 : !X509_check_private_key(c, k) ? "client_key is not the key of client_cert"
						 : NULL;
	X509_free(c);
	EVP_PKEY_free(k);
	BIO_free(in);
	BIO_free(key_in);
	ERR_clear_error();
	return *wrong == NULL;
}

int http_client_pem_check(const char *cert, const char *key, const char *tenant, struct err *e)
{
	const char *wrong = "client_key needs its client_cert";
	if ((cert && pem_pair(cert, key, &wrong)) || (!cert && !key))
		return OK;
	return err_set(e, E_CONFIG,
		       "the client certificate of \"%s\" cannot be used: %s; give both as PEM text", tenant,
		       wrong);
}
