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

void jout_text_n(struct jout *o, const char *s, size_t n)
{
	if (!begin(o))
		return;
	buf_putc(o->b, '"');
	size_t done = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		bool separator = c == 0xe2 && is_line_separator(s + i, n - i);
		if (c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && !separator)
			continue;
		buf_add(o->b, s + done, i - done);
		if (separator) {
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
	char digits[24];
	snprintf(digits, sizeof(digits), "%lld", (long long)v);
	jout_raw(o, digits);
}

void jout_bool(struct jout *o, bool v)
{
	jout_raw(o, v ? "true" : "false");
}

void jout_null(struct jout *o)
{
	jout_raw(o, "null");
}

void jout_time(struct jout *o, int64_t unix_s, unsigned micros)
{
	char text[64], fraction[16] = "";
	struct tm tm;
	time_t t = (time_t)unix_s;
	gmtime_r(&t, &tm);
	if (micros) {
		int n = snprintf(fraction, sizeof(fraction), ".%06u", micros % 1000000);
		while (n > 2 && fraction[n - 1] == '0')
			fraction[--n] = '\0';
	}
	snprintf(text, sizeof(text), "\"%04d-%02d-%02dT%02d:%02d:%02d%sZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
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
