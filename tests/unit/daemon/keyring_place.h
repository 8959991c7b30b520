/* A keyring in a temporary folder with two known keys, A and B. */
#pragma once

#include "base/log.h"
#include "base/mem.h"
#include "daemon/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char folder[64], store_path[96], key_path[96], next_path[96], data_path[128];

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline void remove_all(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int set_up(void **state)
{
	(void)state;
	log_configure(LOG_ERROR, 0);
	snprintf(folder, sizeof(folder), "/tmp/muster-keyring-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(store_path, sizeof(store_path), "%s/store", folder);
	snprintf(key_path, sizeof(key_path), "%s/master.key", folder);
	snprintf(next_path, sizeof(next_path), "%s/master.key.next", folder);
	snprintf(data_path, sizeof(data_path), "%s/secrets/data.mdb", store_path);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	mem_fail_at(0, 0);
	remove_all(folder);
	return 0;
}

/* Puts the text there with mode 0600; NULL takes the file away. */
static inline void write_key(const char *path, const char *text)
{
	(void)remove(path);
	if (!text)
		return;
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static inline bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static inline struct keyring *opened(void)
{
	struct err e = { 0 };
	struct keyring *k;
	if (keyring_open(&k, store_path, key_path, &e))
		fail_msg("%s", e.text);
	return k;
}

static inline void put(struct keyring *k, const char *name, const char *secrets)
{
	struct err e = { 0 };
	struct keyring_tenant t = { .name = name,
				    .number = 7,
				    .created_at = 1,
				    .changed_at = 2,
				    .settings = SLICE("{\"url\":\"https://fleet.example\"}"),
				    .secrets = slice_of(secrets) };
	if (keyring_put(k, &t, &e))
		fail_msg("%s", e.text);
}

struct listing {
	char text[512];
};

/* "acme=token-1 globex=?" */
static inline int list_one(void *arg, const struct keyring_tenant *t, const struct err *why)
{
	struct listing *l = arg;
	size_t n = strlen(l->text);
	snprintf(l->text + n, sizeof(l->text) - n, "%s%s=%.*s", n ? " " : "", t->name,
		 why ? 1 : (int)t->secrets.n, why ? "?" : t->secrets.p);
	return 0;
}

static inline void holds(struct keyring *k, const char *expected)
{
	struct err e = { 0 };
	struct listing l = { "" };
	if (keyring_each(k, list_one, &l, &e))
		fail_msg("%s", e.text);
	assert_string_equal(l.text, expected);
}
