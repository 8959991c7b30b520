#include "ctl/report.h"

#include "base/clock.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/when.h"
#include "query/value.h"

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

static void value_of_line(struct buf *out, const struct report_row *l, struct slice value, int64_t now)
{
	char span[WHEN_BYTES];
	int64_t seconds;
	switch (l->kind) {
	case REPORT_SECTION:
		break;
	case REPORT_TEXT:
		as_cell(out, COLUMN_TEXT, value, now);
		break;
	case REPORT_STATE:
		as_cell(out, COLUMN_STATE, value, now);
		break;
	case REPORT_YES:
		as_cell(out, COLUMN_YES, value, now);
		break;
	case REPORT_TIME:
		when(out, value, now);
		break;
	case REPORT_OTHER:
		l->write(out, value);
		break;
	case REPORT_BYTES:
		bytes(out, value);
		break;
	case REPORT_SPAN:
		if (value_int(value, &seconds)) {
			when_span(seconds, span);
			buf_puts(out, span);
		}
		break;
	}
}

static int add_line(struct table *t, const struct report_row *l, struct slice record, int64_t now)
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
		rc = report_line(t, l->label, raw.len ? buf_cstr(&text) : l->absent, l->kind == REPORT_STATE);
	if (raw.failed == E_NOMEM || text.failed == E_NOMEM)
		rc = E_NOMEM;
	buf_release(&raw);
	buf_release(&text);
	return rc;
}

int report_print(struct output *o, const char *title, const struct report_row *rows, size_t count,
		 struct slice object)
{
	struct table *t = report_new(o);
	int rc = t ? OK : E_NOMEM;
	if (o->rows++)
		output_note(o, "%s", "");
	if (title)
		output_note(o, "%s", title);
	for (size_t i = 0; i < count && !rc; i++) {
		if (rows[i].kind == REPORT_SECTION)
			rc = report_section(t, rows[i].label);
		else
			rc = add_line(t, &rows[i], object, o->now);
	}
	if (!rc)
		rc = table_flush(t);
	table_free(t);
	return rc;
}
