#include "model/record_scan.h"

#include "base/err.h"

#include <endian.h>

enum { MAX_DEPTH = 16 };

/* How many of the eight bytes at p come before the first quote or backslash. */
static inline int plain_run(const char *p)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	v = le64toh(v);
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
	/* a borrow can mark bytes after a match, never before the first one */
	uint64_t found = (((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high;
	return found ? __builtin_ctzll(found) / 8 : 8;
}

const char *scan_string(const char *p, const char *end)
{
	p++;
	for (;;) {
		int n = 8;
		while (end - p >= 8 && (n = plain_run(p)) == 8)
			p += 8;
		if (n < 8)
			p += n;
		else
			while (p < end && *p != '"' && *p != '\\')
				p++;
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (end - p < 2)
			return NULL;
		p += 2;
	}
}

static const char *skip_nested(const char *p, const char *end)
{
	int depth = 0;
	while (p < end) {
		char c = *p;
		if (c == '"') {
			p = scan_string(p, end);
			if (!p)
				return NULL;
			continue;
		}
		if ((c == '{' || c == '[') && ++depth > MAX_DEPTH)
			return NULL;
		p++;
		if ((c == '}' || c == ']') && --depth == 0)
			return p;
	}
	return NULL;
}

const char *scan_value(const char *p, const char *end)
{
	if (p == end)
		return NULL;
	if (*p == '"')
		return scan_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_nested(p, end);
	const char *from = p;
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != '"' && *p != '{' && *p != '[')
		p++;
	return p > from ? p : NULL;
}

struct member_walk member_walk(struct slice object, bool open_end)
{
	return (struct member_walk){ object.p, object.p ? object.p + object.n : NULL, false, open_end };
}

int member_next(struct member_walk *w, struct slice *key, struct slice *value)
{
	const char *p = w->p, *end = w->end;
	bool first = !w->begun;

	if (first && (p == end || *p++ != '{'))
		return E_CORRUPT;
	w->begun = true;
	if (p == end)
		return w->open_end ? 0 : E_CORRUPT;
	if (*p == '}')
		return !w->open_end && p + 1 == end ? 0 : E_CORRUPT;
	if (!first && *p++ != ',')
		return E_CORRUPT;
	if (p == end || *p != '"')
		return E_CORRUPT;
	const char *after_key = scan_string(p, end);
	if (!after_key || after_key == end || *after_key != ':')
		return E_CORRUPT;
	const char *from = after_key + 1, *to = scan_value(from, end);
	if (!to)
		return E_CORRUPT;
	*key = (struct slice){ p + 1, (uint32_t)(after_key - p - 2) };
	*value = (struct slice){ from, (uint32_t)(to - from) };
	w->p = to;
	return 1;
}
