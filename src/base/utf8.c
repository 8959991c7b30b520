#include "base/utf8.h"

/* Length of the well-formed sequence at p (1 to 4); 0 when ill-formed, then
 * *bad is how many bytes one replacement stands for (the maximal subpart). */
static size_t sequence(const unsigned char *p, size_t n, size_t *bad)
{
	unsigned char c = p[0], low = 0x80, high = 0xbf;
	size_t need;
	*bad = 1;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		need = 2;
	else if (c >= 0xe0 && c <= 0xef)
		need = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		need = 4;
	else
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < need; i++) {
		if (i >= n || p[i] < low || p[i] > high) {
			*bad = i;
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	return need;
}

/* How many leading bytes are plain ASCII, eight at a time. */
static size_t ascii_run(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;
	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (w & 0x8080808080808080u)
			break;
	}
	while (i < n && (unsigned char)p[i] < 0x80)
		i++;
	return i;
}

bool utf8_valid(const char *p, size_t n)
{
	size_t i = 0, bad;
	while ((i += ascii_run(p + i, n - i)) < n) {
		size_t k = sequence((const unsigned char *)p + i, n - i, &bad);
		if (!k)
			return false;
		i += k;
	}
	return true;
}

size_t utf8_repair_into(char *out, const char *p, size_t n, size_t *replaced)
{
	size_t i = 0, o = 0, bad, count = 0;
	while (i < n) {
		size_t k = sequence((const unsigned char *)p + i, n - i, &bad);
		if (k) {
			memcpy(out + o, p + i, k);
			o += k;
			i += k;
		} else {
			memcpy(out + o, "\xef\xbf\xbd", 3);
			o += 3;
			i += bad;
			count++;
		}
	}
	*replaced = count;
	return o;
}

size_t utf8_repair(struct buf *out, const char *p, size_t n)
{
	size_t replaced = 0;
	if (buf_reserve(out, 3 * n))
		out->len += utf8_repair_into(out->data + out->len, p, n, &replaced);
	return replaced;
}

void utf8_blank_controls(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = ' ';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			p[0] = p[1] = ' ';
		else if (p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
					  (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
			p[0] = p[1] = p[2] = ' ';
	}
}
