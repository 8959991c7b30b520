#include "daemon/options.h"

#include "base/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum arity { NONE, REQUIRED, OPTIONAL };

struct option_row {
	const char *name, *value, *help;
	enum arity arity;
	int (*set)(struct options *o, const char *value, struct err *e);
};

static int set_config(struct options *o, const char *v, struct err *e)
{
	(void)e;
	o->config = v;
	return OK;
}

static int set_once(struct options *o, const char *v, struct err *e)
{
	(void)v, (void)e;
	o->once = true;
	return OK;
}

static int set_check(struct options *o, const char *v, struct err *e)
{
	(void)v, (void)e;
	o->check_config = true;
	return OK;
}

static int set_help(struct options *o, const char *v, struct err *e)
{
	(void)v, (void)e;
	o->help = true;
	return OK;
}

static int set_version(struct options *o, const char *v, struct err *e)
{
	(void)v, (void)e;
	o->version = true;
	return OK;
}

static int set_json(struct options *o, const char *v, struct err *e)
{
	(void)v, (void)e;
	o->log_json = true;
	return OK;
}

static int choose(const char *option, const char *v, const char *const *words, size_t count, int *out,
		  struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(v, words[i]) == 0) {
			*out = (int)i;
			return OK;
		}
	const char *near = suggest(v, words, count);
	return err_set(e, E_CONFIG, "\"%s\" is no value of --%s; use %s%s%s", v, option,
		       near ? near : words[0], near ? "" : " or ", near ? "" : words[1]);
}

static int set_details(struct options *o, const char *v, struct err *e)
{
	static const char *const words[] = { "none", "due", "all" };
	int at = 0, rc = choose("details", v, words, 3, &at, e);
	o->sync.details = (enum sync_details)at;
	return rc;
}

static int set_progress(struct options *o, const char *v, struct err *e)
{
	static const char *const words[] = { "auto", "always", "never" };
	int at = 0, rc = choose("progress", v, words, 3, &at, e);
	o->progress = at;
	return rc;
}

static int set_level(struct options *o, const char *v, struct err *e)
{
	static const char *const words[] = { "error", "warning", "notice", "info", "debug" };
	int at = 0, rc = choose("log-level", v, words, 5, &at, e);
	o->log_level = (enum log_level)at;
	o->log_given = true;
	return rc;
}

/* 500ms, 30s, 5m, 2h */
static int duration(const char *option, const char *v, uint32_t *out_ms, struct err *e)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *end = NULL;
	unsigned long long n = isdigit((unsigned char)*v) ? strtoull(v, &end, 10) : 0;
	for (size_t i = 0; end && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0 && n <= 24 * 3600000ull / units[i].ms) {
			*out_ms = (uint32_t)(n * units[i].ms);
			return OK;
		}
	return err_set(e, E_CONFIG, "\"%s\" is no time for --%s; write 500ms, 30s, 5m or 2h (24h at most)", v,
		       option);
}

static int set_time_limit(struct options *o, const char *v, struct err *e)
{
	return duration("details-time", v, &o->sync.details_ms, e);
}

static int set_give_up(struct options *o, const char *v, struct err *e)
{
	return duration("give-up-after", v, &o->sync.unproven_ms, e);
}

static int set_retry_base(struct options *o, const char *v, struct err *e)
{
	return duration("retry-base", v, &o->sync.backoff_base_ms, e);
}

static int set_probe_gap(struct options *o, const char *v, struct err *e)
{
	return duration("probe-gap", v, &o->sync.probe_gap_ms, e);
}

static int set_tenant(struct options *o, const char *v, struct err *e)
{
	if (o->tenant_count == OPTIONS_TENANTS_MAX)
		return err_set(e, E_CONFIG, "more than %d --tenant options; leave them out to sync all",
			       OPTIONS_TENANTS_MAX);
	o->tenants[o->tenant_count++] = v;
	return OK;
}

static int set_accept(struct options *o, const char *v, struct err *e)
{
	const char *equals = v ? strchr(v, '=') : NULL;
	char *end = NULL;
	if (!v) {
		o->accept_held = true;
		return OK;
	}
	errno = 0;
	unsigned long long n =
		equals && isdigit((unsigned char)equals[1]) ? strtoull(equals + 1, &end, 10) : 0;
	if (!equals || equals == v || !end || *end || errno)
		return err_set(e, E_CONFIG,
			       "\"%s\" is no TENANT=N for --accept-deletions; name the tenant and the number "
			       "that is held",
			       v);
	if (o->accept_count == OPTIONS_ACCEPTS_MAX)
		return err_set(e, E_CONFIG, "more than %d --accept-deletions options", OPTIONS_ACCEPTS_MAX);
	o->accepts[o->accept_count++] = (struct accept_deletions){ v, (size_t)(equals - v), n };
	return OK;
}

static const struct option_row rows[] = {
	{ "config", "FILE", "the configuration (default: muster.yaml)", REQUIRED, set_config },
	{ "once", NULL, "sync every tenant once and exit", NONE, set_once },
	{ "check-config", NULL, "read the configuration, print every complaint, and exit", NONE, set_check },
	{ "tenant", "NAME", "only this tenant; may be given several times", REQUIRED, set_tenant },
	{ "details", "none|due|all", "which hosts to ask for one by one (default: due)", REQUIRED,
	  set_details },
	{ "details-time", "TIME", "how long to do that (default: 5m)", REQUIRED, set_time_limit },
	{ "accept-deletions", "TENANT=N", "accept exactly N held deletions; alone: those held now", OPTIONAL,
	  set_accept },
	{ "give-up-after", "TIME", "without a proven page (default: 5m)", REQUIRED, set_give_up },
	{ "retry-base", "TIME", "first wait before a request is tried again (default: 1s)", REQUIRED,
	  set_retry_base },
	{ "probe-gap", "TIME", "between the three probes of a refused cursor (default: 1m)", REQUIRED,
	  set_probe_gap },
	{ "progress", "auto|always|never", "a live line per tenant (default: auto, on a terminal)", REQUIRED,
	  set_progress },
	{ "log-level", "LEVEL", "error, warning, notice, info or debug (default: warning)", REQUIRED,
	  set_level },
	{ "log-json", NULL, "log lines as JSON", NONE, set_json },
	{ "version", NULL, "print the version", NONE, set_version },
	{ "help", NULL, "print this", NONE, set_help },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void options_print_help(void)
{
	puts("usage: musterd --config FILE [options]            stays and syncs, commanded by its socket\n"
	     "       musterd --config FILE --once [options]     syncs once and ends\n"
	     "       musterd --config FILE --check-config\n");
	for (size_t i = 0; i < ROWS; i++) {
		char left[64];
		snprintf(left, sizeof(left),
			 rows[i].arity == OPTIONAL ? "--%s[=%s]"
			 : rows[i].value           ? "--%s %s"
						   : "--%s",
			 rows[i].name, rows[i].value ? rows[i].value : "");
		printf("  %-32s %s\n", left, rows[i].help);
	}
	puts("\nmusterctl reads the store. More: musterd(8), muster.yaml(5).");
}

static const struct option_row *find(const char *name, size_t n, struct err *e)
{
	const char *names[ROWS];
	char word[64];
	for (size_t i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			return &rows[i];
		names[i] = rows[i].name;
	}
	snprintf(word, sizeof(word), "%.*s", (int)(n < 60 ? n : 60), name);
	const char *near = suggest(word, names, ROWS);
	if (near)
		err_set(e, E_CONFIG, "there is no option \"--%s\"; did you mean \"--%s\"?", word, near);
	else
		err_set(e, E_CONFIG, "there is no option \"--%s\"; see musterd --help", word);
	return NULL;
}

/* An optional value may also stand as the next word: --accept-deletions acme=3 */
static bool looks_like_value(const char *word)
{
	return word && word[0] != '-' && strchr(word, '=');
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	*o = (struct options){ .config = "muster.yaml", .log_level = LOG_WARNING };
	sync_options_default(&o->sync);
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (strcmp(word, "-h") == 0)
			word = "--help";
		if (word[0] != '-' || word[1] != '-' || !word[2])
			return err_set(e, E_CONFIG, "\"%s\" is not understood; see musterd --help", word);
		const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
		const struct option_row *row =
			find(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2), e);
		if (!row)
			return E_CONFIG;
		if (row->arity == NONE && value)
			return err_set(e, E_CONFIG, "--%s takes no value", row->name);
		if (!value &&
		    (row->arity == REQUIRED || (row->arity == OPTIONAL && looks_like_value(argv[i + 1]))))
			value = i + 1 < argc ? argv[++i] : NULL;
		if (row->arity == REQUIRED && (!value || !*value))
			return err_set(e, E_CONFIG, "--%s needs a value: %s", row->name, row->value);
		int rc = row->set(o, value, e);
		if (rc != OK)
			return rc;
	}
	return OK;
}
