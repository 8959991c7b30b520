/* layer: conf */
/* The configuration as bytes, and the same bytes as the settings of one tenant and
 * as changes to them. The file's folder does not exist, so that what the text names
 * by a relative path is not there. */
#include "base/must.h"
#include "conf/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *arg, const char *text)
{
	unsigned *errors = arg;
	must(*text == '/'); /* of the main file, or of one that it includes */
	must(!strchr(text, '\n'));
	*errors += strstr(text, ": error: ") != NULL;
}

static void note_given(void *arg, const char *text)
{
	unsigned *errors = arg;
	must(!strchr(text, '\n'));
	*errors += strstr(text, ": error: ") != NULL;
}

static void check_tenant(const struct conf_tenant *t)
{
	must(t->name && t->url && t->token && t->token_bytes);
	must(t->url[strlen(t->url) - 1] != '/');
	must(t->interval_s >= 60);
}

static void as_file(const uint8_t *data, size_t size)
{
	struct conf *c = NULL;
	struct plan *p = NULL;
	unsigned errors = 0;
	int rc = conf_parse(&c, "/nowhere/muster.yaml", data, size, note, &errors);
	must(rc == OK || rc == E_CONFIG || rc == E_NOMEM);
	must((rc == OK) == (c != NULL));
	must(rc != E_CONFIG || errors);
	for (size_t i = 0; c && i < c->tenant_count; i++)
		check_tenant(&c->tenants[i]);
	if (c && plan_make(&p, c, c) == OK) {
		must(p->count == c->tenant_count && p->counts[PLAN_UNCHANGED] == p->count);
		plan_free(p);
	}
	conf_free(c);
}

/* What a tenant says of itself makes the same tenant. */
static void there_and_back(const struct conf_tenant *t)
{
	const struct conf_tenant *again;
	struct buf changed;
	unsigned errors = 0;
	buf_init(&changed, 1 << 20);
	must(conf_tenant_again(&again, NULL, t, note_given, &errors) == OK);
	plan_tenant(t, again, &changed);
	must(changed.len == 0 && !changed.failed);
	conf_tenant_release(again);
	buf_release(&changed);
}

static void as_tenant(const char *json, size_t size)
{
	const struct conf_secrets secrets = { .token = "token" };
	const struct conf_tenant *t;
	unsigned errors = 0;
	int rc = conf_tenant_parse(&t, NULL, json, size, &secrets, note_given, &errors);
	must(rc == OK || rc == E_CONFIG || rc == E_NOMEM);
	must((rc == OK) == (t != NULL));
	must(rc != E_CONFIG || errors);
	if (t) {
		check_tenant(t);
		there_and_back(t);
	}
	conf_tenant_release(t);
}

/* What a change gives is a form that takes no change to say again. */
static void as_changes(const char *json, size_t size)
{
	static const char old[] = "{\"name\":\"a\",\"limits\":{\"page_hosts\":100}}";
	struct buf once, twice;
	struct err e;
	buf_init(&once, CONF_TENANT_MAX_BYTES);
	buf_init(&twice, CONF_TENANT_MAX_BYTES);
	if (conf_tenant_set(old, sizeof(old) - 1, json, size, &once, &e) == OK &&
	    conf_tenant_set(once.data, once.len, "{}", 2, &twice, &e) == OK)
		must(slice_eq(buf_slice(&once), buf_slice(&twice)));
	buf_release(&once);
	buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = data ? (const char *)data : "";
	as_file(data, size);
	as_tenant(text, size);
	as_changes(text, size);
	return 0;
}
