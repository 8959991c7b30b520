/* The command line of musterd, as a table of options. */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "sync/tenant_sync.h"

enum { OPTIONS_TENANTS_MAX = 64, OPTIONS_ACCEPTS_MAX = 64 };

struct accept_deletions {
	const char *tenant; /* not terminated by NUL: tenant_n */
	size_t tenant_n;
	uint64_t count;
};

struct options {
	const char *config;
	bool once, check_config, help, version;
	struct sync_options sync;
	const char *tenants[OPTIONS_TENANTS_MAX]; /* only these; none: all */
	size_t tenant_count;
	bool accept_held; /* --accept-deletions alone: what is held now, exactly */
	struct accept_deletions accepts[OPTIONS_ACCEPTS_MAX];
	size_t accept_count;
	enum { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER } progress;
	enum log_level log_level;
	bool log_json, log_given;
};

/* E_CONFIG with a sentence. Points into argv. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);
void options_print_help(void);
