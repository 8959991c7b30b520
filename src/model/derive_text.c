#include "model/derive_rules.h"

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

struct slice text_trim(struct slice s)
{
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_space(*s.p)) {
		s.p++;
		s.n--;
	}
	return s.n ? s : SLICE_NONE;
}

int text_compare_folded(struct slice a, struct slice b)
{
	uint32_t n = a.n < b.n ? a.n : b.n;
	for (uint32_t i = 0; i < n; i++) {
		int d = fold(a.p[i]) - fold(b.p[i]);
		if (d)
			return d;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Only one character repeated, out of those that stand for nothing. */
static bool is_filler(struct slice s)
{
	char c = s.p[0];
	if (c != '0' && c != '.' && c != '-' && c != '_' && c != '?' && c != '*' && fold(c) != 'x')
		return false;
	for (uint32_t i = 1; i < s.n; i++)
		if (s.p[i] != c)
			return false;
	return true;
}

static bool is_placeholder(struct slice s)
{
	static const struct slice words[] = {
		SLICE("-1"),
		SLICE("none"),
		SLICE("null"),
		SLICE("(null)"),
		SLICE("nil"),
		SLICE("n/a"),
		SLICE("na"),
		SLICE("oem"),
		SLICE("o.e.m."),
		SLICE("unknown"),
		SLICE("undefined"),
		SLICE("invalid"),
		SLICE("empty"),
		SLICE("default"),
		SLICE("default string"),
		SLICE("not specified"),
		SLICE("not applicable"),
		SLICE("not available"),
		SLICE("not provided"),
		SLICE("no asset information"),
		SLICE("to be filled by o.e.m."),
		SLICE("to be filled by o.e.m"),
		SLICE("to be filled by oem"),
		SLICE("system serial number"),
		SLICE("system product name"),
		SLICE("system manufacturer"),
		SLICE("system version"),
		SLICE("chassis serial number"),
		SLICE("serial number"),
		SLICE("serialnumber"),
		SLICE("123456789"),
		SLICE("0123456789"),
		SLICE("1234567890"),
	};
	/* almost every text is real: most are told by their first letter */
	unsigned char first = fold(s.p[0]);
	if (s.n > 22 || !strchr("-(cdeinostu01", first))
		return is_filler(s);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].n == s.n && (unsigned char)words[i].p[0] == first &&
		    text_compare_folded(s, words[i]) == 0)
			return true;
	return is_filler(s);
}

struct slice text_real(struct slice s)
{
	s = text_trim(s);
	return s.p && is_placeholder(s) ? SLICE_NONE : s;
}

/* Every digit, separators apart, is 0, or every one is f. */
static bool is_all_zero_or_f(struct slice s)
{
	unsigned char digit = 0;
	for (uint32_t i = 0; i < s.n; i++) {
		unsigned char c = fold(s.p[i]);
		if (c == '-' || c == ':' || c == '.')
			continue;
		if (c != '0' && c != 'f')
			return false;
		if (digit && c != digit)
			return false;
		digit = c;
	}
	return true;
}

struct slice uuid_real(struct slice s)
{
	/* burnt into whole series of mainboards: no identity */
	static const struct slice shared = SLICE("03000200-0400-0500-0006-000700080009");
	s = text_real(s);
	if (!s.p || is_all_zero_or_f(s) || text_is_folded(s, shared))
		return SLICE_NONE;
	return s;
}

struct slice mac_real(struct slice s)
{
	s = text_real(s);
	return !s.p || is_all_zero_or_f(s) ? SLICE_NONE : s;
}

struct slice ip_real(struct slice s)
{
	s = text_real(s);
	return !s.p || slice_is(s, "0.0.0.0") || slice_is(s, "::") ? SLICE_NONE : s;
}
