#include "base/json.h"
#include "ctl/command.h"
#include "ctl/link.h"
#include "query/value.h"

static const struct column columns[] = {
	{ "SEQ", "seq", COLUMN_COUNT, FIT_WHOLE },      { "WHEN", "at", COLUMN_TIME, FIT_WHOLE },
	{ "KIND", "kind", COLUMN_STATE, FIT_WHOLE },    { "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "DEVICE", "hostname", COLUMN_TEXT, FIT_CUT }, { "SERIAL", "serial", COLUMN_TEXT, FIT_CUT },
	{ "WHAT", "what", COLUMN_TEXT, FIT_WRAP },
};

static const struct column csv_columns[] = {
	{ "SEQ", "seq", COLUMN_COUNT, FIT_WHOLE },        { "AT", "at", COLUMN_TIME, FIT_WHOLE },
	{ "KIND", "kind", COLUMN_STATE, FIT_WHOLE },      { "ID", "id", COLUMN_COUNT, FIT_WHOLE },
	{ "DEVICE", "hostname", COLUMN_TEXT, FIT_WHOLE }, { "SERIAL", "serial", COLUMN_TEXT, FIT_WHOLE },
	{ "FIELDS", "fields", COLUMN_TEXT, FIT_WHOLE },   { "WHAT", "what", COLUMN_TEXT, FIT_WHOLE },
};

struct feed {
	struct ctl *c;
	struct output *output;
	struct buf row, what;
};

static void separate(struct buf *what)
{
	if (what->len)
		buf_puts(what, ", ");
}

static void side(struct buf *what, struct slice value)
{
	if (!value.p || !value_text(what, value))
		buf_puts(what, "none");
}

/* "compliance.state: compliant -> noncompliant" for the members told with both sides. */
static void told(struct buf *what, struct slice from, struct slice to)
{
	struct value_iter it;
	struct slice key, before, after;
	struct value_iter other;
	if (!value_open(&it, from) || !it.object)
		return;
	while (value_next(&it, &key, &before)) {
		struct slice name, value = SLICE_NONE;
		if (value_open(&other, to) && other.object)
			while (value_next(&other, &name, &after))
				if (slice_eq(name, key))
					value = after;
		separate(what);
		buf_printf(what, "%.*s: ", (int)key.n, key.p);
		side(what, before);
		buf_puts(what, " -> ");
		side(what, value);
	}
}

/* The group of a member: what stands before the dot. The encryption of a disk
 * is told as "encryption.state", but lies in "disk". */
static struct slice group_of(struct slice name)
{
	const char *dot = memchr(name.p, '.', name.n);
	struct slice group = { name.p, dot ? (uint32_t)(dot - name.p) : name.n };
	return slice_is(group, "encryption") ? SLICE("disk") : group;
}

/* Whether the event tells both sides of a member of the same group; then a
 * person need not read that the numbers beside it changed too. */
static bool is_told(struct slice from, struct slice field)
{
	struct value_iter it;
	struct slice key, item;
	if (!value_open(&it, from) || !it.object || field.n < 2)
		return false;
	struct slice group = group_of((struct slice){ field.p + 1, field.n - 2 });
	while (value_next(&it, &key, &item))
		if (slice_eq(group_of(key), group))
			return true;
	return false;
}

/* The event in words, from its members. */
static void describe(struct buf *what, struct slice event)
{
	struct value_iter it;
	struct slice item, from = value_at(event, "from"), v;
	told(what, from, value_at(event, "to"));
	if (value_open(&it, value_at(event, "fields"))) {
		while (value_next(&it, NULL, &item)) {
			if (is_told(from, item))
				continue;
			separate(what);
			value_text(what, item);
		}
	}
	v = value_at(event, "replaces");
	if (v.p) {
		separate(what);
		buf_printf(what, "replaces device %.*s", (int)v.n, v.p);
	}
	v = value_at(event, "devices");
	if (v.p) {
		separate(what);
		buf_printf(what, "%.*s devices", (int)v.n, v.p);
	}
}

static int print_event(struct feed *f, struct slice event)
{
	if (f->output->format == OUTPUT_JSON || event.n < 2)
		return output_row(f->output, event);
	buf_reset(&f->row);
	buf_reset(&f->what);
	describe(&f->what, event);
	buf_add(&f->row, event.p, event.n - 1);
	json_k(&f->row, "what");
	json_text(&f->row, buf_slice(&f->what));
	json_close(&f->row, '}');
	if (f->row.failed || f->what.failed == E_NOMEM)
		return E_NOMEM;
	return output_row(f->output, buf_slice(&f->row));
}

static int print(void *arg, struct slice event)
{
	struct feed *f = arg;
	int rc = print_event(f, event);
	/* who follows sees what there is before the next is waited for */
	if (!rc && f->c->options.given & OPTION_FOLLOW && !link_pending(f->c->link))
		rc = output_flush(f->output);
	return rc;
}

int command_changes(struct ctl *c)
{
	struct feed f = { .c = c, .output = &c->output };
	struct query_request request = source_request(c, QUERY_CHANGES);
	buf_init(&f.row, 4 << 20);
	buf_init(&f.what, OUTPUT_CELL_MAX);
	c->output.endless = c->options.given & OPTION_FOLLOW;
	int rc = output_begin(&c->output, c->output.format == OUTPUT_CSV ? VIEW(csv_columns) : VIEW(columns));
	if (!rc)
		rc = source_ask(c, &request, print, &f);
	int end = output_end(&c->output);
	buf_release(&f.row);
	buf_release(&f.what);
	if (!rc && !end && !c->output.rows)
		output_note(&c->output, "no changes after %llu: tenant \"%s\" is at %llu",
			    (unsigned long long)request.since, request.tenant,
			    (unsigned long long)source_end_count(c, "tenant.seq"));
	return ctl_failed(c, rc ? rc : end, "reading the changes");
}
