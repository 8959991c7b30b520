#include "net/http_lookups.h"

#include "base/must.h"

#include <string.h>

bool http_lookups_free(struct http_lookups *l, int64_t now_ms)
{
	unsigned gone = 0;
	while (gone < l->left_over && l->gone_at_ms[gone] <= now_ms)
		gone++;
	l->left_over -= gone;
	memmove(l->gone_at_ms, l->gone_at_ms + gone, l->left_over * sizeof(l->gone_at_ms[0]));
	return l->running + l->left_over < HTTP_LOOKUPS_MAX;
}

void http_lookups_begin(struct http_lookups *l)
{
	must(l->running + l->left_over < HTTP_LOOKUPS_MAX);
	l->running++;
}

void http_lookups_end(struct http_lookups *l, bool given_up, int64_t now_ms)
{
	must(l->running > 0);
	l->running--;
	if (given_up)
		l->gone_at_ms[l->left_over++] = now_ms + HTTP_LOOKUP_LEFT_OVER_MS;
}

int64_t http_lookups_next_ms(const struct http_lookups *l)
{
	return l->left_over ? l->gone_at_ms[0] : -1;
}
