#include "serve/exposition.h"

#include "base/must.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What looking at a part may cost when it writes nothing. */
enum { PARTS_A_SLICE = 1000 };

static bool name_is_fine(const char *s, bool colon)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
		      *s == '_' || (colon && *s == ':')))
			return false;
	return true;
}

static void escaped(struct buf *b, const char *s, size_t n, bool quotes)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			buf_puts(b, "\\n");
		else if (s[i] == '\\')
			buf_puts(b, "\\\\");
		else if (s[i] == '"' && quotes)
			buf_puts(b, "\\\"");
		else
			buf_putc(b, s[i]);
	}
}

void exposition_family(struct buf *b, const char *name, enum exposition_type type, const char *help)
{
	static const char *const types[] = { "counter", "gauge", "histogram", "untyped" };
	must(name_is_fine(name, true));
	must((size_t)type < sizeof(types) / sizeof(*types));
	buf_puts(b, "# HELP ");
	buf_puts(b, name);
	buf_putc(b, ' ');
	escaped(b, help, strlen(help), false);
	buf_puts(b, "\n# TYPE ");
	buf_puts(b, name);
	buf_putc(b, ' ');
	buf_puts(b, types[type]);
	buf_putc(b, '\n');
}

static void label_value(struct buf *b, const char *value)
{
	size_t n = strlen(value);
	struct buf repaired;
	if (utf8_valid(value, n)) {
		escaped(b, value, n, true);
		return;
	}
	buf_init(&repaired, 3 * n + 1);
	utf8_repair(&repaired, value, n);
	if (repaired.failed)
		b->failed = repaired.failed;
	else
		escaped(b, repaired.data, repaired.len, true);
	buf_release(&repaired);
}

static void label(struct buf *b, const char *name, const char *value)
{
	must(name_is_fine(name, false));
	if (b->len && b->data[b->len - 1] != '{')
		buf_putc(b, ',');
	buf_puts(b, name);
	buf_puts(b, "=\"");
	label_value(b, value);
	buf_putc(b, '"');
}

static void series(struct buf *b, const char *name, const char *suffix, const struct exposition_label *labels,
		   size_t count, const char *le)
{
	must(name_is_fine(name, true));
	buf_puts(b, name);
	buf_puts(b, suffix);
	if (count || le) {
		buf_putc(b, '{');
		for (size_t i = 0; i < count; i++)
			label(b, labels[i].name, labels[i].value);
		if (le)
			label(b, "le", le);
		buf_putc(b, '}');
	}
	buf_putc(b, ' ');
}

enum { NUMBER_BYTES = 40 };

/* The shortest text that is read as the same number. */
static void number_text(double v, char out[NUMBER_BYTES])
{
	if (isnan(v) || isinf(v)) {
		snprintf(out, NUMBER_BYTES, "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, NUMBER_BYTES, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			break;
	}
	char *comma = strchr(out, ','); /* of a locale */
	if (comma)
		*comma = '.';
}

static void number(struct buf *b, double v)
{
	char text[NUMBER_BYTES];
	number_text(v, text);
	buf_puts(b, text);
	buf_putc(b, '\n');
}

static void whole_number(struct buf *b, uint64_t v)
{
	buf_printf(b, "%llu\n", (unsigned long long)v);
}

void exposition_sample(struct buf *b, const char *name, const struct exposition_label *labels, size_t count,
		       double value)
{
	series(b, name, "", labels, count, NULL);
	number(b, value);
}

void exposition_count(struct buf *b, const char *name, const struct exposition_label *labels, size_t count,
		      uint64_t value)
{
	series(b, name, "", labels, count, NULL);
	whole_number(b, value);
}

void exposition_histogram(struct buf *b, const char *name, const struct exposition_label *labels,
			  size_t count, const struct histogram *h)
{
	for (unsigned i = 0; i <= h->bound_count; i++) {
		char le[NUMBER_BYTES] = "+Inf";
		if (i < h->bound_count)
			number_text(h->bounds[i], le);
		series(b, name, "_bucket", labels, count, le);
		whole_number(b, histogram_cumulated(h, i));
	}
	series(b, name, "_sum", labels, count, NULL);
	number(b, h->sum);
	series(b, name, "_count", labels, count, NULL);
	whole_number(b, h->count);
}

static uint64_t next_part(const struct exposition *x, const struct exposition_row *row)
{
	if (row->next)
		return row->next(row, x->arg, x->part);
	return x->part ? 0 : 1;
}

static void write_part(struct exposition *x, const struct exposition_row *row, uint64_t part, struct buf *b)
{
	must(part > x->part);
	if (x->part == 0)
		exposition_family(b, row->name, row->type, row->help);
	row->write(row, x->arg, part, b);
	x->part = part;
}

bool exposition_slice(struct exposition *x, struct buf *b, size_t bytes)
{
	size_t begin = b->len;
	must(bytes > 0);
	for (unsigned parts = 0; x->at < x->count; parts++) {
		if (b->failed)
			return false;
		if (b->len - begin >= bytes || parts == PARTS_A_SLICE)
			return true;
		const struct exposition_row *row = &x->rows[x->at];
		uint64_t part = next_part(x, row);
		if (part) {
			write_part(x, row, part, b);
		} else {
			x->at++;
			x->part = 0;
		}
	}
	return false;
}
