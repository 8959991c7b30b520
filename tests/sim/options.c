#include "options.h"

#include "grab.h"
#include "replay.h"
#include "stats.h"

#include <string.h>
#include <time.h>

static const char help[] =
	"fleetsim --dir DIR [options] --tenant KEY=VALUE,... [--tenant ...]\n"
	"\n"
	"Simulates Fleet servers on 127.0.0.1. Prints one JSON line per tenant and one for\n"
	"the control listener when ready, then serves until SIGTERM.\n"
	"\n"
	"  --dir DIR                where certificates go (made when missing)\n"
	"  --control-port-file F    also write the port of the control listener to F\n"
	"  --exit-with-stdin        stop when standard input ends\n"
	"  --tenant LIST            one server:\n"
	"      name=acme            (needed)\n"
	"      hosts=100            how many\n"
	"      seed=1               the same seed makes the same fleet\n"
	"      version=4.93.0       of Fleet: form, keys and cursor follow from it\n"
	"      tier=premium         or free\n"
	"      role=observer        or admin, maintainer, observer_plus, gitops, none ...\n"
	"      scope=1+2            the token has its role in these teams only\n"
	"      teams=3 policies=12  how many (at most 15 and 24)\n"
	"      policy_text=short    or full: author, calendar and long queries too\n"
	"      owners=1             0: no device_mapping\n"
	"      token=...            default \"token-NAME\"\n"
	"      api_only=1           0: an ordinary user's session\n"
	"      endpoints=list+me    allowlist of an API-only user (4.85 and later)\n"
	"      tls=good             or none, expired, self, wrongname, mutual\n"
	"      port=0               0 takes any\n"
	"      shared=0             1: on one common TLS listener below /t/NAME\n"
	"      plain=0              1: no odd hosts\n"
	"      prepared=0           1: pages are rendered once, for benchmarks\n"
	"      now=UNIX             the server's clock (default: the time of the start)\n"
	"      replay=DIR           serve recorded bodies\n";

void options_help(void)
{
	fputs(help, stdout);
}

static bool complain(const char *key, const char *value)
{
	fprintf(stderr, "fleetsim: unknown tenant setting \"%s=%s\"; see --help\n", key, value);
	return false;
}

static void parse_scope(struct team_scope *scope, const char *value)
{
	scope->scoped = true;
	while (*value && scope->count < TEAMS_MAX) {
		char *end;
		scope->teams[scope->count++] = (uint32_t)strtoul(value, &end, 10);
		value = *end ? end + 1 : end;
	}
}

static bool set_number(struct tenant *t, uint32_t *hosts, const char *key, const char *value)
{
	long long n = strtoll(value, NULL, 10);
	if (!strcmp(key, "hosts"))
		*hosts = (uint32_t)n;
	else if (!strcmp(key, "seed"))
		t->seed = (uint64_t)n;
	else if (!strcmp(key, "teams"))
		t->teams = n < TEAMS_MAX ? (uint32_t)n : TEAMS_MAX - 1;
	else if (!strcmp(key, "policies"))
		t->policies = n < POLICIES_MAX ? (uint32_t)n : POLICIES_MAX;
	else if (!strcmp(key, "owners"))
		t->owners = n != 0;
	else if (!strcmp(key, "api_only"))
		t->api_only = n != 0;
	else if (!strcmp(key, "port"))
		t->port = (int)n;
	else if (!strcmp(key, "shared"))
		t->shared = n != 0;
	else if (!strcmp(key, "plain"))
		t->plain = n != 0;
	else if (!strcmp(key, "prepared"))
		t->prepare = n != 0;
	else if (!strcmp(key, "now"))
		t->now_s = n;
	else
		return complain(key, value);
	return true;
}

static bool set(struct tenant *t, uint32_t *hosts, const char *key, const char *value)
{
	if (!strcmp(key, "name") && strlen(value) < NAME_BYTES) {
		snprintf(t->name, sizeof(t->name), "%.63s", value);
	} else if (!strcmp(key, "role") && strlen(value) < NAME_BYTES) {
		snprintf(t->role, sizeof(t->role), "%.63s", value);
	} else if (!strcmp(key, "version")) {
		return version_parse(value, &t->version) || complain(key, value);
	} else if (!strcmp(key, "tier")) {
		t->premium = strcmp(value, "free") != 0;
	} else if (!strcmp(key, "scope")) {
		parse_scope(&t->scope, value);
	} else if (!strcmp(key, "policy_text")) {
		t->full_policies = !strcmp(value, "full");
	} else if (!strcmp(key, "token")) {
		mem_free(t->token);
		t->token = grab_text(value);
	} else if (!strcmp(key, "endpoints")) {
		mem_free(t->endpoints);
		t->endpoints = grab_text(value);
	} else if (!strcmp(key, "tls")) {
		t->tls = pki_kind_parse(value);
		return t->tls >= 0 || complain(key, value);
	} else if (!strcmp(key, "replay")) {
		t->replay = replay_open(value);
		return t->replay != NULL;
	} else {
		return set_number(t, hosts, key, value);
	}
	return true;
}

static struct tenant *tenant_new(void)
{
	struct tenant *t = grab(sizeof(*t));
	*t = (struct tenant){ .premium = true,
			      .api_only = true,
			      .owners = true,
			      .teams = 3,
			      .policies = 12,
			      .seed = 1,
			      .tls = PKI_GOOD,
			      .now_s = time(NULL) };
	pthread_mutex_init(&t->lock, NULL);
	version_parse("4.93.0", &t->version);
	snprintf(t->role, sizeof(t->role), "observer");
	t->stats = stats_new();
	return t;
}

static bool parse_tenant(struct sim *s, const char *list)
{
	struct tenant *t = tenant_new();
	s->tenants = regrab(s->tenants, (s->tenant_count + 1) * sizeof(struct tenant *));
	s->tenants[s->tenant_count++] = t;
	uint32_t hosts = 100;
	char *copy = grab_text(list), *rest = copy, *item;
	bool ok = true;
	while (ok && (item = strsep(&rest, ","))) {
		char *value = strchr(item, '=');
		if (value)
			*value++ = '\0';
		ok = value ? set(t, &hosts, item, value) : complain(item, "");
	}
	mem_free(copy);
	if (ok && !t->name[0]) {
		fprintf(stderr, "fleetsim: a tenant without a name in \"%s\"\n", list);
		return false;
	}
	if (!t->token) {
		char token[NAME_BYTES + 16];
		snprintf(token, sizeof(token), "token-%s", t->name);
		t->token = grab_text(token);
	}
	if (ok)
		fleet_fill(t, hosts);
	return ok;
}

bool options_parse(struct options *o, struct sim *s, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (!strcmp(word, "--help")) {
			o->help = true;
			return true;
		}
		if (!strcmp(word, "--exit-with-stdin")) {
			o->exit_with_stdin = true;
			continue;
		}
		i++;
		if (value && !strcmp(word, "--dir")) {
			o->dir = value;
		} else if (value && !strcmp(word, "--control-port-file")) {
			o->control_port_file = value;
		} else if (value && !strcmp(word, "--tenant")) {
			if (!parse_tenant(s, value))
				return false;
		} else {
			fprintf(stderr, "fleetsim: unknown or incomplete option \"%s\"; see --help\n", word);
			return false;
		}
	}
	if (o->dir && s->tenant_count)
		return true;
	fputs("fleetsim: needs --dir and at least one --tenant; see --help\n", stderr);
	return false;
}
