#include "conf/owner.h"

#include "base/must.h"

void owner_release(struct conf_owner *o)
{
	must(o->references > 0);
	if (--o->references == 0)
		o->free(o);
}

const struct conf_tenant *conf_tenant_hold(const struct conf_tenant *t)
{
	must(t->owner->references > 0);
	t->owner->references++;
	return t;
}

void conf_tenant_release(const struct conf_tenant *t)
{
	if (t)
		owner_release(t->owner);
}

static void wipe(const char *secret)
{
	if (secret)
		explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
}

void tenant_wipe(const struct conf_tenant *t, const struct conf_tenant *standard)
{
	wipe(t->token);
	if (!standard || t->proxy != standard->proxy)
		wipe(t->proxy);
	if (standard && t->headers == standard->headers)
		return;
	for (const char *const *h = t->headers; h && *h; h++)
		wipe(*h);
}
