/* muster.yaml -> one immutable snapshot. Owned by the caller, freed with
 * conf_free(); every string in it lives as long. All complaints of a file are
 * reported at once, each with file, line, column and a remedy. */
#pragma once

#include "base/err.h"
#include "model/derive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_limits {
	uint32_t page_hosts; /* 0: auto */
	uint32_t details;    /* most of them asked for in one sync; 0: auto */
	uint64_t body_bytes, host_bytes;
	uint32_t first_byte_ms, request_ms;
};

struct conf_tenant {
	const char *name;
	const char *url;   /* repaired: scheme://host[:port][/prefix], no trailing slash, no /api/... */
	const char *token; /* read from token_file or token_env, trimmed */
	size_t token_bytes;
	const char *token_from;                                 /* for messages: "token_file tokens/acme" */
	const char *ca_file, *client_cert, *client_key, *proxy; /* NULL: none; paths absolute */
	const char *const *headers; /* "Name: value", NULL-terminated; may be secrets */
	bool allow_http, allow_private;
	int64_t stale_after_s;
	struct derive_settings derive; /* premium is filled in by the sync */
	struct conf_limits limits;
};

struct conf {
	const char *file;
	const char *store_path; /* absolute */
	struct conf_tenant *tenants;
	size_t tenant_count;
};

/* One complaint: "FILE:LINE:COLUMN: error: text", or "...: warning: text"; no line
 * break in it. They come when everything was read, in the order of the file. */
typedef void conf_complaint_fn(void *arg, const char *text);

/* Reads and checks everything, token files included. OK (there may have been
 * warnings), E_NOMEM, or E_CONFIG after at least one error. Relative paths
 * begin at the file's folder. */
int conf_load(struct conf **out, const char *file, conf_complaint_fn *complain, void *arg);
/* The same from memory (fuzzing, tests): `file` only names it. Files that the
 * text names are read all the same. */
int conf_parse(struct conf **out, const char *file, const void *text, size_t n, conf_complaint_fn *complain,
	       void *arg);
/* Wipes tokens, headers and proxy passwords. NULL is fine. */
void conf_free(struct conf *c);
