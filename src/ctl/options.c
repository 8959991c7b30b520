#include "ctl/options.h"

#include "base/suggest.h"
#include "ctl/when.h"

#include <stdlib.h>

const struct option option_table[] = {
	{ "store", "DIR", OPTION_STORE, "the store to read (default: $MUSTER_STORE, else ./var/store)" },
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
	const char *names[32];
	char word[64];
	size_t count = 0;
	for (; count < option_count && count < 32; count++)
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

static int apply(struct ctl_options *o, const struct option *row, const char *value, struct err *e)
{
	o->given |= row->bit;
	switch (row->bit) {
	case OPTION_STORE:
		o->store = value;
		return *value ? OK : err_set(e, E_CONFIG, "\"--store\" is empty: give the folder of a store");
	case OPTION_JSON:
		return format(o, OUTPUT_JSON, e);
	case OPTION_CSV:
		return format(o, OUTPUT_CSV, e);
	case OPTION_STATE:
		o->state = value;
		return state_word(value, e);
	case OPTION_PLATFORM:
		o->platform = value;
		return OK;
	case OPTION_OWNER:
		o->owner = value;
		return OK;
	case OPTION_GROUP:
		o->group = value;
		return OK;
	case OPTION_SINCE:
		if (number(value, &o->since))
			return err_set(e, E_CONFIG,
				       "\"--since\" wants a sequence number, not \"%s\": \"musterctl "
				       "changes\" shows them",
				       value);
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
