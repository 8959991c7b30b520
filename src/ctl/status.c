#include "ctl/command.h"
#include "ctl/report.h"
#include "query/value.h"

/* "2 waiting, 1 syncing" */
static void tenant_states(struct buf *out, struct slice tenants)
{
	struct value_iter it;
	struct slice key, item;
	size_t begin = out->len;
	int64_t n;
	if (!value_open(&it, tenants))
		return;
	while (value_next(&it, &key, &item)) {
		if (slice_is(key, "total") || !value_int(item, &n) || !n)
			continue;
		buf_printf(out, "%s%lld ", out->len > begin ? ", " : "", (long long)n);
		for (uint32_t i = 0; i < key.n; i++)
			buf_putc(out, key.p[i] == '_' ? ' ' : key.p[i]);
	}
}

static void milliseconds(struct buf *out, struct slice value)
{
	buf_printf(out, "%.*s ms", (int)value.n, value.p);
}

static const struct report_row rows[] = {
	{ REPORT_SECTION, "Daemon", NULL, NULL, NULL },
	{ REPORT_STATE, "State", "daemon.state", "not known", NULL },
	{ REPORT_TEXT, "Version", "daemon.version", NULL, NULL },
	{ REPORT_TEXT, "Process", "daemon.pid", NULL, NULL },
	{ REPORT_TIME, "Started", "daemon.started", NULL, NULL },
	{ REPORT_SPAN, "Uptime", "daemon.uptime_s", NULL, NULL },
	{ REPORT_TEXT, "Configuration", "daemon.config", NULL, NULL },
	{ REPORT_TIME, "Loaded", "daemon.config_loaded", NULL, NULL },
	{ REPORT_YES, "Last reload refused", "daemon.config_refused", NULL, NULL },
	{ REPORT_TEXT, "Log level", "daemon.log_level", NULL, NULL },
	{ REPORT_SECTION, "Tenants", NULL, NULL, NULL },
	{ REPORT_TEXT, "All", "tenants.total", "none", NULL },
	{ REPORT_OTHER, "States", "tenants", NULL, tenant_states },
	{ REPORT_TEXT, "Devices", "devices", NULL, NULL },
	{ REPORT_SECTION, "Store", NULL, NULL, NULL },
	{ REPORT_TEXT, "Path", "store.path", NULL, NULL },
	{ REPORT_BYTES, "Used", "store.used_bytes", NULL, NULL },
	{ REPORT_BYTES, "Map", "store.map_bytes", NULL, NULL },
	{ REPORT_TEXT, "Readers", "store.readers", NULL, NULL },
	{ REPORT_SPAN, "Oldest reader", "store.oldest_reader_s", NULL, NULL },
	{ REPORT_TEXT, "Commits", "store.commits", NULL, NULL },
	{ REPORT_OTHER, "Commit, 99 of 100", "store.commit_p99_ms", NULL, milliseconds },
	{ REPORT_OTHER, "Commit, longest", "store.commit_max_ms", NULL, milliseconds },
	{ REPORT_SECTION, "Loop", NULL, NULL, NULL },
	{ REPORT_OTHER, "Lag, median", "loop.lag_p50_ms", NULL, milliseconds },
	{ REPORT_OTHER, "Lag, 99 of 100", "loop.lag_p99_ms", NULL, milliseconds },
	{ REPORT_OTHER, "Lag, longest", "loop.lag_max_ms", NULL, milliseconds },
	{ REPORT_SECTION, "Queues", NULL, NULL, NULL },
	{ REPORT_TEXT, "Jobs of the writer", "queues.writer_jobs", NULL, NULL },
	{ REPORT_TEXT, "Transfers", "queues.transfers", NULL, NULL },
	{ REPORT_TEXT, "Transfers waiting", "queues.transfers_waiting", NULL, NULL },
	{ REPORT_BYTES, "Not yet proven", "queues.unproven_bytes", NULL, NULL },
	{ REPORT_TEXT, "Connections", "queues.connections", NULL, NULL },
	{ REPORT_TEXT, "Long reads", "queues.reads|queues.work", NULL, NULL },
	{ REPORT_TEXT, "Commands", "queues.admin_calls", NULL, NULL },
};

static const struct column csv_columns[] = {
	{ "STATE", "daemon.state", COLUMN_STATE, FIT_WHOLE },
	{ "VERSION", "daemon.version", COLUMN_TEXT, FIT_WHOLE },
	{ "PID", "daemon.pid", COLUMN_COUNT, FIT_WHOLE },
	{ "STARTED", "daemon.started", COLUMN_TIME, FIT_WHOLE },
	{ "CONFIG", "daemon.config", COLUMN_TEXT, FIT_WHOLE },
	{ "TENANTS", "tenants.total", COLUMN_COUNT, FIT_WHOLE },
	{ "DEVICES", "devices", COLUMN_COUNT, FIT_WHOLE },
	{ "STORE USED BYTES", "store.used_bytes", COLUMN_COUNT, FIT_WHOLE },
	{ "LAG P99 MS", "loop.lag_p99_ms", COLUMN_COUNT, FIT_WHOLE },
};

static int print(void *arg, struct slice row)
{
	struct output *o = arg;
	if (o->format == OUTPUT_TABLE)
		return report_print(o, NULL, rows, sizeof(rows) / sizeof(*rows), row);
	return output_row(o, row);
}

int command_status(struct ctl *c)
{
	int rc = c->output.format == OUTPUT_CSV ? output_begin(&c->output, VIEW(csv_columns)) : OK;
	if (!rc)
		rc = source_ask_daemon(c, NULL, print, &c->output);
	int end = output_end(&c->output);
	return ctl_failed(c, rc ? rc : end, "reading the status");
}
