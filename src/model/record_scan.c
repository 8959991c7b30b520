#include "model/record_scan.h"

#include "base/err.h"

enum { MAX_DEPTH = 16 };

/* Past the closing quote of the string that begins at p; NULL when it has none. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

static const char *skip_nested(const char *p, const char *end)
{
	int depth = 0;
	while (p < end) {
		char c = *p;
		if (c == '"') {
			p = skip_string(p, end);
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

/* Past the value that begins at p; NULL when there is none. */
static const char *skip_value(const char *p, const char *end)
{
	if (p == end)
		return NULL;
	if (*p == '"')
		return skip_string(p, end);
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
	const char *after_key = skip_string(p, end);
	if (!after_key || after_key == end || *after_key != ':')
		return E_CORRUPT;
	const char *from = after_key + 1, *to = skip_value(from, end);
	if (!to)
		return E_CORRUPT;
	*key = (struct slice){ p + 1, (uint32_t)(after_key - p - 2) };
	*value = (struct slice){ from, (uint32_t)(to - from) };
	w->p = to;
	return 1;
}

struct element_walk element_walk(struct slice array)
{
	return (struct element_walk){ array.p, array.p ? array.p + array.n : NULL, false };
}

int element_next(struct element_walk *w, struct slice *value)
{
	const char *p = w->p, *end = w->end;
	bool first = !w->begun;

	if (first && (p == end || *p++ != '['))
		return E_CORRUPT;
	w->begun = true;
	if (p == end)
		return E_CORRUPT;
	if (*p == ']')
		return p + 1 == end ? 0 : E_CORRUPT;
	if (!first && *p++ != ',')
		return E_CORRUPT;
	const char *to = skip_value(p, end);
	if (!to)
		return E_CORRUPT;
	*value = (struct slice){ p, (uint32_t)(to - p) };
	w->p = to;
	return 1;
}
