#include "ctl/command.h"
#include "ctl/report.h"
#include "query/value.h"

static void owner(struct buf *out, struct slice o)
{
	struct slice email = value_at(o, "email"), source = value_at(o, "source");
	if (!email.p)
		return;
	value_text(out, email);
	if (source.p) {
		buf_puts(out, " (");
		value_text(out, source);
		buf_puts(out, value_true(value_at(o, "ambiguous")) ? ", one of several)" : ")");
	}
}

static void candidates(struct buf *out, struct slice array)
{
	struct value_iter it;
	struct slice item;
	if (!value_open(&it, array))
		return;
	for (size_t i = 0; value_next(&it, NULL, &item); i++) {
		if (i)
			buf_puts(out, ", ");
		if (!value_text(out, item))
			owner(out, item);
	}
}

/* The failing policies by name; the reasons where results are not known one by one. */
static void failing(struct buf *out, struct slice compliance)
{
	struct value_iter it;
	struct slice item;
	size_t begin = out->len;
	if (value_open(&it, value_at(compliance, "policies"))) {
		while (value_next(&it, NULL, &item)) {
			struct slice name = value_at(item, "name|id");
			if (!slice_is(value_at(item, "result"), "\"fail\"") || !name.p)
				continue;
			if (out->len > begin)
				buf_puts(out, ", ");
			if (!value_text(out, name))
				buf_printf(out, "policy %.*s", (int)name.n, name.p);
			if (value_true(value_at(item, "critical")))
				buf_puts(out, " (critical)");
		}
	}
	if (out->len == begin)
		output_cell(out, &(struct column){ NULL, NULL, COLUMN_TEXT, FIT_WHOLE },
			    value_at(compliance, "reasons"), 0, OUTPUT_TABLE);
}

static const struct report_row rows[] = {
	{ REPORT_SECTION, "Identity", NULL, NULL, NULL },
	{ REPORT_TEXT, "Fleet host", "id", "not known", NULL },
	{ REPORT_TEXT, "Serial", "identity.serial", "not known", NULL },
	{ REPORT_TEXT, "Hardware uuid", "identity.uuid", "not known", NULL },
	{ REPORT_TEXT, "Hostname", "identity.hostname", NULL, NULL },
	{ REPORT_TEXT, "Computer name", "identity.computer_name", NULL, NULL },
	{ REPORT_TEXT, "Team", "team.name", NULL, NULL },
	{ REPORT_TIME, "Enrolled", "enrolled", NULL, NULL },
	{ REPORT_SECTION, "System", NULL, NULL, NULL },
	{ REPORT_TEXT, "Name", "os.name|os.platform", "not known", NULL },
	{ REPORT_TEXT, "Version", "os.version", NULL, NULL },
	{ REPORT_TEXT, "Build", "os.build", NULL, NULL },
	{ REPORT_TEXT, "Architecture", "os.arch", NULL, NULL },
	{ REPORT_TEXT, "Vendor", "hardware.vendor", NULL, NULL },
	{ REPORT_TEXT, "Model", "hardware.model", NULL, NULL },
	{ REPORT_TEXT, "Processor", "hardware.cpu", NULL, NULL },
	{ REPORT_BYTES, "Memory", "hardware.memory_bytes", NULL, NULL },
	{ REPORT_BYTES, "Disk", "disk.total_bytes", NULL, NULL },
	{ REPORT_BYTES, "Disk free", "volatile.disk_available_bytes", NULL, NULL },
	{ REPORT_SECTION, "Owner", NULL, NULL, NULL },
	{ REPORT_OTHER, "Owner", "owner", "none", owner },
	{ REPORT_OTHER, "Candidates", "owner.candidates", NULL, candidates },
	{ REPORT_SECTION, "Compliance", NULL, NULL, NULL },
	{ REPORT_STATE, "State", "compliance.state", "not known", NULL },
	{ REPORT_TEXT, "Failing", "compliance.failing", NULL, NULL },
	{ REPORT_TEXT, "Failing critical", "compliance.critical_failing", NULL, NULL },
	{ REPORT_OTHER, "Fails", "compliance", NULL, failing },
	{ REPORT_TEXT, "Unanswered", "compliance.unanswered", NULL, NULL },
	{ REPORT_TIME, "Evaluated", "volatile.evaluated_at", "not known", NULL },
	{ REPORT_YES, "Stale", "stale", NULL, NULL },
	{ REPORT_SECTION, "Disk encryption", NULL, NULL, NULL },
	{ REPORT_STATE, "State", "disk.encryption.state", "not known", NULL },
	{ REPORT_TEXT, "Method", "disk.encryption.method", NULL, NULL },
	{ REPORT_TEXT, "Evidence", "disk.encryption.evidence", NULL, NULL },
	{ REPORT_YES, "Key escrowed", "disk.encryption.key_escrowed", NULL, NULL },
	{ REPORT_SECTION, "Management", NULL, NULL, NULL },
	{ REPORT_STATE, "Enrolment", "mdm.enrollment", "not known", NULL },
	{ REPORT_TEXT, "Vendor", "mdm.vendor", NULL, NULL },
	{ REPORT_TEXT, "Server", "mdm.server_url", NULL, NULL },
	{ REPORT_YES, "By Fleet", "mdm.managed_by_fleet", NULL, NULL },
	{ REPORT_STATE, "Device status", "mdm.device_status", NULL, NULL },
	{ REPORT_STATE, "Pending action", "mdm.pending_action", NULL, NULL },
	{ REPORT_SECTION, "Access", NULL, NULL, NULL },
	{ REPORT_TEXT, "Users", "access.users", "none", NULL },
	{ REPORT_TEXT, "Groups", "access.groups", "none", NULL },
	{ REPORT_SECTION, "Agent", NULL, NULL, NULL },
	{ REPORT_TEXT, "osquery", "agent.osquery", NULL, NULL },
	{ REPORT_TEXT, "Orbit", "agent.orbit", NULL, NULL },
	{ REPORT_TEXT, "Fleet Desktop", "agent.desktop", NULL, NULL },
	{ REPORT_YES, "Online", "online", NULL, NULL },
	{ REPORT_TIME, "Last seen", "volatile.last_seen", "not known", NULL },
	{ REPORT_TIME, "Details", "volatile.detail_updated", NULL, NULL },
	{ REPORT_TIME, "Restarted", "volatile.restarted", NULL, NULL },
	{ REPORT_SPAN, "Uptime", "volatile.uptime_s", NULL, NULL },
	{ REPORT_TEXT, "Address", "volatile.primary_ip", NULL, NULL },
	{ REPORT_TEXT, "Hardware address", "volatile.primary_mac", NULL, NULL },
	{ REPORT_TEXT, "Public address", "volatile.public_ip", NULL, NULL },
	{ REPORT_TEXT, "Critical vulnerabilities", "vulnerabilities.critical", NULL, NULL },
};

static void plain(struct buf *out, struct slice value)
{
	output_cell(out, &(struct column){ NULL, NULL, COLUMN_TEXT, FIT_WHOLE }, value, 0, OUTPUT_TABLE);
}

static int print_report(struct output *o, struct slice record)
{
	struct buf title;
	buf_init(&title, OUTPUT_CELL_MAX);
	plain(&title, value_at(record, "identity.display_name|identity.computer_name|identity.hostname|id"));
	buf_puts(&title, " of tenant ");
	plain(&title, value_at(record, "tenant"));
	int rc = title.failed;
	if (!rc)
		rc = report_print(o, buf_cstr(&title), rows, sizeof(rows) / sizeof(*rows), record);
	buf_release(&title);
	return rc;
}

static int print(void *arg, struct slice record)
{
	struct output *o = arg;
	return o->format == OUTPUT_TABLE ? print_report(o, record) : output_row(o, record);
}

static const struct column csv_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "NAME", "identity.display_name|identity.computer_name|identity.hostname", COLUMN_TEXT, FIT_CUT },
	{ "SERIAL", "identity.serial", COLUMN_TEXT, FIT_CUT },
	{ "UUID", "identity.uuid", COLUMN_TEXT, FIT_CUT },
	{ "SYSTEM", "os.name|os.platform", COLUMN_TEXT, FIT_CUT },
	{ "VERSION", "os.version", COLUMN_TEXT, FIT_CUT },
	{ "OWNER", "owner.email", COLUMN_TEXT, FIT_CUT },
	{ "COMPLIANCE", "compliance.state", COLUMN_STATE, FIT_WHOLE },
	{ "REASONS", "compliance.reasons", COLUMN_TEXT, FIT_WHOLE },
	{ "ENCRYPTION", "disk.encryption.state", COLUMN_STATE, FIT_WHOLE },
	{ "MDM", "mdm.enrollment", COLUMN_STATE, FIT_WHOLE },
	{ "LAST SEEN", "volatile.last_seen", COLUMN_TIME, FIT_WHOLE },
};

int command_device(struct ctl *c)
{
	struct query_request request = source_request(c, QUERY_DEVICE);
	int rc = c->output.format == OUTPUT_CSV ? output_begin(&c->output, VIEW(csv_columns)) : OK;
	if (!rc)
		rc = source_ask(c, &request, print, &c->output);
	int end = c->output.format == OUTPUT_CSV ? output_end(&c->output) : OK;
	if (!rc && !end && !c->output.rows)
		rc = err_set(&c->err, E_NOT_FOUND,
			     "no device of tenant \"%s\" has the id, serial or uuid \"%s\": \"musterctl "
			     "devices %s\" lists them",
			     request.tenant, request.word, request.tenant);
	return ctl_failed(c, rc ? rc : end, "reading the device");
}
