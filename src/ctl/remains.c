#include "ctl/command.h"

/* What did not make it into the devices, and what left them. */

static const struct column reject_columns[] = {
	{ "WHEN", "at", COLUMN_TIME, FIT_WHOLE },
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "REASON", "reason", COLUMN_TEXT, FIT_WRAP },
	{ "SAMPLE", "sample", COLUMN_TEXT, FIT_CUT },
};

static const struct column tombstone_columns[] = {
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "KIND", "kind", COLUMN_STATE, FIT_WHOLE },
	{ "WHEN", "at", COLUMN_TIME, FIT_WHOLE },
	{ "DEVICE", "record.identity.display_name|record.identity.computer_name|record.identity.hostname",
	  COLUMN_TEXT, FIT_CUT },
	{ "SERIAL", "record.identity.serial", COLUMN_TEXT, FIT_CUT },
	{ "OWNER", "record.owner.email", COLUMN_TEXT, FIT_CUT },
};

static int print(void *arg, struct slice row)
{
	return output_row(arg, row);
}

static int list(struct ctl *c, enum query_kind kind, struct view view, const char *none, const char *doing)
{
	struct query_request request = source_request(c, kind);
	int rc = output_begin(&c->output, view);
	if (!rc)
		rc = source_ask(c, &request, print, &c->output);
	int end = output_end(&c->output);
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "%s tenant \"%s\"", none, request.tenant);
	return ctl_failed(c, rc ? rc : end, doing);
}

int command_rejects(struct ctl *c)
{
	return list(c, QUERY_REJECTS, VIEW(reject_columns), "no host was rejected of", "reading the rejects");
}

int command_tombstones(struct ctl *c)
{
	return list(c, QUERY_TOMBSTONES, VIEW(tombstone_columns), "no device was deleted of",
		    "reading the tombstones");
}
