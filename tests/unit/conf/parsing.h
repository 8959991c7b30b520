/* Configurations parsed as if they stood in a folder that has what they may
 * name: tokens good and bad, a certificate, two environment variables. */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"

#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TENANT   "tenants:\n- name: a\n  url: a.example\n  token_file: token\n"

extern char folder[], file[64]; /* file: muster.yaml in the folder, which need not exist */

/* Group set-up and tear-down. */
int make_files(void **state);
int remove_files(void **state);
void put(const char *name, const char *text, size_t n, mode_t mode);

/* A conf_complaint_fn for a struct buf: without the file's name, the folder as
 * @, one a line; fails the test where a secret is repeated. */
void collect(void *arg, const char *text);
/* One that drops them. */
void ignore(void *arg, const char *text);
/* `complaints` is the caller's to release; fails the test unless the answer is `want`. */
struct conf *parse(const char *text, size_t n, struct buf *complaints, int want);
/* Parses it and fails the test unless the complaints are just these. */
void expect(const char *text, const char *want);
