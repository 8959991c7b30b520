/* Tenants as the daemon has them. */
#include "ctl/command.h"
#include "ctl/report.h"
#include "query/value.h"

/* ---- list ---- */

static const struct column columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "STATE", "state", COLUMN_STATE, FIT_WHOLE },
	{ "DEVICES", "devices", COLUMN_COUNT, FIT_WHOLE },
	{ "LAST OK", "last_ok", COLUMN_TIME, FIT_WHOLE },
	{ "NEXT", "next_sync", COLUMN_TIME, FIT_WHOLE },
	{ "FROM", "source", COLUMN_STATE, FIT_WHOLE },
	{ "URL", "url", COLUMN_TEXT, FIT_CUT },
};
static const struct column csv_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "STATE", "state", COLUMN_STATE, FIT_WHOLE },
	{ "DEVICES", "devices", COLUMN_COUNT, FIT_WHOLE },
	{ "LAST OK", "last_ok", COLUMN_TIME, FIT_WHOLE },
	{ "NEXT SYNC", "next_sync", COLUMN_TIME, FIT_WHOLE },
	{ "SOURCE", "source", COLUMN_STATE, FIT_WHOLE },
	{ "URL", "url", COLUMN_TEXT, FIT_WHOLE },
	{ "ERROR", "error", COLUMN_TEXT, FIT_WHOLE },
};

struct listing {
	struct ctl *c;
	struct buf failures;
};

static int print_short(void *arg, struct slice row)
{
	struct listing *l = arg;
	struct slice error = value_at(row, "error");
	if (error.p) {
		value_text(&l->failures, value_at(row, "tenant"));
		buf_puts(&l->failures, ": the last sync failed: ");
		value_text(&l->failures, error);
		buf_putc(&l->failures, '\n');
	}
	return output_row(&l->c->output, row);
}

int command_tenant_list(struct ctl *c)
{
	struct listing l = { .c = c };
	buf_init(&l.failures, 4 << 20);
	int rc = output_begin(&c->output, c->output.format == OUTPUT_CSV ? VIEW(csv_columns) : VIEW(columns));
	if (!rc)
		rc = source_ask_daemon(c, NULL, print_short, &l);
	int end = output_end(&c->output);
	if (!rc)
		rc = l.failures.failed;
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "the daemon has no tenant yet: \"musterctl tenant add\" adds one");
	output_notes(&c->output, buf_cstr(&l.failures));
	buf_release(&l.failures);
	return ctl_failed(c, rc ? rc : end, "listing the tenants");
}

/* ---- show ---- */

/* "interval 1h, allow_private true" */
static void settings(struct buf *out, struct slice object)
{
	struct value_iter it;
	struct slice key, item;
	size_t begin = out->len;
	if (!value_open(&it, object) || !it.object)
		return;
	while (value_next(&it, &key, &item)) {
		buf_printf(out, "%s%.*s ", out->len > begin ? ", " : "", (int)key.n, key.p);
		if (!value_text(out, item))
			buf_add(out, item.p, item.n);
	}
}

static const struct report_row rows[] = {
	{ REPORT_SECTION, "Tenant", NULL, NULL, NULL },
	{ REPORT_STATE, "State", "state", "not known", NULL },
	{ REPORT_TEXT, "Address", "url", NULL, NULL },
	{ REPORT_TEXT, "Devices", "devices", NULL, NULL },
	{ REPORT_STATE, "Comes from", "source", NULL, NULL },
	{ REPORT_TEXT, "File", "from.file", NULL, NULL },
	{ REPORT_TEXT, "Line", "from.line", NULL, NULL },
	{ REPORT_TIME, "Added", "from.added", NULL, NULL },
	{ REPORT_OTHER, "Settings", "settings", NULL, settings },
	{ REPORT_SECTION, "Server", NULL, NULL, NULL },
	{ REPORT_TEXT, "Version", "server.version", "not known", NULL },
	{ REPORT_TEXT, "Role of the token", "server.role", NULL, NULL },
	{ REPORT_TEXT, "Tier", "server.tier", NULL, NULL },
	{ REPORT_TIME, "Certificate expires", "server.certificate_expires", NULL, NULL },
	{ REPORT_SECTION, "Sync", NULL, NULL, NULL },
	{ REPORT_STATE, "Last result", "sync.result", NULL, NULL },
	{ REPORT_TEXT, "Why", "sync.text", NULL, NULL },
	{ REPORT_TIME, "Ended", "sync.ended", "never", NULL },
	{ REPORT_TIME, "Last success", "sync.last_ok", "never", NULL },
	{ REPORT_TIME, "Next", "schedule.next_sync", "not planned", NULL },
	{ REPORT_TEXT, "Failures in a row", "schedule.failures", NULL, NULL },
	{ REPORT_STATE, "Breaker", "schedule.breaker", NULL, NULL },
	{ REPORT_SECTION, "Since the start", NULL, NULL, NULL },
	{ REPORT_TEXT, "Syncs, ok", "counts.syncs_ok", NULL, NULL },
	{ REPORT_TEXT, "Syncs, failed", "counts.syncs_failed", NULL, NULL },
	{ REPORT_TEXT, "Requests", "counts.requests", NULL, NULL },
	{ REPORT_TEXT, "Retries", "counts.retries", NULL, NULL },
	{ REPORT_BYTES, "Received", "counts.bytes", NULL, NULL },
};

static int print_report(void *arg, struct slice row)
{
	struct output *o = arg;
	struct buf name;
	if (o->format != OUTPUT_TABLE)
		return output_row(o, row);
	buf_init(&name, 1024);
	value_text(&name, value_at(row, "tenant"));
	int rc = name.failed;
	if (!rc)
		rc = report_print(o, buf_cstr(&name), rows, sizeof(rows) / sizeof(*rows), row);
	buf_release(&name);
	return rc;
}

int command_tenant_show(struct ctl *c)
{
	int rc = c->output.format == OUTPUT_CSV ? output_begin(&c->output, VIEW(csv_columns)) : OK;
	if (!rc)
		rc = source_ask_daemon(c, NULL, print_report, &c->output);
	int end = output_end(&c->output);
	return ctl_failed(c, rc ? rc : end, "showing the tenant");
}

/* ---- remove ---- */

static const struct column removed_columns[] = {
	{ "REMOVED", "removed", COLUMN_COUNT, FIT_WHOLE },
};

static int print_removed(void *arg, struct slice row)
{
	struct output *o = arg;
	struct slice n = value_at(row, "removed");
	if (o->format != OUTPUT_TABLE)
		return output_row(o, row);
	if (o->terminal && n.p) {
		fprintf(o->stream, "\r\033[Kremoved %.*s devices", (int)n.n, n.p);
		fflush(o->stream);
		o->rows++;
	}
	return output_status(o);
}

int command_tenant_remove(struct ctl *c)
{
	struct output *o = &c->output;
	int rc = o->format == OUTPUT_CSV ? output_begin(o, VIEW(removed_columns)) : OK;
	if (!rc)
		rc = source_ask_daemon(c, NULL, print_removed, o);
	if (o->format == OUTPUT_TABLE && o->rows)
		fputs("\r\033[K", o->stream);
	if (!rc && c->options.given & OPTION_KEEP_DEVICES)
		output_note(o, "tenant \"%s\" is removed; its devices stay in the store", ctl_word(c, 0));
	else if (!rc)
		output_note(o, "tenant \"%s\" is removed with %llu devices", ctl_word(c, 0),
			    (unsigned long long)source_end_count(c, "devices"));
	int end = output_end(o);
	return ctl_failed(c, rc ? rc : end, "removing the tenant");
}
