#include "ctl/command.h"
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
	struct buf advice;
};

static void advise(const struct ctl *c, struct buf *out, struct slice tenant, struct slice count)
{
	buf_puts(out, "to accept what is held of \"");
	value_text(out, tenant);
	buf_puts(out, c->link ? "\": musterctl deletions accept "
			      : "\": musterd --config muster.yaml --once --accept-deletions ");
	value_text(out, tenant);
	buf_printf(out, "%s%.*s\n", c->link ? " --count " : "=", (int)count.n, count.p);
}

static int print_tenant(void *arg, struct slice row)
{
	struct holds *h = arg;
	struct slice count = value_at(row, "hold.count");
	if (count.p)
		advise(h->c, &h->advice, value_at(row, "tenant"), count);
	return output_row(&h->c->output, row);
}

static int print_tenants(struct ctl *c)
{
	struct holds h = { .c = c };
	struct query_request request = source_request(c, QUERY_HELD);
	buf_init(&h.advice, 4 << 20);
	int rc = output_begin(&c->output, VIEW(tenant_columns));
	if (!rc)
		rc = source_ask(c, &request, print_tenant, &h);
	int end = output_end(&c->output);
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "no device is missing and no deletion is held");
	if (!rc)
		rc = h.advice.failed;
	output_notes(&c->output, buf_cstr(&h.advice));
	buf_release(&h.advice);
	return rc ? rc : end;
}

static const char *why_held(struct slice reason)
{
	static const struct {
		const char *word, *why;
	} rows[] = {
		{ "\"all_gone\"", "all devices vanished at once" },
		{ "\"too_many\"", "too many devices vanished within a day" },
		{ "\"scope_changed\"", "what the token may see has changed" },
		{ "\"replaced\"", "too many devices became other machines; is it another server?" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (slice_is(reason, rows[i].word))
			return rows[i].why;
	return "for a reason that this version does not know";
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

static int print_device(void *arg, struct slice row)
{
	return output_row(arg, row);
}

static int print_devices(struct ctl *c)
{
	struct query_request request = source_request(c, QUERY_MISSING);
	struct buf advice;
	buf_init(&advice, 4096);
	int rc = output_begin(&c->output, VIEW(device_columns));
	if (!rc)
		rc = source_ask(c, &request, print_device, &c->output);
	int end = output_end(&c->output);
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "no device of tenant \"%s\" is missing", request.tenant);
	if (!rc && !end && source_end(c, "tenant.hold.count").p) {
		output_note(&c->output, "\n%llu held back: %s",
			    (unsigned long long)source_end_count(c, "tenant.hold.count"),
			    why_held(source_end(c, "tenant.hold.reason")));
		advise(c, &advice, source_end(c, "tenant.tenant"), source_end(c, "tenant.hold.count"));
		output_notes(&c->output, buf_cstr(&advice));
		rc = advice.failed;
	}
	buf_release(&advice);
	return rc ? rc : end;
}

int command_deletions(struct ctl *c)
{
	int rc = ctl_word(c, 0) ? print_devices(c) : print_tenants(c);
	return ctl_failed(c, rc, "listing the deletions");
}
