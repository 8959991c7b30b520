/* A piece of text that somebody else owns: not NUL-terminated. p == NULL means
 * "no value" (absent or null), p != NULL with n == 0 means "". */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	uint32_t n;
};

#define SLICE_NONE ((struct slice){ 0 })
#define SLICE(lit) ((struct slice){ "" lit, sizeof(lit) - 1 })

static inline struct slice slice_of(const char *s)
{
	return s ? (struct slice){ s, (uint32_t)strlen(s) } : SLICE_NONE;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && !a.p == !b.p && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
	return a.p && strlen(s) == a.n && memcmp(a.p, s, a.n) == 0;
}
