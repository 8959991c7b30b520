#include "crypto/seal.h"

#include "base/must.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static int no_memory(struct err *e, const struct seal_place *p)
{
	ERR_clear_error();
	return err_set(e, E_NOMEM, "out of memory at the %s of tenant \"%.*s\"", p->purpose, (int)p->tenant.n,
		       p->tenant.p);
}

static int too_large(struct err *e, const struct seal_place *p)
{
	return err_set(e, E_LIMIT, "the %s of tenant \"%.*s\" are larger than %d KiB; make them smaller",
		       p->purpose, (int)p->tenant.n, p->tenant.p, SEAL_PLAIN_MAX >> 10);
}

size_t seal_plain_bytes(size_t n)
{
	return n < SEAL_OVERHEAD_BYTES ? 0 : n - SEAL_OVERHEAD_BYTES;
}

bool seal_key_id(const void *sealed, size_t n, struct key_id *id)
{
	const unsigned char *p = sealed;
	if (n < SEAL_OVERHEAD_BYTES || p[0] != SEAL_VERSION)
		return false;
	memcpy(id->bytes, p + 1, KEY_ID_BYTES);
	return true;
}

/* ---- the associated data ---- */

/* One member of the list: its length, four bytes big-endian, then itself, so
 * that no two lists are the same bytes. */
static bool add_member(EVP_CIPHER_CTX *ctx, const void *p, size_t n)
{
	unsigned char length[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
				    (unsigned char)(n >> 8), (unsigned char)n };
	int out;
	return EVP_CipherUpdate(ctx, NULL, &out, length, sizeof(length)) == 1 &&
	       (n == 0 || EVP_CipherUpdate(ctx, NULL, &out, p, (int)n) == 1);
}

static bool add_place(EVP_CIPHER_CTX *ctx, const struct seal_place *place, const unsigned char *head)
{
	unsigned char number[4] = { (unsigned char)(place->number >> 24),
				    (unsigned char)(place->number >> 16), (unsigned char)(place->number >> 8),
				    (unsigned char)place->number };
	return add_member(ctx, head, 1 + KEY_ID_BYTES) &&
	       add_member(ctx, place->purpose, strlen(place->purpose)) &&
	       add_member(ctx, place->tenant.p, place->tenant.n) && add_member(ctx, number, sizeof(number)) &&
	       add_member(ctx, place->beside.p, place->beside.n);
}

/* A cipher that has the key, the nonce of `head` and the associated data. */
static EVP_CIPHER_CTX *begin(const struct master_key *k, const struct seal_place *place,
			     const unsigned char *head, int sealing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx && (EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, master_key_bytes(k),
				      head + 1 + KEY_ID_BYTES, sealing) != 1 ||
		    !add_place(ctx, place, head))) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* ---- closing and opening ---- */

static bool close_with(EVP_CIPHER_CTX *ctx, const void *plain, size_t n, unsigned char *to)
{
	int got = 0;
	return (n == 0 || EVP_CipherUpdate(ctx, to, &got, plain, (int)n) == 1) &&
	       EVP_CipherFinal_ex(ctx, to + got, &got) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, to + n) == 1;
}

int seal_close(const struct master_key *k, const struct seal_place *place, const void *plain, size_t n,
	       void *out, struct err *e)
{
	unsigned char *head = out;
	struct key_id id = master_key_id(k);
	if (n > SEAL_PLAIN_MAX || place->beside.n > SEAL_PLAIN_MAX)
		return too_large(e, place);
	head[0] = SEAL_VERSION;
	memcpy(head + 1, id.bytes, KEY_ID_BYTES);
	if (RAND_bytes(head + 1 + KEY_ID_BYTES, SEAL_NONCE_BYTES) != 1) {
		ERR_clear_error();
		return err_set(e, E_IO, "the system gives no random bytes to seal the %s of tenant \"%.*s\"",
			       place->purpose, (int)place->tenant.n, place->tenant.p);
	}
	EVP_CIPHER_CTX *ctx = begin(k, place, head, 1);
	bool ok = ctx && close_with(ctx, plain, n, head + SEAL_HEAD_BYTES);
	EVP_CIPHER_CTX_free(ctx);
	return ok ? OK : no_memory(e, place);
}

static int other_key(struct err *e, const struct seal_place *place, const struct key_id *have,
		     const struct key_id *need)
{
	char had[KEY_ID_TEXT_BYTES], needed[KEY_ID_TEXT_BYTES];
	return err_set(e, E_CONFIG,
		       "the %s of tenant \"%.*s\" are sealed with the key %s, and the master key is %s; put "
		       "the right key back",
		       place->purpose, (int)place->tenant.n, place->tenant.p, key_id_text(need, needed),
		       key_id_text(have, had));
}

static int damaged(struct err *e, const struct seal_place *place)
{
	return err_set(e, E_CORRUPT,
		       "the %s of tenant \"%.*s\" are damaged or were sealed for something else; set them "
		       "again or restore a backup",
		       place->purpose, (int)place->tenant.n, place->tenant.p);
}

static int check_head(const struct master_key *k, const struct seal_place *place, const unsigned char *p,
		      size_t n, struct err *e)
{
	struct key_id have = master_key_id(k), need;
	if (n < SEAL_OVERHEAD_BYTES || p[0] == 0)
		return damaged(e, place);
	if (p[0] != SEAL_VERSION)
		return err_set(e, E_NEWER_FORMAT,
			       "the %s of tenant \"%.*s\" are sealed in form %u, this program knows form %d; "
			       "use a newer program",
			       place->purpose, (int)place->tenant.n, place->tenant.p, p[0], SEAL_VERSION);
	if (n - SEAL_OVERHEAD_BYTES > SEAL_PLAIN_MAX || place->beside.n > SEAL_PLAIN_MAX)
		return too_large(e, place);
	must(seal_key_id(p, n, &need));
	return key_id_eq(&have, &need) ? OK : other_key(e, place, &have, &need);
}

static void wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

int seal_open(const struct master_key *k, const struct seal_place *place, const void *sealed, size_t n,
	      void *plain, struct err *e)
{
	const unsigned char *p = sealed;
	size_t bytes = seal_plain_bytes(n);
	int got = 0, rc = check_head(k, place, p, n, e);
	if (rc) {
		wipe(plain, bytes);
		return rc;
	}
	EVP_CIPHER_CTX *ctx = begin(k, place, p, 0);
	unsigned char tag[SEAL_TAG_BYTES];
	memcpy(tag, p + SEAL_HEAD_BYTES + bytes, sizeof(tag));
	if (!ctx || (bytes && EVP_CipherUpdate(ctx, plain, &got, p + SEAL_HEAD_BYTES, (int)bytes) != 1) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) != 1)
		rc = no_memory(e, place);
	else if (EVP_CipherFinal_ex(ctx, tag, &got) != 1)
		rc = damaged(e, place);
	EVP_CIPHER_CTX_free(ctx);
	/* What came before the tag was compared is nobody's business. */
	if (rc)
		wipe(plain, bytes);
	ERR_clear_error();
	return rc;
}
