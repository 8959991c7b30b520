#include "crypto/master_key.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct master_key {
	unsigned char *page;
	size_t page_bytes;
	struct key_id id;
};

/* The domain keeps this digest apart from any other use of the same bytes. */
static bool digest_id(const unsigned char *bytes, struct key_id *id)
{
	static const char domain[] = "muster master key id";
	unsigned char text[sizeof(domain) + MASTER_KEY_BYTES], digest[EVP_MAX_MD_SIZE];
	memcpy(text, domain, sizeof(domain));
	memcpy(text + sizeof(domain), bytes, MASTER_KEY_BYTES);
	bool ok = EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha256(), NULL) == 1;
	explicit_bzero(text, sizeof(text));
	if (ok)
		memcpy(id->bytes, digest, KEY_ID_BYTES);
	else
		ERR_clear_error();
	return ok;
}

struct master_key *master_key_new(const unsigned char bytes[MASTER_KEY_BYTES])
{
	struct master_key *k = mem_zalloc(sizeof(*k));
	if (!k)
		return NULL;
	k->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	/* A page of its own: what mlock and madvise are told holds for whole pages. */
	void *page = mmap(NULL, k->page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) {
		mem_free(k);
		return NULL;
	}
	k->page = page;
	/* Both are better than nothing and may be refused: memory that may be
	 * locked is limited. */
	(void)mlock(page, k->page_bytes);
	(void)madvise(page, k->page_bytes, MADV_DONTDUMP);
	memcpy(k->page, bytes, MASTER_KEY_BYTES);
	if (!digest_id(bytes, &k->id)) {
		master_key_free(k);
		return NULL;
	}
	return k;
}

void master_key_free(struct master_key *k)
{
	if (!k)
		return;
	explicit_bzero(k->page, MASTER_KEY_BYTES);
	munmap(k->page, k->page_bytes);
	mem_free(k);
}

struct key_id master_key_id(const struct master_key *k)
{
	return k->id;
}

const unsigned char *master_key_bytes(const struct master_key *k)
{
	return k->page;
}

bool key_id_eq(const struct key_id *a, const struct key_id *b)
{
	return memcmp(a->bytes, b->bytes, KEY_ID_BYTES) == 0;
}

const char *key_id_text(const struct key_id *id, char out[KEY_ID_TEXT_BYTES])
{
	for (int i = 0; i < KEY_ID_BYTES; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", id->bytes[i]);
	return out;
}
