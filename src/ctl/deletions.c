#include "base/json.h"
#include "ctl/command.h"
#include "query/tenant_json.h"
#include "query/value.h"

/* ---- which tenants ---- */

static const struct column tenant_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "MISSING", "missing", COLUMN_COUNT, FIT_WHOLE },
	{ "DELETIONS", "deletions", COLUMN_STATE, FIT_WHOLE },
	{ "COUNT", "hold.count", COLUMN_COUNT, FIT_WHOLE },
	{ "SINCE", "hold.since", COLUMN_TIME, FIT_WHOLE },
	{ "REASON", "hold.reason", COLUMN_STATE, FIT_WHOLE },
	{ "LAST 24 H", "deleted_24h", COLUMN_COUNT, FIT_WHOLE },
};

struct holds {
	struct ctl *c;
	struct buf row, advice;
};

static void advise(struct buf *out, const struct tenant_row *row)
{
	buf_printf(out,
		   "to accept what is held of \"%s\": musterd --config muster.yaml --once --accept-deletions "
		   "%s=%llu\n",
		   row->name, row->name, (unsigned long long)row->hold_count);
}

static int print_tenant(void *arg, const struct tenant_row *row)
{
	struct holds *h = arg;
	struct buf *b = &h->row;
	if (!row->missing && row->hold == HOLD_NONE)
		return OK;
	buf_reset(b);
	json_open(b, '{');
	json_k(b, "tenant");
	json_text(b, slice_of(row->name));
	json_k(b, "missing");
	json_int(b, (int64_t)row->missing);
	json_k(b, "deletions");
	json_text(b, row->hold == HOLD_NONE ? SLICE("open") : SLICE("held"));
	tenant_json_hold(b, row);
	json_k(b, "deleted_24h");
	json_int(b, (int64_t)tenant_row_deleted_24h(row, h->c->now));
	json_close(b, '}');
	if (row->hold != HOLD_NONE)
		advise(&h->advice, row);
	return b->failed ? b->failed : output_row(&h->c->output, buf_slice(b));
}

static int print_tenants(struct ctl *c)
{
	struct holds h = { .c = c };
	buf_init(&h.row, 64 << 10);
	buf_init(&h.advice, 4 << 20);
	int rc = output_begin(&c->output, VIEW(tenant_columns));
	if (!rc)
		rc = source_tenants(c->store, NULL, print_tenant, &h, &c->err);
	int end = output_end(&c->output);
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "no device is missing and no deletion is held");
	if (!rc)
		rc = h.advice.failed;
	output_notes(&c->output, buf_cstr(&h.advice));
	buf_release(&h.row);
	buf_release(&h.advice);
	return rc ? rc : end;
}

static const char *why_held(enum store_hold_reason reason)
{
	switch (reason) {
	case HOLD_ALL_GONE:
		return "all devices vanished at once";
	case HOLD_TOO_MANY:
		return "too many devices vanished within a day";
	case HOLD_SCOPE_CHANGED:
		return "what the token may see has changed";
	case HOLD_REPLACED:
		return "too many devices became other machines; is it another server?";
	case HOLD_NONE:
		break;
	}
	return "nothing is held";
}

/* ---- which devices of one tenant ---- */

static const struct column device_columns[] = {
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "NAME", "device.name", COLUMN_TEXT, FIT_CUT },
	{ "SERIAL", "device.serial", COLUMN_TEXT, FIT_CUT },
	{ "OWNER", "device.owner", COLUMN_TEXT, FIT_CUT },
	{ "MISSING SINCE", "since", COLUMN_TIME, FIT_WHOLE },
	{ "WALK", "walk", COLUMN_COUNT, FIT_WHOLE },
};

struct missing {
	struct ctl *c;
	const struct tenant_row *tenant;
	struct buf row, record;
};

static void put(struct buf *out, struct slice value)
{
	if (value.p)
		buf_add(out, value.p, value.n);
	else
		json_null(out);
}

static int name_device(void *arg, const struct store_device *d)
{
	struct missing *m = arg;
	struct buf *b = &m->row;
	buf_reset(&m->record);
	int rc = record_expand(&m->record, m->tenant->name, d->id, d->stable);
	if (rc)
		return rc;
	struct slice record = buf_slice(&m->record);
	json_k(b, "device");
	json_open(b, '{');
	json_k(b, "name");
	put(b, value_at(record, "identity.display_name|identity.computer_name|identity.hostname"));
	json_k(b, "serial");
	put(b, value_at(record, "identity.serial"));
	json_k(b, "owner");
	put(b, value_at(record, "owner.email"));
	json_close(b, '}');
	return OK;
}

static int print_device(void *arg, uint64_t id, struct slice mark)
{
	struct missing *m = arg;
	buf_reset(&m->row);
	buf_add(&m->row, mark.p, mark.n - (mark.n > 0));
	int rc = store_device(m->c->store, m->tenant->number, id, name_device, m);
	if (rc && rc != E_NOT_FOUND)
		return rc;
	json_close(&m->row, '}');
	return m->row.failed ? m->row.failed : output_row(&m->c->output, buf_slice(&m->row));
}

static int print_devices(struct ctl *c, const struct tenant_row *tenant)
{
	struct missing m = { .c = c, .tenant = tenant };
	struct buf advice;
	buf_init(&m.row, 1 << 20);
	buf_init(&m.record, 16 << 20);
	buf_init(&advice, 4096);
	int rc = output_begin(&c->output, VIEW(device_columns));
	if (!rc)
		rc = source_rows(c->store, tenant->number, ROWS_MISSING, 0, print_device, &m);
	int end = output_end(&c->output);
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "no device of tenant \"%s\" is missing", tenant->name);
	if (tenant->hold != HOLD_NONE) {
		output_note(&c->output, "\n%llu held back: %s", (unsigned long long)tenant->hold_count,
			    why_held(tenant->hold));
		advise(&advice, tenant);
		output_notes(&c->output, buf_cstr(&advice));
		if (!rc)
			rc = advice.failed;
	}
	buf_release(&m.row);
	buf_release(&m.record);
	buf_release(&advice);
	return rc ? rc : end;
}

int command_deletions(struct ctl *c)
{
	const char *name = ctl_word(c, 0);
	struct tenant_row tenant;
	int rc;
	if (!name)
		return ctl_failed(c, print_tenants(c), "listing the deletions");
	rc = source_tenant(c->store, name, &tenant, &c->err);
	return rc ? rc : ctl_failed(c, print_devices(c, &tenant), "listing the deletions");
}
