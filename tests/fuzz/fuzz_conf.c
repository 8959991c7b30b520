/* layer: conf */
/* The configuration as bytes. The file's folder does not exist, so that what
 * the text names by a relative path is not there. */
#include "base/must.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *arg, const char *text)
{
	unsigned *errors = arg;
	must(strncmp(text, "/nowhere/muster.yaml:", 21) == 0);
	must(!strchr(text, '\n'));
	*errors += strstr(text, ": error: ") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = NULL;
	unsigned errors = 0;
	int rc = conf_parse(&c, "/nowhere/muster.yaml", data, size, note, &errors);
	must(rc == OK || rc == E_CONFIG || rc == E_NOMEM);
	must((rc == OK) == (c != NULL));
	must(rc != E_CONFIG || errors);
	for (size_t i = 0; c && i < c->tenant_count; i++) {
		const struct conf_tenant *t = &c->tenants[i];
		must(t->name && t->url && t->token && t->token_bytes);
		must(t->url[strlen(t->url) - 1] != '/');
	}
	conf_free(c);
	return 0;
}
