#include "ctl/options.h"

#include "base/suggest.h"
#include "ctl/when.h"

#include <stdlib.h>

const struct option option_table[] = {
	{ "store", "DIR", OPTION_STORE, "the store to read; the daemon is not asked" },
	{ "socket", "PATH", OPTION_SOCKET, "the admin socket of the daemon to ask" },
	{ "json", NULL, OPTION_JSON, "one JSON object a line, as it is stored" },
	{ "csv", NULL, OPTION_CSV, "comma-separated values with a heading line (RFC 4180)" },
	{ "state", "STATE", OPTION_STATE,
	  "only devices of that compliance: compliant, noncompliant, not_evaluated, unknown" },
	{ "platform", "NAME", OPTION_PLATFORM,
	  "only devices of that system family or platform (macos, ubuntu)" },
	{ "owner", "EMAIL", OPTION_OWNER, "only devices of that owner" },
	{ "group", "NAME", OPTION_GROUP, "only devices of that access group" },
	{ "since", "SEQ", OPTION_SINCE, "only changes after that sequence number" },
	{ "stale-after", "TIME", OPTION_STALE_AFTER,
	  "how old the evidence of a device may be: 90s, 15m, 12h, 7d, 2w (default: stale_after of the "
	  "tenant)" },
	{ "follow", NULL, OPTION_FOLLOW, "go on with what changes from now on, until interrupted" },
	{ "all", NULL, OPTION_ALL, "every tenant that is not paused" },
	{ "wait", NULL, OPTION_WAIT, "until the sync has ended, with progress" },
	{ "count", "N", OPTION_COUNT, "the number of devices that are held, exactly" },
	{ "yes", NULL, OPTION_YES, "this is meant" },
	{ "keep-devices", NULL, OPTION_KEEP_DEVICES, "the devices stay in the store, no longer followed" },
	{ "url", "URL", OPTION_URL, "address of the Fleet server" },
	{ "token-file", "FILE", OPTION_TOKEN_FILE, "where the API token stands; read here and sent" },
	{ "token-stdin", NULL, OPTION_TOKEN_STDIN, "the API token is read from the standard input" },
	{ "ca-file", "FILE", OPTION_CA_FILE,
	  "certificates to trust instead of the system's; read here and sent" },
	{ "cert-file", "FILE", OPTION_CERT_FILE, "client certificate; read here and sent" },
	{ "key-file", "FILE", OPTION_KEY_FILE, "key of the client certificate; read here and sent" },
	{ "header", "HEADER", OPTION_HEADER,
	  "\"Name: value\" sent with every request, or @FILE with one a line; may be repeated" },
	{ "interval", "TIME", OPTION_INTERVAL, "time between two syncs: 30m, 1h" },
	{ "map-users", NULL, OPTION_MAP_USERS, "owners are users of the device" },
	{ "map-teams", NULL, OPTION_MAP_TEAMS, "teams are access groups" },
	{ "allow-http", NULL, OPTION_ALLOW_HTTP, "the server may be asked without TLS" },
	{ "allow-private", NULL, OPTION_ALLOW_PRIVATE, "the server may have a private address" },
	{ "set", "JSON", OPTION_SET, "any settings of a tenant, as an object: {\"page_size\":100}" },
	{ "no-check", NULL, OPTION_NO_CHECK, "the server is not asked first" },
	{ "help", NULL, OPTION_HELP, "show help, for one command when one is named" },
	{ "version", NULL, OPTION_VERSION, "show the version" },
};
const size_t option_count = sizeof(option_table) / sizeof(*option_table);

static const struct option *find(const char *name, size_t n)
{
	for (size_t i = 0; i < option_count; i++)
		if (strlen(option_table[i].name) == n && memcmp(option_table[i].name, name, n) == 0)
			return &option_table[i];
	return NULL;
}

static int unknown(const char *argument, size_t n, struct err *e)
{
	const char *names[64];
	char word[64];
	size_t count = 0;
	for (; count < option_count && count < 64; count++)
		names[count] = option_table[count].name;
	snprintf(word, sizeof(word), "%.*s", (int)n, argument);
	const char *near = suggest(word, names, count);
	if (near)
		return err_set(e, E_CONFIG, "unknown option \"--%s\": did you mean \"--%s\"?", word, near);
	return err_set(e, E_CONFIG, "unknown option \"--%s\": \"musterctl help\" lists them", word);
}

static int number(const char *text, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = text;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return E_CONFIG;
	*out = v;
	return p == text || *p ? E_CONFIG : OK;
}

static int state_word(const char *text, struct err *e)
{
	static const char *const words[] = { "compliant", "noncompliant", "not_evaluated", "unknown" };
	for (size_t i = 0; i < 4; i++)
		if (strcmp(words[i], text) == 0)
			return OK;
	const char *near = suggest(text, words, 4);
	return err_set(e, E_CONFIG, "unknown state \"%s\": did you mean \"%s\"? (%s)", text,
		       near ? near : "noncompliant", "compliant, noncompliant, not_evaluated, unknown");
}

static int format(struct ctl_options *o, enum output_format f, struct err *e)
{
	if (o->format != OUTPUT_TABLE && o->format != f)
		return err_set(e, E_CONFIG, "\"--json\" and \"--csv\" exclude each other: give one of them");
	o->format = f;
	return OK;
}

static int place(const struct ctl_options *o, const char *value, const char *name, const char *what,
		 struct err *e)
{
	if (!*value)
		return err_set(e, E_CONFIG, "\"%s\" is empty: give %s", name, what);
	if (o->store && o->socket)
		return err_set(e, E_CONFIG,
			       "\"--store\" and \"--socket\" exclude each other: give one of them");
	return OK;
}

/* Options whose value is kept as it is. */
static bool take_text(struct ctl_options *o, uint64_t bit, const char *value)
{
	const struct {
		uint64_t bit;
		const char **to;
	} rows[] = {
		{ OPTION_PLATFORM, &o->platform },     { OPTION_OWNER, &o->owner },
		{ OPTION_GROUP, &o->group },           { OPTION_URL, &o->url },
		{ OPTION_TOKEN_FILE, &o->token_file }, { OPTION_CA_FILE, &o->ca_file },
		{ OPTION_CERT_FILE, &o->cert_file },   { OPTION_KEY_FILE, &o->key_file },
		{ OPTION_INTERVAL, &o->interval },     { OPTION_SET, &o->set },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].bit == bit) {
			*rows[i].to = value;
			return true;
		}
	}
	return false;
}

static int apply(struct ctl_options *o, const struct option *row, const char *value, struct err *e)
{
	o->given |= row->bit;
	if (take_text(o, row->bit, value))
		return OK;
	switch (row->bit) {
	case OPTION_STORE:
		o->store = value;
		return place(o, value, "--store", "the folder of a store", e);
	case OPTION_SOCKET:
		o->socket = value;
		return place(o, value, "--socket", "the path of the daemon's socket", e);
	case OPTION_JSON:
		return format(o, OUTPUT_JSON, e);
	case OPTION_CSV:
		return format(o, OUTPUT_CSV, e);
	case OPTION_STATE:
		o->state = value;
		return state_word(value, e);
	case OPTION_SINCE:
		if (number(value, &o->since))
			return err_set(e, E_CONFIG,
				       "\"--since\" wants a sequence number, not \"%s\": \"musterctl "
				       "changes\" shows them",
				       value);
		return OK;
	case OPTION_COUNT:
		if (number(value, &o->count))
			return err_set(e, E_CONFIG,
				       "\"--count\" wants the number that \"musterctl deletions\" shows, not "
				       "\"%s\"",
				       value);
		return OK;
	case OPTION_HEADER:
		if (o->header_count == OPTIONS_HEADERS_MAX)
			return err_set(e, E_CONFIG,
				       "more than %d headers: put them into a file, --header @FILE",
				       OPTIONS_HEADERS_MAX);
		o->headers[o->header_count++] = value;
		return OK;
	case OPTION_STALE_AFTER:
		if (!when_parse_span(value, &o->stale_after_s) || !o->stale_after_s)
			return err_set(e, E_CONFIG,
				       "\"--stale-after\" wants a time such as 12h or 7d, not \"%s\"", value);
		return OK;
	}
	return OK;
}

/* One "--name", "--name=value" or "--name value"; `used` counts what it took. */
static int take(struct ctl_options *o, char *const *argv, int left, int *used, struct err *e)
{
	const char *name = argv[0] + 2, *value = strchr(name, '=');
	size_t n = value ? (size_t)(value - name) : strlen(name);
	const struct option *row = find(name, n);
	const char *given = "";
	*used = 1;
	if (!row)
		return unknown(name, n, e);
	if (value && !row->value)
		return err_set(e, E_CONFIG, "\"--%s\" takes no value: leave out \"%s\"", row->name, value);
	if (value) {
		given = value + 1;
	} else if (row->value) {
		if (left < 2)
			return err_set(e, E_CONFIG, "\"--%s\" has no value: give it as --%s %s", row->name,
				       row->name, row->value);
		given = argv[1];
		*used = 2;
	}
	return apply(o, row, given, e);
}

int options_parse(struct ctl_options *o, int argc, char *const *argv, struct err *e)
{
	bool ended = false;
	*o = (struct ctl_options){ 0 };
	for (int i = 1; i < argc;) {
		const char *a = argv[i];
		int used = 1, rc = OK;
		if (!ended && strcmp(a, "--") == 0)
			ended = true;
		else if (!ended && strcmp(a, "-h") == 0)
			o->given |= OPTION_HELP;
		else if (!ended && a[0] == '-' && a[1] == '-')
			rc = take(o, argv + i, argc - i, &used, e);
		else if (!ended && a[0] == '-' && a[1])
			rc = err_set(e, E_CONFIG,
				     "unknown option \"%s\": options begin with two dashes, \"--\" ends them",
				     a);
		else if (o->word_count == OPTIONS_WORDS_MAX)
			rc = err_set(e, E_CONFIG, "too many words at \"%s\": quote a value that has spaces",
				     a);
		else
			o->words[o->word_count++] = a;
		if (rc)
			return rc;
		i += used;
	}
	return OK;
}
