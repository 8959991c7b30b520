#include "ctl/command.h"
#include "query/tenant_json.h"

static const struct column columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "DEVICES", "devices", COLUMN_COUNT, FIT_WHOLE },
	{ "VERSION", "server.version", COLUMN_TEXT, FIT_CUT },
	{ "ROLE", "server.role", COLUMN_TEXT, FIT_CUT },
	{ "TIER", "server.tier", COLUMN_TEXT, FIT_CUT },
	{ "LAST SYNC", "sync.ended", COLUMN_TIME, FIT_WHOLE },
	{ "RESULT", "sync.result", COLUMN_STATE, FIT_WHOLE },
	{ "WALK", "walk.state", COLUMN_STATE, FIT_CUT },
	{ "SEQ", "seq", COLUMN_COUNT, FIT_WHOLE },
};

static const struct column csv_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "URL", "server.url", COLUMN_TEXT, FIT_WHOLE },
	{ "DEVICES", "devices", COLUMN_COUNT, FIT_WHOLE },
	{ "MISSING", "missing", COLUMN_COUNT, FIT_WHOLE },
	{ "VERSION", "server.version", COLUMN_TEXT, FIT_WHOLE },
	{ "ROLE", "server.role", COLUMN_TEXT, FIT_WHOLE },
	{ "TIER", "server.tier", COLUMN_TEXT, FIT_WHOLE },
	{ "LAST SYNC", "sync.ended", COLUMN_TIME, FIT_WHOLE },
	{ "LAST OK", "sync.last_ok", COLUMN_TIME, FIT_WHOLE },
	{ "RESULT", "sync.result", COLUMN_STATE, FIT_WHOLE },
	{ "ERROR", "sync.error", COLUMN_STATE, FIT_WHOLE },
	{ "TEXT", "sync.text", COLUMN_TEXT, FIT_WHOLE },
	{ "WALK", "walk.state", COLUMN_STATE, FIT_WHOLE },
	{ "SEQ", "seq", COLUMN_COUNT, FIT_WHOLE },
};

struct listing {
	struct ctl *c;
	struct buf row, failures;
};

static int print(void *arg, const struct tenant_row *row)
{
	struct listing *l = arg;
	buf_reset(&l->row);
	tenant_json(&l->row, row);
	if (tenant_failed(row)) {
		l->c->bad = true;
		buf_printf(&l->failures, "%s: the last sync failed: %s\n", row->name,
			   *row->sync_text ? row->sync_text : err_meaning(row->sync_result));
	}
	return l->row.failed ? l->row.failed : output_row(&l->c->output, buf_slice(&l->row));
}

int command_tenants(struct ctl *c)
{
	struct listing l = { .c = c };
	buf_init(&l.row, 64 << 10);
	buf_init(&l.failures, 4 << 20);
	int rc = output_begin(&c->output, c->output.format == OUTPUT_CSV ? VIEW(csv_columns) : VIEW(columns));
	if (!rc)
		rc = source_tenants(c->store, NULL, print, &l, &c->err);
	int end = output_end(&c->output);
	if (!rc)
		rc = l.failures.failed;
	if (!rc && !end && !c->output.rows)
		output_note(
			&c->output,
			"the store holds no tenant yet: \"musterd --once\" syncs those of its configuration");
	/* below the table: a sentence is too long for a column */
	output_notes(&c->output, buf_cstr(&l.failures));
	buf_release(&l.row);
	buf_release(&l.failures);
	return ctl_failed(c, rc ? rc : end, "listing the tenants");
}
