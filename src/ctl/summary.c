#include "ctl/command.h"
#include "query/value.h"

#define COUNT(heading, path)                                                                                 \
	{                                                                                                    \
		heading, path, COLUMN_COUNT, FIT_WHOLE                                                       \
	}
#define TENANT                                                                                               \
	{                                                                                                    \
		"TENANT", "tenant", COLUMN_TEXT, FIT_CUT                                                     \
	}
#define DEVICES COUNT("DEVICES", "devices")
#define LAST_SYNC                                                                                            \
	{                                                                                                    \
		"LAST SYNC", "sync.ended", COLUMN_TIME, FIT_WHOLE                                            \
	}
#define RESULT                                                                                               \
	{                                                                                                    \
		"RESULT", "sync.result", COLUMN_STATE, FIT_WHOLE                                             \
	}

static const struct column compliance_columns[] = {
	TENANT,
	DEVICES,
	COUNT("COMPLIANT", "compliance.compliant"),
	COUNT("NONCOMPLIANT", "compliance.noncompliant"),
	COUNT("NOT EVALUATED", "compliance.not_evaluated"),
	COUNT("UNKNOWN", "compliance.unknown"),
	COUNT("STALE", "stale"),
};

static const struct column encryption_columns[] = {
	TENANT,
	COUNT("ON", "encryption.on"),
	COUNT("OFF", "encryption.off"),
	COUNT("ENFORCING", "encryption.enforcing"),
	COUNT("ACTION REQUIRED", "encryption.action_required"),
	COUNT("FAILED", "encryption.failed"),
	COUNT("REMOVING", "encryption.removing"),
	COUNT("UNKNOWN", "encryption.unknown"),
};

static const struct column mdm_columns[] = {
	TENANT,
	COUNT("AUTOMATIC", "mdm.automatic"),
	COUNT("MANUAL", "mdm.manual"),
	COUNT("PERSONAL", "mdm.personal"),
	COUNT("PENDING", "mdm.pending"),
	COUNT("OFF", "mdm.off"),
	COUNT("UNKNOWN", "mdm.unknown"),
};

static const struct column sync_columns[] = {
	TENANT,    DEVICES, COUNT("ONLINE", "online"), COUNT("MISSING", "missing"), COUNT("HELD", "held"),
	LAST_SYNC, RESULT,
};

static const struct {
	const char *title;
	struct view view;
} tables[] = {
	{ "Compliance", VIEW(compliance_columns) },
	{ "Disk encryption", VIEW(encryption_columns) },
	{ "Device management", VIEW(mdm_columns) },
	{ "Sync", VIEW(sync_columns) },
};

static const struct column csv_columns[] = {
	TENANT,
	DEVICES,
	COUNT("COMPLIANT", "compliance.compliant"),
	COUNT("NONCOMPLIANT", "compliance.noncompliant"),
	COUNT("NOT EVALUATED", "compliance.not_evaluated"),
	COUNT("COMPLIANCE UNKNOWN", "compliance.unknown"),
	COUNT("ENCRYPTION ON", "encryption.on"),
	COUNT("ENCRYPTION OFF", "encryption.off"),
	COUNT("ENCRYPTION ENFORCING", "encryption.enforcing"),
	COUNT("ENCRYPTION ACTION REQUIRED", "encryption.action_required"),
	COUNT("ENCRYPTION FAILED", "encryption.failed"),
	COUNT("ENCRYPTION REMOVING", "encryption.removing"),
	COUNT("ENCRYPTION UNKNOWN", "encryption.unknown"),
	COUNT("MDM AUTOMATIC", "mdm.automatic"),
	COUNT("MDM MANUAL", "mdm.manual"),
	COUNT("MDM PERSONAL", "mdm.personal"),
	COUNT("MDM PENDING", "mdm.pending"),
	COUNT("MDM OFF", "mdm.off"),
	COUNT("MDM UNKNOWN", "mdm.unknown"),
	COUNT("STALE", "stale"),
	COUNT("ONLINE", "online"),
	COUNT("MISSING", "missing"),
	COUNT("HELD", "held"),
	LAST_SYNC,
	RESULT,
};

struct summing {
	struct ctl *c;
	struct buf rows; /* one line a tenant: all four tables are made of them */
	size_t tenants;
};

static int keep_row(void *arg, struct slice row)
{
	struct summing *s = arg;
	s->c->bad |= slice_is(value_at(row, "sync.result"), "\"failed\"");
	s->tenants++;
	buf_add(&s->rows, row.p, row.n);
	buf_putc(&s->rows, '\n');
	return s->rows.failed;
}

static int print_view(struct output *o, struct view view, const struct buf *rows)
{
	const char *p = rows->data, *end = p + rows->len;
	int rc = output_begin(o, view);
	while (!rc && rows->len && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		rc = output_row(o, (struct slice){ p, (uint32_t)(stop - p) });
		p = stop + 1;
	}
	int ended = output_end(o);
	return rc ? rc : ended;
}

static int print_tables(struct summing *s)
{
	struct output *o = &s->c->output;
	int rc = OK;
	struct slice all = source_end(s->c, "all");
	if (all.p)
		keep_row(s, all);
	if (s->rows.failed)
		return s->rows.failed;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !rc; i++) {
		output_note(o, "%s%s", i ? "\n" : "", tables[i].title);
		rc = print_view(o, tables[i].view, &s->rows);
	}
	return rc;
}

int command_summary(struct ctl *c)
{
	struct summing s = { .c = c };
	buf_init(&s.rows, 64 << 20);
	struct query_request request = source_request(c, QUERY_SUMMARY);
	int rc = source_ask(c, &request, keep_row, &s);
	if (!rc && !s.tenants)
		output_note(
			&c->output,
			"the store holds no tenant yet: \"musterd --once\" syncs those of its configuration");
	else if (!rc && c->output.format == OUTPUT_TABLE)
		rc = print_tables(&s);
	else if (!rc)
		rc = print_view(&c->output, VIEW(csv_columns), &s.rows);
	buf_release(&s.rows);
	return ctl_failed(c, rc, "counting the devices");
}
