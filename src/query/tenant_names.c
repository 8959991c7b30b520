#include "query/tenant_names.h"

#include "base/mem.h"
#include "base/suggest.h"

static int note_name(void *arg, const struct tenant_row *row)
{
	struct tenant_names *n = arg;
	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 32;
		char **items = mem_realloc(n->items, cap * sizeof(*items));
		if (!items)
			return E_NOMEM;
		n->items = items;
		n->cap = cap;
	}
	n->items[n->count] = mem_strdup(row->name);
	return n->items[n->count++] ? OK : E_NOMEM;
}

int tenant_names_read(struct tenant_names *n, struct store *s, struct err *e)
{
	*n = (struct tenant_names){ 0 };
	int rc = store_tenants(s, note_name, n);
	return rc ? err_set(e, rc, "the tenants could not be read: %s", err_meaning(rc)) : OK;
}

void tenant_names_release(struct tenant_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		mem_free(n->items[i]);
	mem_free(n->items);
	*n = (struct tenant_names){ 0 };
}

static int unknown_tenant(struct store *s, const char *name, struct err *e)
{
	struct tenant_names n;
	int rc = tenant_names_read(&n, s, e);
	const char *near = rc ? NULL : suggest(name, (const char *const *)n.items, n.count);
	if (near)
		rc = err_set(e, E_NOT_FOUND, "no tenant is called \"%s\": did you mean \"%s\"?", name, near);
	else if (!rc && n.count)
		rc = err_set(e, E_NOT_FOUND, "no tenant is called \"%s\": \"musterctl tenants\" lists them",
			     name);
	else if (!rc)
		rc = err_set(
			e, E_NOT_FOUND,
			"no tenant is called \"%s\": the store holds none yet, \"musterd --once\" syncs them",
			name);
	tenant_names_release(&n);
	return rc;
}

int tenant_named(struct store *s, const char *name, struct tenant_row *row, struct err *e)
{
	int rc = store_tenant_by_name(s, name, row);
	if (rc == E_NOT_FOUND)
		return unknown_tenant(s, name, e);
	return rc ? err_set(e, rc, "tenant \"%s\" could not be read: %s", name, err_meaning(rc)) : OK;
}
