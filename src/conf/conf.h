/* muster.yaml and the files it includes -> one immutable snapshot; and the same
 * settings of one tenant, given while the program runs. All complaints are
 * reported at once, each with its place and a remedy.
 *
 * Who uses a tenant holds it: a snapshot is freed when its loader let go of it
 * and the last of its tenants was released, so a sync goes on over a reload with
 * the settings it began with. References are taken and given back on one thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "model/derive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_owner;

struct conf_limits {
	uint32_t page_hosts; /* 0: auto */
	uint32_t details;    /* most of them asked for in one sync; 0: auto */
	uint64_t body_bytes, host_bytes;
	uint32_t first_byte_ms, request_ms;
};

struct conf_tenant {
	const char *name;
	const char *url;   /* repaired: scheme://host[:port][/prefix], no trailing slash, no /api/... */
	const char *token; /* trimmed */
	size_t token_bytes;
	const char *token_from; /* for messages: "token_file tokens/acme"; NULL: given at run time */
	const char *ca_file, *client_cert, *client_key, *proxy; /* NULL: none; paths absolute */
	/* Contents in place of the three files, of a tenant added at run time; NULL: none. */
	const char *ca_pem, *client_cert_pem, *client_key_pem;
	const char *const *headers; /* "Name: value", NULL-terminated; may be secrets */
	bool allow_http, allow_private;
	int64_t interval_s, stale_after_s;
	struct derive_settings derive; /* premium is filled in by the sync */
	struct conf_limits limits;
	const char *file; /* where it stands, and in which line; NULL: given at run time */
	uint32_t line;
	uint64_t own; /* which settings were said for this tenant, not by default; for conf_tenant_json() */
	struct conf_owner *owner;
};

enum conf_listen_kind { LISTEN_NONE, LISTEN_TCP, LISTEN_UNIX };

struct conf_listen {
	enum conf_listen_kind kind;
	const char *host; /* an address in numbers, without brackets; NULL for LISTEN_UNIX */
	uint16_t port;    /* 0: any free one */
	const char *path; /* of LISTEN_UNIX, absolute */
};

/* Of all tenants together. */
struct conf_ceilings {
	uint32_t transfers, connections;
	uint64_t unproven_bytes;
};

/* Ages in seconds; INT64_MAX: forever. */
struct conf_retention {
	int64_t tombstones_s, changes_s, rejects_s, audit_s;
	uint64_t changes_bytes;
};

struct conf_log_group {
	const char *group;
	int level; /* enum log_level */
};

struct conf_log {
	int level; /* enum log_level */
	int json;  /* 0: text */
	const struct conf_log_group *groups;
	size_t group_count;
};

struct conf {
	const char *file;
	const char *store_path;   /* absolute */
	const char *admin_socket; /* absolute; NULL: none */
	struct conf_listen http;
	const char *key_file; /* absolute, or "credential:NAME"; NULL: no secrets are kept */
	struct conf_ceilings limits;
	struct conf_retention retention;
	struct conf_log log;
	struct conf_tenant defaults; /* what a tenant has that says nothing; no name, url, token */
	struct conf_tenant *tenants;
	size_t tenant_count; /* 0 only beside a key_file: tenants may be added at run time */
};

/* One complaint: "FILE:LINE:COLUMN: error: text", or "...: warning: text"; no line
 * break in it. They come when everything was read, in the order of the files. */
typedef void conf_complaint_fn(void *arg, const char *text);

/* Reads and checks everything, included files and token files too. OK (there may
 * have been warnings), E_NOMEM, or E_CONFIG after at least one error. Relative
 * paths begin at the folder of the file they stand in. */
int conf_load(struct conf **out, const char *file, conf_complaint_fn *complain, void *arg);
/* The same from memory (fuzzing, tests): `file` only names it. Files that the
 * text names are read all the same. */
int conf_parse(struct conf **out, const char *file, const void *text, size_t n, conf_complaint_fn *complain,
	       void *arg);
/* Lets go of the snapshot. Tokens, headers, keys and proxy passwords are wiped
 * when it is freed. NULL is fine. */
void conf_free(struct conf *c);

/* ---- tenants ---- */
/* What comes beside the settings of a tenant at run time and is kept apart from
 * them. NULL: none. */
struct conf_secrets {
	const char *token;
	const char *const *headers; /* "Name: value", NULL-terminated */
	const char *proxy;          /* in place of the setting, when it holds a password */
	const char *ca_pem, *client_cert_pem, *client_key_pem;
};

enum { CONF_TENANT_MAX_BYTES = 64 * 1024, CONF_PEM_MAX_BYTES = 256 * 1024 };

/* A tenant from the map of settings that would stand in the file, as JSON, with
 * what `defaults_from` says for those it leaves out (NULL: nothing). Complaints
 * are "SETTING: error: text", "settings: error: text" where it is none of them.
 * Settings that name a file or the environment are refused. `out` gets one
 * reference to memory of its own; neither the JSON nor the secrets are needed
 * afterwards. Whether its name or server is another tenant's is for the caller to
 * see: equal servers have equal `url`. OK, E_NOMEM or E_CONFIG. */
int conf_tenant_parse(const struct conf_tenant **out, const struct conf *defaults_from, const char *json,
		      size_t n, const struct conf_secrets *secrets, conf_complaint_fn *complain, void *arg);
/* A tenant given at run time once more, under the defaults of another snapshot. */
int conf_tenant_again(const struct conf_tenant **out, const struct conf *defaults_from,
		      const struct conf_tenant *t, conf_complaint_fn *complain, void *arg);

/* One more user of the tenant, and one less; the last one wipes and frees. */
const struct conf_tenant *conf_tenant_hold(const struct conf_tenant *t);
void conf_tenant_release(const struct conf_tenant *t);

/* What of its own it has to be given again, as pointers into the tenant. */
void conf_tenant_secrets(const struct conf_tenant *t, struct conf_secrets *out);

/* CONF_OWN: what was said for this tenant, in the form that conf_tenant_parse()
 * takes. CONF_ALL: that and the defaults in force, and the paths that the file
 * names; to be looked at. Never token, headers, contents or a proxy's password. */
enum conf_which { CONF_OWN, CONF_ALL };
void conf_tenant_json(const struct conf_tenant *t, enum conf_which which, struct buf *out);

/* The map `old` with the members of `changes` put in: maps within them are merged,
 * null takes a setting out, anything else takes its place. Looks at the form only;
 * conf_tenant_parse() says what is wrong with the result. OK, E_NOMEM, E_LIMIT, or
 * E_CONFIG with a sentence. */
int conf_tenant_set(const char *old, size_t old_n, const char *changes, size_t n, struct buf *out,
		    struct err *e);
