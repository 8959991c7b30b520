#include "conf/complaints.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1024, LINE_MAX_BYTES = 8192 };

int complaints_init(struct complaints *c)
{
	*c = (struct complaints){ .arena = arena_new((size_t)COMPLAINTS_MAX * TEXT_MAX) };
	return c->arena ? OK : E_NOMEM;
}

void complaints_release(struct complaints *c)
{
	arena_free(c->arena);
	c->arena = NULL;
}

void complain(struct complaints *c, struct place at, enum severity severity, const char *fmt, ...)
{
	if (severity == COMPLAINT_WARNING && c->warnings++ >= WARNINGS_MAX)
		return;
	if (severity == COMPLAINT_ERROR && c->errors++ >= ERRORS_MAX) {
		c->full = true;
		return;
	}
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	size_t bytes = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	struct slice copy = arena_copy(c->arena, text, bytes + 1);
	if (!copy.p) {
		c->no_memory = true;
		return;
	}
	if (!at.file)
		at.file = c->file;
	c->rows[c->count] = (struct complaint){ at, c->count, severity, c->subject, copy.p };
	c->count++;
}

static int by_place(const void *left, const void *right)
{
	const struct complaint *a = left, *b = right;
	if (a->at.file != b->at.file)
		return a->at.file < b->at.file ? -1 : 1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool repeated(const struct complaints *c, uint32_t i)
{
	const struct complaint *row = &c->rows[i];
	for (uint32_t k = i; k-- > 0;) {
		const struct complaint *before = &c->rows[k];
		if (before->at.file != row->at.file || before->at.line != row->at.line ||
		    before->at.column != row->at.column)
			return false;
		if (strcmp(before->text, row->text) == 0)
			return true;
	}
	return false;
}

static void say(struct buf *b, const struct complaints *c, const struct complaint *row,
		conf_complaint_fn *report, void *arg)
{
	buf_reset(b);
	if (c->given)
		buf_puts(b, row->subject ? row->subject : "settings");
	else
		buf_printf(b, "%s:%u:%u", c->files[row->at.file], row->at.line, row->at.column);
	buf_printf(b, ": %s: %s", row->severity == COMPLAINT_ERROR ? "error" : "warning", row->text);
	const char *line = buf_cstr(b);
	if (!b->failed)
		report(arg, line);
}

int complaints_report(struct complaints *c, conf_complaint_fn *report, void *arg)
{
	struct buf b;
	struct complaint last = { .at = { 1, 1, 0 } };
	buf_init(&b, LINE_MAX_BYTES);
	qsort(c->rows, c->count, sizeof(c->rows[0]), by_place);
	for (uint32_t i = 0; i < c->count && !b.failed; i++) {
		last.at = c->rows[i].at;
		if (!repeated(c, i))
			say(&b, c, &c->rows[i], report, arg);
	}
	if (c->warnings > WARNINGS_MAX && !b.failed) {
		last.severity = COMPLAINT_WARNING;
		last.text = "more than 50 warnings, the others are not shown; mend these first";
		say(&b, c, &last, report, arg);
	}
	if (c->full && !b.failed) {
		last.severity = COMPLAINT_ERROR;
		last.text = "more than 200 errors, the rest of the file was not read; mend these first";
		say(&b, c, &last, report, arg);
	}
	int rc = b.failed || c->no_memory ? E_NOMEM : OK;
	buf_release(&b);
	return rc;
}

struct quoted quote(struct slice text)
{
	enum { MOST = 60 };
	struct quoted q;
	size_t at = 0, n = text.n;
	if (n > MOST) {
		n = MOST;
		while (n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--; /* never half a character */
	}
	q.text[at++] = '"';
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		q.text[at++] = c < 0x20 || c == 0x7f || c == '"' ? '?' : (char)c;
	}
	if (n < text.n) {
		memcpy(q.text + at, "...", 3);
		at += 3;
	}
	q.text[at++] = '"';
	q.text[at] = '\0';
	return q;
}
