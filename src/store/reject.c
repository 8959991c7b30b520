#include "store/reject.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/limits.h"

int reject_add(struct store_txn *t, struct tenant *tenant, const struct page_element *element, int64_t now)
{
	struct row_key k;
	struct buf *b = &t->event;
	char at[CLOCK_RFC3339_BYTES];
	clock_format_rfc3339(now, at);
	buf_reset(b);
	json_open(b, '{');
	json_k(b, "at");
	json_text(b, slice_of(at));
	json_k(b, "id");
	if (element->id)
		json_int(b, (int64_t)element->id);
	else
		json_null(b);
	json_k(b, "reason");
	json_text(b, slice_of(element->reason));
	json_k(b, "sample");
	json_text(b, element->sample);
	json_close(b, '}');
	int rc = txn_check(t, b, "writing a reject");
	if (!rc)
		rc = txn_put(t, DB_REJECTS, row_key(&k, tenant->now.row.number, tenant->now.reject_next),
			     (MDB_val){ b->len, b->data });
	if (rc)
		return rc;
	tenant->now.reject_next++;
	if (tenant->now.reject_next - tenant->now.reject_first <= REJECTS_KEPT)
		return OK;
	rc = txn_delete(t, DB_REJECTS, row_key(&k, tenant->now.row.number, tenant->now.reject_first));
	tenant->now.reject_first++;
	return rc == E_NOT_FOUND ? OK : rc;
}
