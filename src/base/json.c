#include "base/json.h"

static void separate(struct buf *b)
{
	char last = b->len ? b->data[b->len - 1] : '{';
	if (last != '{' && last != '[' && last != ':' && last != '\n')
		buf_putc(b, ',');
}

void json_open(struct buf *b, char brace)
{
	separate(b);
	buf_putc(b, brace);
}

void json_close(struct buf *b, char brace)
{
	buf_putc(b, brace);
}

void json_key(struct buf *b, const char *key, size_t n)
{
	separate(b);
	if (!buf_reserve(b, n + 3))
		return;
	char *p = b->data + b->len;
	*p++ = '"';
	memcpy(p, key, n);
	p[n] = '"';
	p[n + 1] = ':';
	b->len += n + 3;
}

static size_t plain_run(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

static void escape(struct buf *b, unsigned char c)
{
	static const char raw[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
	const char *at = c ? strchr(raw, c) : NULL;
	if (at) {
		char two[2] = { '\\', letter[at - raw] };
		buf_add(b, two, 2);
	} else {
		char six[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
		buf_add(b, six, 6);
	}
}

void json_text(struct buf *b, struct slice s)
{
	if (!s.p) {
		json_null(b);
		return;
	}
	separate(b);
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n;) {
		size_t run = plain_run(s.p + i, s.n - i);
		buf_add(b, s.p + i, run);
		i += run;
		if (i < s.n)
			escape(b, (unsigned char)s.p[i++]);
	}
	buf_putc(b, '"');
}

void json_int(struct buf *b, int64_t v)
{
	char text[24], *p = text + sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	separate(b);
	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10));
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

void json_bool(struct buf *b, bool v)
{
	separate(b);
	buf_puts(b, v ? "true" : "false");
}

void json_null(struct buf *b)
{
	separate(b);
	buf_puts(b, "null");
}
