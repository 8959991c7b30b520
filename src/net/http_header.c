#include "net/http_header.h"

#include "base/clock.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The value when `line` has this name: trimmed, NULL otherwise. */
static const char *value_of(const char *line, size_t n, const char *name, size_t *len)
{
	size_t k = strlen(name);
	if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
		return NULL;
	const char *p = line + k + 1, *end = line + n;
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	*len = (size_t)(end - p);
	return p;
}

static void keep(char *out, size_t cap, const char *v, size_t n)
{
	if (*out)
		return;
	if (n >= cap)
		n = cap - 1;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)v[i] < 0x20 || (unsigned char)v[i] > 0x7e ? '?' : v[i];
	out[n] = '\0';
}

static void keep_media_type(char *out, size_t cap, const char *v, size_t n)
{
	const char *parameters = memchr(v, ';', n);
	if (parameters)
		n = (size_t)(parameters - v);
	while (n && is_blank(v[n - 1]))
		n--;
	keep(out, cap, v, n);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

static bool is_word(const char *v, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(v, word, n) == 0;
}

void http_headers_take(struct http_headers *h, const char *line, size_t n)
{
	const char *v;
	size_t len;

	if ((v = value_of(line, n, "content-type", &len))) {
		keep_media_type(h->content_type, sizeof(h->content_type), v, len);
	} else if ((v = value_of(line, n, "location", &len))) {
		keep(h->location, sizeof(h->location), v, len);
	} else if ((v = value_of(line, n, "retry-after", &len))) {
		keep(h->retry_after, sizeof(h->retry_after), v, len);
	} else if ((v = value_of(line, n, "content-encoding", &len))) {
		if (len && !is_word(v, len, "identity"))
			keep(h->encoding, sizeof(h->encoding), v, len);
	} else if ((v = value_of(line, n, "transfer-encoding", &len))) {
		if (len && !is_word(v, len, "chunked") && !is_word(v, len, "identity"))
			keep(h->encoding, sizeof(h->encoding), v, len);
	} else if ((v = value_of(line, n, "date", &len))) {
		char text[64] = "";
		keep(text, sizeof(text), v, len);
		if (!h->date && !clock_parse_http_date(text, &h->date))
			h->date = 0;
	}
}

int64_t http_headers_retry_after_s(const struct http_headers *h, int64_t now_unix_s)
{
	const char *p = h->retry_after;
	int64_t at, s = 0;

	if (!*p)
		return -1;
	if (p[strspn(p, "0123456789")] == '\0') {
		for (; *p && s < INT64_MAX / 100; p++)
			s = s * 10 + (*p - '0');
		return s;
	}
	if (!clock_parse_http_date(p, &at))
		return -1;
	s = at - (h->date ? h->date : now_unix_s);
	return s > 0 ? s : 0;
}
