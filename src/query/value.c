#include "query/value.h"

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* `p` stands on the opening quote; the answer is behind the closing one. */
static const char *past_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

static const char *past_nested(const char *p, const char *end)
{
	size_t depth = 0;
	while (p < end) {
		if (*p == '"') {
			p = past_string(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
		if (!depth)
			break;
	}
	return p;
}

static const char *past_value(const char *p, const char *end)
{
	if (p < end && *p == '"')
		return past_string(p, end);
	if (p < end && (*p == '{' || *p == '['))
		return past_nested(p, end);
	while (p < end && !strchr(",]} \t\r\n", *p))
		p++;
	return p;
}

bool value_open(struct value_iter *it, struct slice value)
{
	if (!value.p || value.n < 2 || (value.p[0] != '{' && value.p[0] != '['))
		return false;
	*it = (struct value_iter){ value.p + 1, value.p + value.n, value.p[0] == '{' };
	return true;
}

bool value_next(struct value_iter *it, struct slice *key, struct slice *item)
{
	const char *p = skip_blank(it->p, it->end);
	struct slice name = SLICE_NONE;
	if (p < it->end && *p == ',')
		p = skip_blank(p + 1, it->end);
	if (it->object) {
		if (p >= it->end || *p != '"')
			return false;
		const char *behind = past_string(p, it->end);
		if (behind - p < 2)
			return false;
		name = (struct slice){ p + 1, (uint32_t)(behind - p - 2) };
		p = skip_blank(behind, it->end);
		if (p >= it->end || *p != ':')
			return false;
		p = skip_blank(p + 1, it->end);
	}
	const char *behind = past_value(p, it->end);
	if (behind == p)
		return false;
	if (key)
		*key = name;
	*item = (struct slice){ p, (uint32_t)(behind - p) };
	it->p = behind;
	return true;
}

static struct slice member(struct slice object, const char *name, size_t n)
{
	struct value_iter it;
	struct slice key, item;
	if (!value_open(&it, object) || !it.object)
		return SLICE_NONE;
	while (value_next(&it, &key, &item))
		if (key.n == n && memcmp(key.p, name, n) == 0)
			return item;
	return SLICE_NONE;
}

static struct slice at_path(struct slice value, const char *path, size_t n)
{
	while (value.p) {
		const char *dot = memchr(path, '.', n);
		size_t first = dot ? (size_t)(dot - path) : n;
		value = member(value, path, first);
		if (!dot)
			break;
		path += first + 1;
		n -= first + 1;
	}
	return value;
}

static struct slice pick_path(const struct value_members *m, const char *path, size_t n)
{
	const char *dot = memchr(path, '.', n);
	size_t first = dot ? (size_t)(dot - path) : n;
	for (size_t i = 0; i < m->count; i++)
		if (m->keys[i].n == first && memcmp(m->keys[i].p, path, first) == 0)
			return dot ? at_path(m->values[i], dot + 1, n - first - 1) : m->values[i];
	return m->count < VALUE_MEMBERS_MAX ? SLICE_NONE : at_path(m->object, path, n);
}

/* The first of the paths that leads to something; `m` NULL: not found out yet. */
static struct slice first_of(const struct value_members *m, struct slice object, const char *paths)
{
	for (;;) {
		size_t n = strcspn(paths, "|");
		struct slice v = m ? pick_path(m, paths, n) : at_path(object, paths, n);
		if (v.p && !slice_is(v, "null") && !slice_is(v, "\"\""))
			return v;
		if (!paths[n])
			return SLICE_NONE;
		paths += n + 1;
	}
}

struct slice value_at(struct slice object, const char *paths)
{
	return first_of(NULL, object, paths);
}

void value_members(struct value_members *m, struct slice object)
{
	struct value_iter it;
	m->object = object;
	m->count = 0;
	if (!value_open(&it, object) || !it.object)
		return;
	while (m->count < VALUE_MEMBERS_MAX && value_next(&it, &m->keys[m->count], &m->values[m->count]))
		m->count++;
}

struct slice value_pick(const struct value_members *m, const char *paths)
{
	return first_of(m, m->object, paths);
}

static bool hex4(const char *p, const char *end, uint32_t *out)
{
	uint32_t v = 0;
	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef";
		char c = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] + 32) : p[i];
		const char *at = c ? strchr(digits, c) : NULL;
		if (!at)
			return false;
		v = v << 4 | (uint32_t)(at - digits);
	}
	*out = v;
	return true;
}

static void put_utf8(struct buf *out, uint32_t c)
{
	char b[4];
	size_t n;
	if (c < 0x80) {
		b[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		b[0] = (char)(0xc0 | c >> 6);
		b[1] = (char)(0x80 | (c & 63));
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (char)(0xe0 | c >> 12);
		b[1] = (char)(0x80 | (c >> 6 & 63));
		b[2] = (char)(0x80 | (c & 63));
		n = 3;
	} else {
		b[0] = (char)(0xf0 | c >> 18);
		b[1] = (char)(0x80 | (c >> 12 & 63));
		b[2] = (char)(0x80 | (c >> 6 & 63));
		b[3] = (char)(0x80 | (c & 63));
		n = 4;
	}
	buf_add(out, b, n);
}

/* `p` stands behind "\u"; a half of a surrogate pair becomes U+FFFD. */
static const char *put_escape_u(struct buf *out, const char *p, const char *end)
{
	uint32_t c, low;
	if (!hex4(p, end, &c)) {
		put_utf8(out, 0xfffd);
		return p;
	}
	p += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
	    hex4(p + 2, end, &low) && low >= 0xdc00 && low < 0xe000) {
		put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
		return p + 6;
	}
	put_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return p;
}

bool value_text(struct buf *out, struct slice value)
{
	static const char letters[] = "bfnrt", raw[] = "\b\f\n\r\t";
	if (!value.p || value.n < 2 || value.p[0] != '"')
		return false;
	const char *p = value.p + 1, *end = value.p + value.n - 1;
	while (p < end) {
		const char *slash = memchr(p, '\\', (size_t)(end - p));
		buf_add(out, p, (size_t)((slash ? slash : end) - p));
		if (!slash || slash + 1 >= end)
			break;
		p = slash + 2;
		const char *at = strchr(letters, slash[1]);
		if (slash[1] == 'u')
			p = put_escape_u(out, p, end);
		else
			buf_putc(out, at && *at ? raw[at - letters] : slash[1]);
	}
	return true;
}

bool value_int(struct slice value, int64_t *out)
{
	uint64_t v = 0;
	bool negative = value.p && value.n && value.p[0] == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	if (!value.p || value.n == negative)
		return false;
	for (uint32_t i = negative; i < value.n; i++) {
		unsigned digit = (unsigned)(unsigned char)value.p[i] - '0';
		if (digit > 9 || v > (limit - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool value_true(struct slice value)
{
	return slice_is(value, "true");
}
