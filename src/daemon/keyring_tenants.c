#include "base/mem.h"
#include "daemon/keyring_state.h"

static struct seal_place place_of(const char *name, uint32_t number, struct slice settings)
{
	return (struct seal_place){
		.purpose = "tenant secrets",
		.tenant = slice_of(name),
		.number = number,
		.beside = settings,
	};
}

static int no_memory(struct err *e, const char *name)
{
	return err_set(e, E_NOMEM, "out of memory at the secrets of tenant \"%s\"", name);
}

/* Opened bytes, which the caller wipes and frees. */
static int unseal(const struct master_key *key, const char *name, const struct vault_tenant *t,
		  unsigned char **plain, size_t *n, struct err *e)
{
	struct seal_place place = place_of(name, t->number, t->settings);
	*n = seal_plain_bytes(t->sealed.n);
	*plain = mem_alloc(*n);
	if (!*plain)
		return no_memory(e, name);
	int rc = seal_open(key, &place, t->sealed.p, t->sealed.n, *plain, e);
	if (rc) {
		mem_free(*plain);
		*plain = NULL;
	}
	return rc;
}

/* Appends to `sealed`. */
static int seal(const struct master_key *key, const struct seal_place *place, const char *name,
		const void *plain, size_t n, struct buf *sealed, struct err *e)
{
	/* What is too large is told by seal_close(), before it writes. */
	if (!buf_reserve(sealed, (n > SEAL_PLAIN_MAX ? 0 : n) + SEAL_OVERHEAD_BYTES))
		return no_memory(e, name);
	int rc = seal_close(key, place, plain, n, sealed->data + sealed->len, e);
	if (!rc)
		sealed->len += n + SEAL_OVERHEAD_BYTES;
	return rc;
}

int keyring_reseal(void *arg, const char *name, const struct vault_tenant *t, struct buf *sealed,
		   struct err *e)
{
	const struct keyring_change *change = arg;
	struct seal_place place = place_of(name, t->number, t->settings);
	unsigned char *plain;
	size_t n;
	int rc = unseal(change->from, name, t, &plain, &n, e);
	if (rc)
		return rc;
	rc = seal(change->to, &place, name, plain, n, sealed, e);
	mem_wipe_free(plain, n);
	return rc;
}

int keyring_put(struct keyring *k, const struct keyring_tenant *t, struct err *e)
{
	struct seal_place place = place_of(t->name, t->number, t->settings);
	struct vault_tenant row = {
		.number = t->number,
		.created_at = t->created_at,
		.changed_at = t->changed_at,
		.settings = t->settings,
	};
	struct buf sealed;
	buf_init(&sealed, VAULT_SEALED_MAX);
	int rc = seal(k->key, &place, t->name, t->secrets.p, t->secrets.n, &sealed, e);
	row.sealed = buf_slice(&sealed);
	if (!rc)
		rc = vault_put(k->vault, t->name, &row, e);
	buf_release(&sealed);
	return rc;
}

int keyring_remove(struct keyring *k, const char *name, struct err *e)
{
	return vault_remove(k->vault, name, e);
}

struct showing {
	struct keyring *k;
	keyring_each_fn *each;
	void *arg;
	struct err *err;
};

static int show(void *arg, const char *name, const struct vault_tenant *row)
{
	struct showing *s = arg;
	unsigned char *plain;
	size_t n;
	struct err why = { 0 };
	struct keyring_tenant t = {
		.name = name,
		.number = row->number,
		.created_at = row->created_at,
		.changed_at = row->changed_at,
		.settings = row->settings,
	};
	int rc = unseal(s->k->key, name, row, &plain, &n, &why);
	/* That is no fault of this tenant's. */
	if (rc == E_NOMEM)
		return no_memory(s->err, name);
	if (!rc)
		t.secrets = (struct slice){ (char *)plain, (uint32_t)n };
	int answer = s->each(s->arg, &t, rc ? &why : NULL);
	mem_wipe_free(plain, n);
	return answer;
}

int keyring_each(struct keyring *k, keyring_each_fn *each, void *arg, struct err *e)
{
	struct showing s = { .k = k, .each = each, .arg = arg, .err = e };
	return vault_each(k->vault, show, &s, e);
}

int keyring_with(struct keyring *k, const char *name, keyring_each_fn *each, void *arg, struct err *e)
{
	struct showing s = { .k = k, .each = each, .arg = arg, .err = e };
	struct vault_tenant row;
	struct buf hold;
	buf_init(&hold, VAULT_VALUE_MAX);
	int rc = vault_get(k->vault, name, &hold, &row, e);
	if (!rc)
		rc = show(&s, name, &row);
	buf_release(&hold);
	return rc;
}
