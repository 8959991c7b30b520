#include "base/clock.h"
#include "ctl/command.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "query/value.h"
#include "ctl/when.h"

enum line_kind {
	LINE_SECTION,
	LINE_TEXT,
	LINE_STATE,
	LINE_YES,
	LINE_TIME,
	LINE_BYTES,
	LINE_SPAN,
	LINE_OWNER,
	LINE_CANDIDATES,
	LINE_POLICIES,
};

/* The report, line by line. A value that is not known is left out, unless that
 * itself is worth saying: then `absent` stands in its place. */
static const struct line {
	enum line_kind kind;
	const char *label, *paths, *absent;
} lines[] = {
	{ LINE_SECTION, "Identity", NULL, NULL },
	{ LINE_TEXT, "Fleet host", "id", "not known" },
	{ LINE_TEXT, "Serial", "identity.serial", "not known" },
	{ LINE_TEXT, "Hardware uuid", "identity.uuid", "not known" },
	{ LINE_TEXT, "Hostname", "identity.hostname", NULL },
	{ LINE_TEXT, "Computer name", "identity.computer_name", NULL },
	{ LINE_TEXT, "Team", "team.name", NULL },
	{ LINE_TIME, "Enrolled", "enrolled", NULL },
	{ LINE_SECTION, "System", NULL, NULL },
	{ LINE_TEXT, "Name", "os.name|os.platform", "not known" },
	{ LINE_TEXT, "Version", "os.version", NULL },
	{ LINE_TEXT, "Build", "os.build", NULL },
	{ LINE_TEXT, "Architecture", "os.arch", NULL },
	{ LINE_TEXT, "Vendor", "hardware.vendor", NULL },
	{ LINE_TEXT, "Model", "hardware.model", NULL },
	{ LINE_TEXT, "Processor", "hardware.cpu", NULL },
	{ LINE_BYTES, "Memory", "hardware.memory_bytes", NULL },
	{ LINE_BYTES, "Disk", "disk.total_bytes", NULL },
	{ LINE_BYTES, "Disk free", "volatile.disk_available_bytes", NULL },
	{ LINE_SECTION, "Owner", NULL, NULL },
	{ LINE_OWNER, "Owner", "owner", "none" },
	{ LINE_CANDIDATES, "Candidates", "owner.candidates", NULL },
	{ LINE_SECTION, "Compliance", NULL, NULL },
	{ LINE_STATE, "State", "compliance.state", "not known" },
	{ LINE_TEXT, "Failing", "compliance.failing", NULL },
	{ LINE_TEXT, "Failing critical", "compliance.critical_failing", NULL },
	{ LINE_POLICIES, "Fails", "compliance", NULL },
	{ LINE_TEXT, "Unanswered", "compliance.unanswered", NULL },
	{ LINE_TIME, "Evaluated", "volatile.evaluated_at", "not known" },
	{ LINE_YES, "Stale", "stale", NULL },
	{ LINE_SECTION, "Disk encryption", NULL, NULL },
	{ LINE_STATE, "State", "disk.encryption.state", "not known" },
	{ LINE_TEXT, "Method", "disk.encryption.method", NULL },
	{ LINE_TEXT, "Evidence", "disk.encryption.evidence", NULL },
	{ LINE_YES, "Key escrowed", "disk.encryption.key_escrowed", NULL },
	{ LINE_SECTION, "Management", NULL, NULL },
	{ LINE_STATE, "Enrolment", "mdm.enrollment", "not known" },
	{ LINE_TEXT, "Vendor", "mdm.vendor", NULL },
	{ LINE_TEXT, "Server", "mdm.server_url", NULL },
	{ LINE_YES, "By Fleet", "mdm.managed_by_fleet", NULL },
	{ LINE_STATE, "Device status", "mdm.device_status", NULL },
	{ LINE_STATE, "Pending action", "mdm.pending_action", NULL },
	{ LINE_SECTION, "Access", NULL, NULL },
	{ LINE_TEXT, "Users", "access.users", "none" },
	{ LINE_TEXT, "Groups", "access.groups", "none" },
	{ LINE_SECTION, "Agent", NULL, NULL },
	{ LINE_TEXT, "osquery", "agent.osquery", NULL },
	{ LINE_TEXT, "Orbit", "agent.orbit", NULL },
	{ LINE_TEXT, "Fleet Desktop", "agent.desktop", NULL },
	{ LINE_YES, "Online", "online", NULL },
	{ LINE_TIME, "Last seen", "volatile.last_seen", "not known" },
	{ LINE_TIME, "Details", "volatile.detail_updated", NULL },
	{ LINE_TIME, "Restarted", "volatile.restarted", NULL },
	{ LINE_SPAN, "Uptime", "volatile.uptime_s", NULL },
	{ LINE_TEXT, "Address", "volatile.primary_ip", NULL },
	{ LINE_TEXT, "Hardware address", "volatile.primary_mac", NULL },
	{ LINE_TEXT, "Public address", "volatile.public_ip", NULL },
	{ LINE_TEXT, "Critical vulnerabilities", "vulnerabilities.critical", NULL },
};

static void as_cell(struct buf *out, enum column_kind kind, struct slice value, int64_t now)
{
	struct column c = { NULL, NULL, kind, FIT_WHOLE };
	output_cell(out, &c, value, now, OUTPUT_TABLE);
}

static void when(struct buf *out, struct slice value, int64_t now)
{
	char words[WHEN_BYTES];
	int64_t t;
	if (value.n < 2 || !clock_parse_rfc3339((struct slice){ value.p + 1, value.n - 2 }, &t))
		return;
	when_both(t, now, words);
	buf_puts(out, words);
}

static void bytes(struct buf *out, struct slice value)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	int64_t n;
	size_t unit = 0;
	if (!value_int(value, &n) || n < 0)
		return;
	double v = (double)n;
	for (; v >= 1000 && unit < 6; unit++)
		v /= 1000;
	buf_printf(out, v < 10 && unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
}

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
		as_cell(out, COLUMN_TEXT, value_at(compliance, "reasons"), 0);
}

static void value_of_line(struct buf *out, const struct line *l, struct slice value, int64_t now)
{
	char span[WHEN_BYTES];
	int64_t seconds;
	switch (l->kind) {
	case LINE_SECTION:
		break;
	case LINE_TEXT:
		as_cell(out, COLUMN_TEXT, value, now);
		break;
	case LINE_STATE:
		as_cell(out, COLUMN_STATE, value, now);
		break;
	case LINE_YES:
		as_cell(out, COLUMN_YES, value, now);
		break;
	case LINE_TIME:
		when(out, value, now);
		break;
	case LINE_BYTES:
		bytes(out, value);
		break;
	case LINE_SPAN:
		if (value_int(value, &seconds)) {
			when_span(seconds, span);
			buf_puts(out, span);
		}
		break;
	case LINE_OWNER:
		owner(out, value);
		break;
	case LINE_CANDIDATES:
		candidates(out, value);
		break;
	case LINE_POLICIES:
		failing(out, value);
		break;
	}
}

static int add_line(struct table *t, const struct line *l, struct slice record, int64_t now)
{
	struct slice value = value_at(record, l->paths);
	struct buf raw, text;
	int rc = OK;
	buf_init(&raw, OUTPUT_CELL_MAX);
	buf_init(&text, 4 * OUTPUT_CELL_MAX);
	if (value.p)
		value_of_line(&raw, l, value, now);
	if (raw.len)
		text_visible(&text, buf_slice(&raw));
	if (raw.len || l->absent)
		rc = report_line(t, l->label, raw.len ? buf_cstr(&text) : l->absent, l->kind == LINE_STATE);
	if (raw.failed == E_NOMEM || text.failed == E_NOMEM)
		rc = E_NOMEM;
	buf_release(&raw);
	buf_release(&text);
	return rc;
}

static int print_report(struct output *o, struct slice record)
{
	struct column title = { NULL, NULL, COLUMN_TEXT, FIT_WHOLE };
	struct table *t = report_new(o);
	struct buf name;
	int rc;
	buf_init(&name, OUTPUT_CELL_MAX);
	output_cell(&name, &title,
		    value_at(record, "identity.display_name|identity.computer_name|identity.hostname|id"),
		    o->now, OUTPUT_TABLE);
	buf_puts(&name, " of tenant ");
	output_cell(&name, &title, value_at(record, "tenant"), o->now, OUTPUT_TABLE);
	if (o->rows++)
		output_note(o, "%s", "");
	output_note(o, "%s", buf_cstr(&name));
	rc = t ? name.failed : E_NOMEM;
	buf_release(&name);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines) && !rc; i++) {
		if (lines[i].kind == LINE_SECTION)
			rc = report_section(t, lines[i].label);
		else
			rc = add_line(t, &lines[i], record, o->now);
	}
	if (!rc)
		rc = table_flush(t);
	table_free(t);
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
