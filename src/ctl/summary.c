#include "base/json.h"
#include "ctl/command.h"
#include "query/tenant_json.h"
#include "query/value.h"

enum { STATES_MAX = 8 };

/* The words of one enum, counted. */
struct count_group {
	const char *member, *path; /* in the summary; in the record */
	size_t states;
	const char *(*name)(size_t i);
};

static const char *compliance_name(size_t i)
{
	return compliance_state_name((enum compliance_state)i);
}

static const char *encryption_name(size_t i)
{
	return encryption_state_name((enum encryption_state)i);
}

static const char *enrollment_name(size_t i)
{
	return mdm_enrollment_name((enum mdm_enrollment)i);
}

static const struct count_group groups[] = {
	{ "compliance", "compliance.state", COMPLIANCE_NOT_EVALUATED + 1, compliance_name },
	{ "encryption", "disk.encryption.state", ENCRYPTION_REMOVING + 1, encryption_name },
	{ "mdm", "mdm.enrollment", MDM_OFF + 1, enrollment_name },
};
enum { GROUPS = sizeof(groups) / sizeof(*groups) };

struct tally {
	uint64_t devices, stale, online, missing, held;
	uint64_t states[GROUPS][STATES_MAX];
};

static int count(void *arg, struct slice record)
{
	struct tally *t = arg;
	struct value_members members;
	value_members(&members, record);
	t->devices++;
	t->stale += value_true(value_pick(&members, "stale"));
	t->online += value_true(value_pick(&members, "online"));
	for (size_t g = 0; g < GROUPS; g++) {
		struct slice v = value_pick(&members, groups[g].path);
		struct slice word = v.n >= 2 ? (struct slice){ v.p + 1, v.n - 2 } : SLICE_NONE;
		for (size_t i = 0; i < groups[g].states; i++)
			if (slice_is(word, groups[g].name(i)))
				t->states[g][i]++;
	}
	return OK;
}

static void add(struct tally *sum, const struct tally *t)
{
	sum->devices += t->devices;
	sum->stale += t->stale;
	sum->online += t->online;
	sum->missing += t->missing;
	sum->held += t->held;
	for (size_t g = 0; g < GROUPS; g++)
		for (size_t i = 0; i < STATES_MAX; i++)
			sum->states[g][i] += t->states[g][i];
}

static void write_number(struct buf *out, const char *key, uint64_t v)
{
	json_key(out, key, strlen(key));
	json_int(out, (int64_t)v);
}

/* `row` NULL: the totals. */
static void write_row(struct buf *out, const struct tally *t, const struct tenant_row *row)
{
	json_open(out, '{');
	json_k(out, "tenant");
	json_text(out, row ? slice_of(row->name) : SLICE("(all)"));
	write_number(out, "devices", t->devices);
	for (size_t g = 0; g < GROUPS; g++) {
		json_key(out, groups[g].member, strlen(groups[g].member));
		json_open(out, '{');
		for (size_t i = 0; i < groups[g].states; i++)
			write_number(out, groups[g].name(i), t->states[g][i]);
		json_close(out, '}');
	}
	write_number(out, "stale", t->stale);
	write_number(out, "online", t->online);
	write_number(out, "missing", t->missing);
	write_number(out, "held", t->held);
	if (row) {
		tenant_json_hold(out, row);
		tenant_json_sync(out, row);
	}
	json_close(out, '}');
	buf_putc(out, '\n');
}

#define COUNT(heading, path)                                                                                 \
	{                                                                                                    \
		heading, path, COLUMN_COUNT, FIT_WHOLE                                                       \
	}
#define TENANT                                                                                               \
	{                                                                                                    \
		"TENANT", "tenant", COLUMN_TEXT, FIT_CUT                                                     \
	}
#define DEVICES COUNT("DEVICES", "devices")
#define LAST_SYNC                                                                                            \
	{                                                                                                    \
		"LAST SYNC", "sync.ended", COLUMN_TIME, FIT_WHOLE                                            \
	}
#define RESULT                                                                                               \
	{                                                                                                    \
		"RESULT", "sync.result", COLUMN_STATE, FIT_WHOLE                                             \
	}

static const struct column compliance_columns[] = {
	TENANT,
	DEVICES,
	COUNT("COMPLIANT", "compliance.compliant"),
	COUNT("NONCOMPLIANT", "compliance.noncompliant"),
	COUNT("NOT EVALUATED", "compliance.not_evaluated"),
	COUNT("UNKNOWN", "compliance.unknown"),
	COUNT("STALE", "stale"),
};

static const struct column encryption_columns[] = {
	TENANT,
	COUNT("ON", "encryption.on"),
	COUNT("OFF", "encryption.off"),
	COUNT("ENFORCING", "encryption.enforcing"),
	COUNT("ACTION REQUIRED", "encryption.action_required"),
	COUNT("FAILED", "encryption.failed"),
	COUNT("REMOVING", "encryption.removing"),
	COUNT("UNKNOWN", "encryption.unknown"),
};

static const struct column mdm_columns[] = {
	TENANT,
	COUNT("AUTOMATIC", "mdm.automatic"),
	COUNT("MANUAL", "mdm.manual"),
	COUNT("PERSONAL", "mdm.personal"),
	COUNT("PENDING", "mdm.pending"),
	COUNT("OFF", "mdm.off"),
	COUNT("UNKNOWN", "mdm.unknown"),
};

static const struct column sync_columns[] = {
	TENANT,    DEVICES, COUNT("ONLINE", "online"), COUNT("MISSING", "missing"), COUNT("HELD", "held"),
	LAST_SYNC, RESULT,
};

static const struct {
	const char *title;
	struct view view;
} tables[] = {
	{ "Compliance", VIEW(compliance_columns) },
	{ "Disk encryption", VIEW(encryption_columns) },
	{ "Device management", VIEW(mdm_columns) },
	{ "Sync", VIEW(sync_columns) },
};

static const struct column csv_columns[] = {
	TENANT,
	DEVICES,
	COUNT("COMPLIANT", "compliance.compliant"),
	COUNT("NONCOMPLIANT", "compliance.noncompliant"),
	COUNT("NOT EVALUATED", "compliance.not_evaluated"),
	COUNT("COMPLIANCE UNKNOWN", "compliance.unknown"),
	COUNT("ENCRYPTION ON", "encryption.on"),
	COUNT("ENCRYPTION OFF", "encryption.off"),
	COUNT("ENCRYPTION ENFORCING", "encryption.enforcing"),
	COUNT("ENCRYPTION ACTION REQUIRED", "encryption.action_required"),
	COUNT("ENCRYPTION FAILED", "encryption.failed"),
	COUNT("ENCRYPTION REMOVING", "encryption.removing"),
	COUNT("ENCRYPTION UNKNOWN", "encryption.unknown"),
	COUNT("MDM AUTOMATIC", "mdm.automatic"),
	COUNT("MDM MANUAL", "mdm.manual"),
	COUNT("MDM PERSONAL", "mdm.personal"),
	COUNT("MDM PENDING", "mdm.pending"),
	COUNT("MDM OFF", "mdm.off"),
	COUNT("MDM UNKNOWN", "mdm.unknown"),
	COUNT("STALE", "stale"),
	COUNT("ONLINE", "online"),
	COUNT("MISSING", "missing"),
	COUNT("HELD", "held"),
	LAST_SYNC,
	RESULT,
};

struct summing {
	struct ctl *c;
	struct tally sum;
	struct buf rows; /* one line a tenant: all four tables are made of them */
	size_t tenants;
};

static int sum_tenant(void *arg, const struct tenant_row *row)
{
	struct summing *s = arg;
	struct device_filter any = { 0 };
	struct record_now now = ctl_record_now(s->c, row);
	struct tally t = { .missing = row->missing, .held = row->hold ? row->hold_count : 0 };
	int rc = source_devices(s->c->store, row, &any, &now, count, &t);
	if (rc)
		return rc;
	s->c->bad |= tenant_failed(row);
	add(&s->sum, &t);
	write_row(&s->rows, &t, row);
	s->tenants++;
	return s->rows.failed;
}

static int print_view(struct output *o, struct view view, const struct buf *rows)
{
	const char *p = rows->data, *end = p + rows->len;
	int rc = output_begin(o, view);
	while (!rc && rows->len && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		rc = output_row(o, (struct slice){ p, (uint32_t)(stop - p) });
		p = stop + 1;
	}
	int ended = output_end(o);
	return rc ? rc : ended;
}

static int print_tables(struct summing *s)
{
	struct output *o = &s->c->output;
	int rc = OK;
	if (s->tenants > 1)
		write_row(&s->rows, &s->sum, NULL);
	if (s->rows.failed)
		return s->rows.failed;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !rc; i++) {
		output_note(o, "%s%s", i ? "\n" : "", tables[i].title);
		rc = print_view(o, tables[i].view, &s->rows);
	}
	return rc;
}

int command_summary(struct ctl *c)
{
	struct summing s = { .c = c };
	buf_init(&s.rows, 64 << 20);
	int rc = source_tenants(c->store, ctl_word(c, 0), sum_tenant, &s, &c->err);
	if (!rc && !s.tenants)
		output_note(
			&c->output,
			"the store holds no tenant yet: \"musterd --once\" syncs those of its configuration");
	else if (!rc && c->output.format == OUTPUT_TABLE)
		rc = print_tables(&s);
	else if (!rc)
		rc = print_view(&c->output, VIEW(csv_columns), &s.rows);
	buf_release(&s.rows);
	return ctl_failed(c, rc, "counting the devices");
}
