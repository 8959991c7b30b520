#include "ctl/command.h"
#include "query/value.h"

static const struct column columns[] = {
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "NAME", "identity.display_name|identity.computer_name|identity.hostname", COLUMN_TEXT, FIT_CUT },
	{ "SERIAL", "identity.serial", COLUMN_TEXT, FIT_CUT },
	{ "SYSTEM", "os.name|os.platform", COLUMN_TEXT, FIT_CUT },
	{ "VERSION", "os.version", COLUMN_TEXT, FIT_CUT },
	{ "OWNER", "owner.email", COLUMN_TEXT, FIT_CUT },
	{ "COMPLIANCE", "compliance.state", COLUMN_STATE, FIT_WHOLE },
	{ "ENCRYPTION", "disk.encryption.state", COLUMN_STATE, FIT_WHOLE },
	{ "MDM", "mdm.enrollment", COLUMN_STATE, FIT_WHOLE },
	{ "SEEN", "volatile.last_seen", COLUMN_TIME, FIT_WHOLE },
};

/* What a terminal of eighty columns has room for. */
static const struct column narrow_columns[] = {
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "NAME", "identity.display_name|identity.computer_name|identity.hostname", COLUMN_TEXT, FIT_CUT },
	{ "SYSTEM", "os.name|os.platform", COLUMN_TEXT, FIT_CUT },
	{ "OWNER", "owner.email", COLUMN_TEXT, FIT_CUT },
	{ "COMPLIANCE", "compliance.state", COLUMN_STATE, FIT_WHOLE },
	{ "ENCRYPTION", "disk.encryption.state", COLUMN_STATE, FIT_WHOLE },
	{ "SEEN", "volatile.last_seen", COLUMN_TIME, FIT_WHOLE },
};
enum { NARROW = 110 };

/* What a spreadsheet is given has room for more. */
static const struct column csv_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "NAME", "identity.display_name|identity.computer_name|identity.hostname", COLUMN_TEXT, FIT_CUT },
	{ "SERIAL", "identity.serial", COLUMN_TEXT, FIT_CUT },
	{ "UUID", "identity.uuid", COLUMN_TEXT, FIT_CUT },
	{ "FAMILY", "os.family", COLUMN_STATE, FIT_CUT },
	{ "SYSTEM", "os.name|os.platform", COLUMN_TEXT, FIT_CUT },
	{ "VERSION", "os.version", COLUMN_TEXT, FIT_CUT },
	{ "OWNER", "owner.email", COLUMN_TEXT, FIT_CUT },
	{ "OWNER SOURCE", "owner.source", COLUMN_TEXT, FIT_CUT },
	{ "OWNER AMBIGUOUS", "owner.ambiguous", COLUMN_YES, FIT_CUT },
	{ "COMPLIANCE", "compliance.state", COLUMN_STATE, FIT_WHOLE },
	{ "FAILING", "compliance.failing", COLUMN_COUNT, FIT_WHOLE },
	{ "CRITICAL FAILING", "compliance.critical_failing", COLUMN_COUNT, FIT_WHOLE },
	{ "REASONS", "compliance.reasons", COLUMN_TEXT, FIT_WHOLE },
	{ "ENCRYPTION", "disk.encryption.state", COLUMN_STATE, FIT_WHOLE },
	{ "ENCRYPTION EVIDENCE", "disk.encryption.evidence", COLUMN_TEXT, FIT_WHOLE },
	{ "MDM", "mdm.enrollment", COLUMN_STATE, FIT_WHOLE },
	{ "TEAM", "team.name", COLUMN_TEXT, FIT_WHOLE },
	{ "GROUPS", "access.groups", COLUMN_TEXT, FIT_WHOLE },
	{ "LAST SEEN", "volatile.last_seen", COLUMN_TIME, FIT_WHOLE },
	{ "STALE", "stale", COLUMN_YES, FIT_WHOLE },
	{ "ONLINE", "online", COLUMN_YES, FIT_WHOLE },
};

static struct view view_for(const struct output *o)
{
	if (o->format == OUTPUT_CSV)
		return VIEW(csv_columns);
	return o->terminal && o->width < NARROW ? VIEW(narrow_columns) : VIEW(columns);
}

static int print(void *arg, struct slice record)
{
	return output_row(arg, record);
}

static void summarise(struct ctl *c, bool filtered)
{
	const char *tenant = ctl_word(c, 0);
	unsigned long long shown = c->output.rows, all = source_end_count(c, "tenant.devices");
	if (!all && !value_true(source_end(c, "tenant.baseline")))
		output_note(&c->output, "tenant \"%s\" has no devices yet: its first sync has not completed",
			    tenant);
	else if (filtered)
		output_note(&c->output, "%s%llu of %llu devices", shown ? "\n" : "", shown, all);
	else if (!shown)
		output_note(&c->output, "tenant \"%s\" has no devices", tenant);
}

int command_devices(struct ctl *c)
{
	const struct ctl_options *o = &c->options;
	struct query_request request = source_request(c, QUERY_DEVICES);
	int rc = output_begin(&c->output, view_for(&c->output));
	if (!rc)
		rc = source_ask(c, &request, print, &c->output);
	int end = output_end(&c->output);
	if (!rc && !end)
		summarise(c, o->state || o->platform || o->owner || o->group);
	return ctl_failed(c, rc ? rc : end, "listing the devices");
}
