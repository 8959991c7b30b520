#include "jout.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void jout_init(struct jout *o, struct buf *b, bool pretty)
{
	*o = (struct jout){ .b = b, .pretty = pretty };
}

static void newline(struct jout *o)
{
	if (!o->pretty)
		return;
	buf_putc(o->b, '\n');
	for (unsigned i = 0; i < o->depth; i++)
		buf_add(o->b, "  ", 2);
}

/* What stands before a value; false when the value is to be swallowed. */
static bool begin(struct jout *o)
{
	if (o->mute) {
		if (o->mute_nest == 0)
			o->mute = false;
		return false;
	}
	if (o->after_key) {
		o->after_key = false;
		return true;
	}
	if (o->after_value)
		buf_putc(o->b, ',');
	if (o->depth)
		newline(o);
	return true;
}

void jout_open(struct jout *o, char brace)
{
	if (o->mute) {
		o->mute_nest++;
		return;
	}
	begin(o);
	buf_putc(o->b, brace);
	o->depth++;
	o->after_value = false;
}

void jout_close(struct jout *o, char brace)
{
	if (o->mute) {
		if (--o->mute_nest == 0)
			o->mute = false;
		return;
	}
	o->depth--;
	if (o->after_value)
		newline(o);
	buf_putc(o->b, brace == '{' ? '}' : ']');
	o->after_value = true;
}

void jout_key(struct jout *o, const char *key)
{
	if (o->mute)
		return;
	if (o->after_value)
		buf_putc(o->b, ',');
	newline(o);
	buf_putc(o->b, '"');
	buf_puts(o->b, key);
	if (o->pretty)
		buf_add(o->b, "\": ", 3);
	else
		buf_add(o->b, "\":", 2);
	o->after_value = false;
	const char *raw = o->hook && o->depth == o->hook_depth ? o->hook(o->hook_ctx, key) : NULL;
	if (raw) {
		buf_puts(o->b, raw);
		o->after_value = true;
		o->mute = true;
		o->mute_nest = 0;
		return;
	}
	o->after_key = true;
}

static bool is_line_separator(const char *s, size_t left)
{
	return left >= 3 && !memcmp(s, "\xe2\x80", 2) && (s[2] == '\xa8' || s[2] == '\xa9');
}

static void escape(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		buf_putc(b, '\\');
		buf_putc(b, (char)c);
		return;
	case '\n':
		buf_add(b, "\\n", 2);
		return;
	case '\r':
		buf_add(b, "\\r", 2);
		return;
	case '\t':
		buf_add(b, "\\t", 2);
		return;
	default:
		buf_printf(b, "\\u%04x", c);
	}
}

/* What cannot stand in a string as it is; 0xe2 only begins what may not. */
static const bool special[256] = {
	[0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, ['<'] = true,
	['>'] = true,        ['&'] = true, [0xe2] = true,
};

void jout_text_n(struct jout *o, const char *s, size_t n)
{
	if (!begin(o))
		return;
	buf_putc(o->b, '"');
	size_t done = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (!special[c] || (c == 0xe2 && !is_line_separator(s + i, n - i)))
			continue;
		buf_add(o->b, s + done, i - done);
		if (c == 0xe2) {
			buf_puts(o->b, s[i + 2] == '\xa8' ? "\\u2028" : "\\u2029");
			i += 2;
		} else {
			escape(o->b, c);
		}
		done = i + 1;
	}
	buf_add(o->b, s + done, n - done);
	buf_putc(o->b, '"');
	o->after_value = true;
}

void jout_text(struct jout *o, const char *s)
{
	if (s)
		jout_text_n(o, s, strlen(s));
	else
		jout_null(o);
}

void jout_raw(struct jout *o, const char *json)
{
	if (!begin(o))
		return;
	buf_puts(o->b, json);
	o->after_value = true;
}

void jout_int(struct jout *o, int64_t v)
{
	char digits[24], *p = digits + sizeof(digits) - 1;
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	*p = '\0';
	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		*--p = '-';
	jout_raw(o, p);
}

void jout_bool(struct jout *o, bool v)
{
	jout_raw(o, v ? "true" : "false");
}

void jout_null(struct jout *o)
{
	jout_raw(o, "null");
}

static void put_digits(char *to, int v, int n)
{
	for (; n--; v /= 10)
		to[n] = (char)('0' + v % 10);
}

/* By hand: a page has nine times a host. */
void jout_time(struct jout *o, int64_t unix_s, unsigned micros)
{
	char text[32] = "\"0000-00-00T00:00:00";
	struct tm tm;
	time_t t = (time_t)unix_s;
	gmtime_r(&t, &tm);
	put_digits(text + 1, tm.tm_year + 1900, 4);
	put_digits(text + 6, tm.tm_mon + 1, 2);
	put_digits(text + 9, tm.tm_mday, 2);
	put_digits(text + 12, tm.tm_hour, 2);
	put_digits(text + 15, tm.tm_min, 2);
	put_digits(text + 18, tm.tm_sec, 2);
	size_t n = 20;
	if (micros) {
		text[n] = '.';
		put_digits(text + n + 1, (int)(micros % 1000000), 6);
		for (n += 7; text[n - 1] == '0';)
			n--;
	}
	memcpy(text + n, "Z\"", 3);
	jout_raw(o, text);
}

void jout_hundredths(struct jout *o, int64_t v)
{
	char text[32];
	if (v % 100 == 0)
		snprintf(text, sizeof(text), "%lld", (long long)(v / 100));
	else if (v % 10 == 0)
		snprintf(text, sizeof(text), "%lld.%lld", (long long)(v / 100), (long long)(v % 100 / 10));
	else
		snprintf(text, sizeof(text), "%lld.%02lld", (long long)(v / 100), (long long)(v % 100));
	jout_raw(o, text);
}
