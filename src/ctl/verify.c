#include "base/json.h"
#include "ctl/command.h"

static const struct column columns[] = {
	{ "FINDING", "finding", COLUMN_TEXT, FIT_WRAP },
};

struct findings {
	struct output *output;
	struct buf row;
	int rc; /* of the output */
	uint64_t count;
};

static void report(void *arg, const char *text)
{
	struct findings *f = arg;
	f->count++;
	if (f->rc)
		return;
	buf_reset(&f->row);
	json_open(&f->row, '{');
	json_k(&f->row, "finding");
	json_text(&f->row, slice_of(text));
	json_close(&f->row, '}');
	f->rc = f->row.failed ? f->row.failed : output_row(f->output, buf_slice(&f->row));
}

struct census {
	unsigned long long tenants, devices;
};

static int count(void *arg, const struct tenant_row *row)
{
	struct census *n = arg;
	n->tenants++;
	n->devices += row->devices;
	return OK;
}

int command_verify(struct ctl *c)
{
	struct findings f = { .output = &c->output };
	struct census n = { 0 };
	buf_init(&f.row, 64 << 10);
	int rc = output_begin(&c->output, VIEW(columns));
	if (!rc)
		rc = store_verify(c->store, report, &f);
	int end = output_end(&c->output);
	buf_release(&f.row);
	if (rc == E_CORRUPT && f.count) {
		c->bad = true;
		output_note(&c->output,
			    "\n%llu findings: restore a backup, or remove the store and sync again",
			    (unsigned long long)f.count);
		rc = OK;
	} else if (!rc) {
		rc = store_tenants(c->store, count, &n);
		output_note(&c->output, "the store is sound: %llu tenants, %llu devices", n.tenants,
			    n.devices);
	}
	return ctl_failed(c, rc ? rc : f.rc ? f.rc : end, "verifying the store");
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
