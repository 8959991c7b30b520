#include "ctl/command.h"

static const struct column columns[] = {
	{ "FINDING", "finding", COLUMN_TEXT, FIT_WRAP },
};

static int print(void *arg, struct slice row)
{
	return output_row(arg, row);
}

int command_verify(struct ctl *c)
{
	struct query_request request = source_request(c, QUERY_VERIFY);
	int rc = output_begin(&c->output, VIEW(columns));
	if (!rc)
		rc = source_ask(c, &request, print, &c->output);
	int end = output_end(&c->output);
	unsigned long long findings = source_end_count(c, "findings");
	c->bad = findings > 0;
	if (findings)
		output_note(&c->output,
			    "\n%llu findings: restore a backup, or remove the store and sync again",
			    findings);
	else if (!rc)
		output_note(&c->output, "the store is sound: %llu tenants, %llu devices",
			    (unsigned long long)source_end_count(c, "tenants"),
			    (unsigned long long)source_end_count(c, "devices"));
	return ctl_failed(c, rc ? rc : end, "verifying the store");
}

static const struct column version_columns[] = {
	{ "PROGRAM", "program", COLUMN_TEXT, FIT_WHOLE },
	{ "VERSION", "version", COLUMN_TEXT, FIT_WHOLE },
	{ "STORE FORMAT", "store_format", COLUMN_COUNT, FIT_WHOLE },
};

int command_version(struct ctl *c)
{
	char row[128];
	if (c->output.format == OUTPUT_TABLE) {
		output_note(&c->output, "musterctl %s (store format %d)", MUSTER_VERSION, STORE_FORMAT);
		return OK;
	}
	snprintf(row, sizeof(row), "{\"program\":\"musterctl\",\"version\":\"%s\",\"store_format\":%d}",
		 MUSTER_VERSION, STORE_FORMAT);
	int rc = output_begin(&c->output, VIEW(version_columns));
	if (!rc)
		rc = output_row(&c->output, slice_of(row));
	int end = output_end(&c->output);
	return ctl_failed(c, rc ? rc : end, "printing the version");
}
