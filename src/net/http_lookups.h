/* How many name lookups may run at once. Pure. Each lookup is a thread of the
 * resolver, and one that was given up lives on until its name server answers or
 * its own patience ends; without a ceiling a hanging name server would collect
 * threads with every retry. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	HTTP_LOOKUPS_MAX = 128,
	/* glibc's default: three servers, two attempts, five seconds each. */
	HTTP_LOOKUP_LEFT_OVER_MS = 30 * 1000,
};

struct http_lookups {
	unsigned running;
	unsigned left_over;
	int64_t gone_at_ms[HTTP_LOOKUPS_MAX]; /* ascending, of those left over */
};

bool http_lookups_free(struct http_lookups *l, int64_t now_ms);
void http_lookups_begin(struct http_lookups *l);
/* `given_up`: no answer came, the thread is left over. */
void http_lookups_end(struct http_lookups *l, bool given_up, int64_t now_ms);
/* When the next one that is left over can be counted as gone; -1: none is. */
int64_t http_lookups_next_ms(const struct http_lookups *l);
