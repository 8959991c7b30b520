/* Time. Modules that decide something take `now` as an argument; only the
 * edges of the program ask these functions. */
#pragma once

#include "base/slice.h"

#include <stdint.h>

/* Wall clock, seconds since 1970 UTC. */
int64_t clock_unix_s(void);
/* Monotonic milliseconds and nanoseconds, origin unspecified. */
int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);

/* RFC 3339 with Z or a numeric offset, 0 to 9 fractional digits (cut off).
 * Returns false when the text is not one; years 0000 to 9999. */
bool clock_parse_rfc3339(struct slice text, int64_t *unix_s);
/* "2026-11-22T20:40:00Z"; `out` needs 21 bytes; years outside 0..9999 clamp. */
enum { CLOCK_RFC3339_BYTES = 21 };
void clock_format_rfc3339(int64_t unix_s, char out[CLOCK_RFC3339_BYTES]);
/* An HTTP-date of any of the three forms of RFC 9110 5.6.7; false if not one. */
bool clock_parse_http_date(const char *text, int64_t *unix_s);
