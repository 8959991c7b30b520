#include "ctl/output.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "query/value.h"
#include "ctl/when.h"

#include <errno.h>

enum { COLUMNS_MAX = 32, LINE_MAX_BYTES = 64 << 20 };

void output_init(struct output *o, FILE *stream)
{
	*o = (struct output){ .stream = stream };
	buf_init(&o->line, LINE_MAX_BYTES);
}

void output_release(struct output *o)
{
	table_free(o->table);
	buf_release(&o->line);
	o->table = NULL;
}

int output_status(struct output *o)
{
	if (ferror(o->stream) && !o->why)
		o->why = errno ? errno : EIO;
	return o->why ? E_IO : OK;
}

/* ---- cells ---- */

/* A string's text, or the value as it is written. */
static void plain(struct buf *out, struct slice value)
{
	if (!value_text(out, value))
		buf_add(out, value.p, value.n);
}

static void joined(struct buf *out, struct slice value)
{
	struct value_iter it;
	struct slice item;
	if (value.p[0] != '[' || !value_open(&it, value)) {
		plain(out, value);
		return;
	}
	for (size_t i = 0; value_next(&it, NULL, &item); i++) {
		if (i)
			buf_puts(out, ", ");
		plain(out, item);
	}
}

static void state(struct buf *out, struct slice value)
{
	size_t begin = out->len;
	plain(out, value);
	for (size_t i = begin; i < out->len; i++)
		if (out->data[i] == '_')
			out->data[i] = ' ';
}

static void moment(struct buf *out, struct slice value, int64_t now, enum output_format format)
{
	char text[WHEN_BYTES];
	int64_t t;
	if (value.p[0] == '"') {
		if (!clock_parse_rfc3339((struct slice){ value.p + 1, value.n - 2 }, &t))
			return;
	} else if (!value_int(value, &t)) {
		return;
	}
	if (!t)
		return;
	if (format == OUTPUT_TABLE)
		when_relative(t, now, text);
	else
		clock_format_rfc3339(t, text);
	buf_puts(out, text);
}

void output_cell(struct buf *out, const struct column *c, struct slice value, int64_t now,
		 enum output_format format)
{
	if (!value.p || !value.n)
		return;
	switch (c->kind) {
	case COLUMN_TIME:
		moment(out, value, now, format);
		break;
	case COLUMN_STATE:
		if (format == OUTPUT_TABLE)
			state(out, value);
		else
			plain(out, value);
		break;
	case COLUMN_YES:
		if (format == OUTPUT_TABLE)
			buf_puts(out, value_true(value) ? "yes" : "no");
		else
			plain(out, value);
		break;
	case COLUMN_COUNT:
		plain(out, value);
		break;
	case COLUMN_TEXT:
		joined(out, value);
		break;
	}
}

/* ---- rows ---- */

static int write_line(struct output *o)
{
	if (o->line.failed)
		return o->line.failed;
	fwrite(o->line.data, 1, o->line.len, o->stream);
	return output_status(o);
}

static int csv_headings(struct output *o)
{
	buf_reset(&o->line);
	for (size_t i = 0; i < o->view.count; i++) {
		if (i)
			buf_putc(&o->line, ',');
		for (const char *h = o->view.columns[i].heading; *h; h++)
			buf_putc(&o->line, *h == ' ' ? '_' : *h >= 'A' && *h <= 'Z' ? (char)(*h + 32) : *h);
	}
	buf_puts(&o->line, "\r\n");
	return write_line(o);
}

static int csv_row(struct output *o, struct slice row)
{
	struct value_members members;
	struct buf cell;
	buf_init(&cell, OUTPUT_CELL_MAX);
	buf_reset(&o->line);
	value_members(&members, row);
	for (size_t i = 0; i < o->view.count; i++) {
		const struct column *c = &o->view.columns[i];
		buf_reset(&cell);
		output_cell(&cell, c, value_pick(&members, c->paths), o->now, OUTPUT_CSV);
		if (cell.failed == E_NOMEM)
			o->line.failed = E_NOMEM;
		if (i)
			buf_putc(&o->line, ',');
		text_csv(&o->line, buf_slice(&cell), c->kind == COLUMN_TEXT || c->kind == COLUMN_STATE);
	}
	buf_puts(&o->line, "\r\n");
	buf_release(&cell);
	return write_line(o);
}

static int table_row(struct output *o, struct slice row)
{
	const char *cells[COLUMNS_MAX] = { 0 };
	size_t begins[COLUMNS_MAX];
	struct value_members members;
	struct buf cell;
	buf_init(&cell, OUTPUT_CELL_MAX);
	buf_reset(&o->line);
	value_members(&members, row);
	for (size_t i = 0; i < o->view.count; i++) {
		const struct column *c = &o->view.columns[i];
		buf_reset(&cell);
		output_cell(&cell, c, value_pick(&members, c->paths), o->now, OUTPUT_TABLE);
		if (cell.failed == E_NOMEM)
			o->line.failed = E_NOMEM;
		begins[i] = o->line.len;
		if (cell.len)
			text_visible(&o->line, buf_slice(&cell));
		else
			buf_putc(&o->line, '-');
		buf_putc(&o->line, '\0');
	}
	buf_release(&cell);
	if (o->line.failed)
		return o->line.failed;
	for (size_t i = 0; i < o->view.count; i++)
		cells[i] = o->line.data + begins[i];
	int rc = table_add(o->table, cells);
	return rc ? rc : output_status(o);
}

int output_begin(struct output *o, struct view view)
{
	o->view = view;
	if (o->view.count > COLUMNS_MAX)
		o->view.count = COLUMNS_MAX;
	o->rows = 0;
	if (o->format == OUTPUT_CSV)
		return csv_headings(o);
	if (o->format == OUTPUT_JSON)
		return OK;
	table_free(o->table);
	o->table = table_new(o, o->view);
	return o->table ? OK : E_NOMEM;
}

int output_row(struct output *o, struct slice row)
{
	o->rows++;
	if (o->format == OUTPUT_CSV)
		return csv_row(o, row);
	if (o->format == OUTPUT_TABLE)
		return table_row(o, row);
	buf_reset(&o->line);
	text_json(&o->line, row);
	buf_putc(&o->line, '\n');
	return write_line(o);
}

int output_flush(struct output *o)
{
	int rc = o->table ? table_flush(o->table) : OK;
	fflush(o->stream);
	int status = output_status(o);
	return rc ? rc : status;
}

int output_end(struct output *o)
{
	int rc = output_flush(o);
	table_free(o->table);
	o->table = NULL;
	return rc;
}

void output_note(struct output *o, const char *fmt, ...)
{
	struct buf text;
	char raw[512];
	va_list args;
	if (o->format != OUTPUT_TABLE)
		return;
	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	buf_init(&text, 4 * sizeof(raw));
	size_t above = strspn(raw, "\n"); /* empty lines that the sentence asks for */
	buf_add(&text, raw, above);
	text_visible(&text, slice_of(raw + above));
	fprintf(o->stream, "%s\n", buf_cstr(&text));
	if (text.failed && !o->why)
		o->why = ENOMEM;
	buf_release(&text);
}

void output_notes(struct output *o, const char *lines)
{
	if (*lines)
		output_note(o, "%s", "");
	while (*lines) {
		size_t n = strcspn(lines, "\n");
		output_note(o, "%.*s", (int)n, lines);
		lines += n + (lines[n] == '\n');
	}
}
