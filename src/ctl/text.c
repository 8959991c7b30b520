#include "ctl/text.h"

#include "base/utf8.h"

/* One character of well-formed UTF-8; returns its bytes. */
static size_t decode(const char *text, size_t n, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len > n)
		len = 1;
	uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 63);
	*out = c;
	return len;
}

static bool acts(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x061c, 0x061c }, { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
	};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* The first byte that is not plain ASCII, or n. */
static size_t plain_run(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && p[i] >= 0x20 && p[i] < 0x7f)
		i++;
	return i;
}

static void visible_valid(struct buf *out, const char *p, size_t n)
{
	while (n) {
		size_t len = plain_run(p, n);
		uint32_t c;
		if (len) {
			buf_add(out, p, len);
		} else {
			len = decode(p, n, &c);
			if (c == '\t' || c == '\n' || c == '\r')
				buf_putc(out, ' ');
			else if (acts(c))
				buf_puts(out, "\xef\xbf\xbd");
			else
				buf_add(out, p, len);
		}
		p += len;
		n -= len;
	}
}

void text_visible(struct buf *out, struct slice text)
{
	struct buf repaired;
	if (utf8_valid(text.p, text.n)) {
		visible_valid(out, text.p, text.n);
		return;
	}
	buf_init(&repaired, (size_t)text.n * 3 + 1);
	utf8_repair(&repaired, text.p, text.n);
	if (repaired.failed)
		out->failed = repaired.failed;
	else
		visible_valid(out, repaired.data, repaired.len);
	buf_release(&repaired);
}

void text_csv(struct buf *out, struct slice text, bool guard)
{
	size_t begin = out->len;
	if (guard && text.n && strchr("=+-@\t\r\n", text.p[0]))
		buf_putc(out, '\'');
	text_visible(out, text);
	if (out->failed)
		return;
	const char *field = out->data + begin;
	size_t n = out->len - begin, quotes = 0;
	bool blank = n && (field[0] == ' ' || field[n - 1] == ' ');
	for (size_t i = 0; i < n; i++)
		quotes += field[i] == '"';
	if (!quotes && !blank && !(n && memchr(field, ',', n)))
		return;
	if (!buf_reserve(out, quotes + 2))
		return;
	/* from the back, so that nothing is overwritten before it was moved */
	char *base = out->data + begin, *to = base + n + quotes + 2;
	*--to = '"';
	for (size_t i = n; i-- > 0;) {
		*--to = base[i];
		if (base[i] == '"')
			*--to = '"';
	}
	base[0] = '"';
	out->len += quotes + 2;
}

void text_json(struct buf *out, struct slice json)
{
	const char *p = json.p;
	size_t n = json.n;
	while (n) {
		size_t len = plain_run(p, n);
		uint32_t c;
		if (len) {
			buf_add(out, p, len);
		} else {
			len = decode(p, n, &c);
			if (acts(c) && c < 0x10000)
				buf_printf(out, "\\u%04x", (unsigned)c);
			else
				buf_add(out, p, len);
		}
		p += len;
		n -= len;
	}
}
