#include "store/device.h"

static int put_policy(struct store_txn *t, struct tenant *tenant, const struct policy_name *policy)
{
	struct row_key k;
	int set = policy_table_set(&tenant->policies, policy->id, policy->name, policy->critical);
	if (set < 0)
		return err_set(&t->err, set, "out of memory while keeping the policies of \"%s\"",
			       tenant->now.row.name);
	if (!set)
		return OK;
	buf_reset(&t->event);
	buf_putc(&t->event, policy->critical ? 1 : 0);
	buf_add(&t->event, policy->name.p, policy->name.n);
	int rc = txn_check(t, &t->event, "writing a policy");
	return rc ? rc
		  : txn_put(t, DB_POLICIES, row_key(&k, tenant->now.row.number, policy->id),
			    (MDB_val){ t->event.len, t->event.data });
}

int device_policies(struct store_txn *t, struct tenant *tenant, const struct page *page)
{
	int rc = txn_policies(t, tenant);
	for (uint32_t i = 0; i < page->policy_count && !rc; i++)
		rc = put_policy(t, tenant, &page->policies[i]);
	return rc;
}
