#include "sync/check.h"

#include "base/mem.h"
#include "sync/sync_state.h"

#include <stdio.h>

/* Somebody waits for the answer: what is gone for longer is to be told. */
enum { ATTEMPTS = 2 };

struct check {
	struct tenant_sync *sync;
	void (*done)(void *arg, const struct check_result *r);
	void *arg;
};

static void on_done(void *arg, const struct sync_report *r)
{
	struct check c = *(struct check *)arg;
	struct check_result result = {
		.rc = r->rc,
		.err = r->err,
		.server = c.sync->server,
		.counted = c.sync->counted,
		.hosts = c.sync->counted ? r->total.expected : 0,
	};
	snprintf(result.warning, sizeof(result.warning), "%s", r->warning);
	mem_free(arg);
	tenant_sync_free(c.sync);
	c.done(c.arg, &result);
}

int check_start(struct check **out, struct sync_environment *env, const struct conf_tenant *conf,
		const struct sync_options *options, void (*done)(void *arg, const struct check_result *r),
		void *arg, struct err *e)
{
	struct sync_options o = *options;
	struct check *c = mem_zalloc(sizeof(*c));
	*out = NULL;
	if (!c)
		return err_set(e, E_NOMEM, "out of memory");
	o.max_attempts = ATTEMPTS;
	int rc = tenant_sync_new(&c->sync, env, conf, &o, e);
	if (rc) {
		mem_free(c);
		return rc;
	}
	c->sync->connect_only = true;
	c->done = done;
	c->arg = arg;
	tenant_sync_start(c->sync, on_done, c);
	*out = c;
	return OK;
}

void check_cancel(struct check *c)
{
	tenant_sync_cancel(c->sync);
}
