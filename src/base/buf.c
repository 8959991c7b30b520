#include "base/buf.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>

void buf_init(struct buf *b, size_t ceiling_bytes)
{
	*b = (struct buf){ .ceiling = ceiling_bytes };
}

void buf_init_fixed(struct buf *b, void *memory, size_t n)
{
	*b = (struct buf){ .data = memory, .cap = n, .ceiling = n };
}

void buf_release(struct buf *b)
{
	mem_free(b->data);
	*b = (struct buf){ .ceiling = b->ceiling };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = 0;
}

int buf_reserve(struct buf *b, size_t n)
{
	if (b->failed)
		return 0;
	if (n <= b->cap - b->len)
		return 1;
	if (n > b->ceiling || b->len > b->ceiling - n) {
		b->failed = E_LIMIT;
		return 0;
	}
	size_t cap = b->cap ? b->cap : 256;
	while (cap < b->len + n)
		cap *= 2;
	if (cap > b->ceiling)
		cap = b->ceiling;
	char *p = mem_realloc(b->data, cap);
	if (!p) {
		b->failed = E_NOMEM;
		return 0;
	}
	b->data = p;
	b->cap = cap;
	return 1;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n && buf_reserve(b, n)) {
		memcpy(b->data + b->len, p, n);
		b->len += n;
	}
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->data[b->len++] = c;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		b->failed = E_INTERNAL;
	else if ((size_t)n < sizeof(small))
		buf_add(b, small, (size_t)n);
	else if (buf_reserve(b, (size_t)n + 1)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

const char *buf_cstr(struct buf *b)
{
	if (b->failed || !buf_reserve(b, 1))
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->data ? b->data : "", (uint32_t)b->len };
}
