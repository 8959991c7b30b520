/* Times as people read them. `now` is an argument; 0 seconds stands for never. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { WHEN_BYTES = 64 };

/* "never", "now", "40 s ago", "12 min ago", "3 h ago", "5 d ago", "in 3 h"; the
 * date from a hundred days on. Cut off, not rounded: 119 minutes are "1 h ago". */
void when_relative(int64_t unix_s, int64_t now, char out[WHEN_BYTES]);
/* "2026-11-22T20:40:00Z (3 h ago)"; what is far away stands there alone. */
void when_both(int64_t unix_s, int64_t now, char out[WHEN_BYTES]);
/* "45 s", "3 min", "7 h 12 min", "12 d 4 h" */
void when_span(int64_t seconds, char out[WHEN_BYTES]);
/* "90s", "15m", "12h", "7d", "2w" or plain seconds; false when it is none of
 * them, or above a hundred years. */
bool when_parse_span(const char *text, int64_t *seconds);
