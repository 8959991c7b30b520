#include "ctl/command.h"
#include "query/value.h"

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
	struct buf failures;
};

static void note_failure(struct listing *l, struct slice row)
{
	l->c->bad = true;
	value_text(&l->failures, value_at(row, "tenant"));
	buf_puts(&l->failures, ": the last sync failed: ");
	value_text(&l->failures, value_at(row, "sync.text|sync.error"));
	buf_putc(&l->failures, '\n');
}

static int print(void *arg, struct slice row)
{
	struct listing *l = arg;
	if (slice_is(value_at(row, "sync.result"), "\"failed\""))
		note_failure(l, row);
	return output_row(&l->c->output, row);
}

int command_tenants(struct ctl *c)
{
	struct listing l = { .c = c };
	struct query_request request = source_request(c, QUERY_TENANTS);
	buf_init(&l.failures, 4 << 20);
	int rc = output_begin(&c->output, c->output.format == OUTPUT_CSV ? VIEW(csv_columns) : VIEW(columns));
	if (!rc)
		rc = source_ask(c, &request, print, &l);
	int end = output_end(&c->output);
	if (!rc)
		rc = l.failures.failed;
	if (!rc && !end && !c->output.rows)
		output_note(
			&c->output,
			"the store holds no tenant yet: \"musterd --once\" syncs those of its configuration");
	/* below the table: a sentence is too long for a column */
	output_notes(&c->output, buf_cstr(&l.failures));
	buf_release(&l.failures);
	return ctl_failed(c, rc ? rc : end, "listing the tenants");
}
