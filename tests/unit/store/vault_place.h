/* A vault in a temporary folder, and short ways to fill and compare it. */
#pragma once

#include "base/mem.h"
#include "store/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const unsigned char key_a[VAULT_KEY_ID_BYTES] = "key a..", key_b[VAULT_KEY_ID_BYTES] = "key b..";
static char folder[64], store_path[96], secrets[128], data[160];

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/muster-vault-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(store_path, sizeof(store_path), "%s/store", folder);
	snprintf(secrets, sizeof(secrets), "%s/" VAULT_FOLDER_NAME, store_path);
	snprintf(data, sizeof(data), "%s/data.mdb", secrets);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	mem_fail_at(0, 0);
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct vault *made(void)
{
	struct err e = { 0 };
	struct vault *v;
	if (vault_create(&v, store_path, key_a, &e))
		fail_msg("%s", e.text);
	return v;
}

static inline struct vault *again(void)
{
	struct err e = { 0 };
	struct vault *v;
	if (vault_open(&v, store_path, &e))
		fail_msg("%s", e.text);
	return v;
}

static inline void not_opened(int code, const char *part)
{
	struct err e = { 0 };
	struct vault *v = (struct vault *)"untouched";
	assert_int_equal(vault_open(&v, store_path, &e), code);
	assert_null(v);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static inline void put(struct vault *v, const char *name, uint32_t number, const char *sealed)
{
	struct err e = { 0 };
	struct vault_tenant t = { .number = number,
				  .created_at = 1700000000,
				  .changed_at = -1,
				  .settings = SLICE("{\"interval\":\"1h\"}"),
				  .sealed = slice_of(sealed) };
	if (vault_put(v, name, &t, &e))
		fail_msg("%s", e.text);
}

/* "alpha=one beta=two key a.." */
struct listing {
	char text[512];
};

static inline int list_one(void *arg, const char *name, const struct vault_tenant *t)
{
	struct listing *l = arg;
	size_t n = strlen(l->text);
	snprintf(l->text + n, sizeof(l->text) - n, "%s=%.*s ", name, (int)t->sealed.n, t->sealed.p);
	return 0;
}

static inline void holds(struct vault *v, const char *expected)
{
	struct err e = { 0 };
	struct listing l = { "" };
	unsigned char id[VAULT_KEY_ID_BYTES];
	assert_int_equal(vault_each(v, list_one, &l, &e), OK);
	assert_int_equal(vault_key_id(v, id, &e), OK);
	size_t n = strlen(l.text);
	snprintf(l.text + n, sizeof(l.text) - n, "%.8s", (const char *)id);
	assert_string_equal(l.text, expected);
}

struct resealing {
	int seen, fail_at;
};

/* "one" becomes "one+one": another length, to move things. */
static inline int reseal(void *arg, const char *name, const struct vault_tenant *t, struct buf *sealed,
			 struct err *e)
{
	struct resealing *r = arg;
	(void)name;
	if (++r->seen == r->fail_at)
		return err_set(e, E_CORRUPT, "tenant number %d does not open", r->seen);
	buf_add(sealed, t->sealed.p, t->sealed.n);
	buf_putc(sealed, '+');
	buf_add(sealed, t->sealed.p, t->sealed.n);
	return OK;
}
