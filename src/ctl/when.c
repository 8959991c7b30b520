#include "ctl/when.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static void amount(int64_t s, char out[WHEN_BYTES])
{
	if (s < MINUTE)
		snprintf(out, WHEN_BYTES, "%lld s", (long long)s);
	else if (s < HOUR)
		snprintf(out, WHEN_BYTES, "%lld min", (long long)(s / MINUTE));
	else if (s < 2 * DAY)
		snprintf(out, WHEN_BYTES, "%lld h", (long long)(s / HOUR));
	else
		snprintf(out, WHEN_BYTES, "%lld d", (long long)(s / DAY));
}

void when_relative(int64_t unix_s, int64_t now, char out[WHEN_BYTES])
{
	char text[WHEN_BYTES], date[CLOCK_RFC3339_BYTES];
	int64_t away;
	if (!unix_s) {
		snprintf(out, WHEN_BYTES, "never");
		return;
	}
	if (__builtin_sub_overflow(now, unix_s, &away) || away > 100 * DAY || away < -100 * DAY) {
		clock_format_rfc3339(unix_s, date);
		snprintf(out, WHEN_BYTES, "%.10s", date);
		return;
	}
	amount(away < 0 ? -away : away, text);
	if (!away)
		snprintf(out, WHEN_BYTES, "now");
	else if (away > 0)
		snprintf(out, WHEN_BYTES, "%.40s ago", text);
	else
		snprintf(out, WHEN_BYTES, "in %.40s", text);
}

void when_both(int64_t unix_s, int64_t now, char out[WHEN_BYTES])
{
	char relative[WHEN_BYTES], date[CLOCK_RFC3339_BYTES];
	when_relative(unix_s, now, relative);
	clock_format_rfc3339(unix_s, date);
	if (!unix_s)
		snprintf(out, WHEN_BYTES, "never");
	else if (strncmp(date, relative, strlen(relative)) == 0)
		snprintf(out, WHEN_BYTES, "%s", date);
	else
		snprintf(out, WHEN_BYTES, "%s (%.40s)", date, relative);
}

void when_span(int64_t seconds, char out[WHEN_BYTES])
{
	int64_t s = seconds < 0 ? 0 : seconds;
	if (s < HOUR)
		amount(s, out);
	else if (s < DAY)
		snprintf(out, WHEN_BYTES, "%lld h %lld min", (long long)(s / HOUR),
			 (long long)(s % HOUR / MINUTE));
	else
		snprintf(out, WHEN_BYTES, "%lld d %lld h", (long long)(s / DAY), (long long)(s % DAY / HOUR));
}

bool when_parse_span(const char *text, int64_t *seconds)
{
	const int64_t most = 36500LL * DAY;
	int64_t v = 0, unit = 1;
	const char *p = text;
	for (; *p >= '0' && *p <= '9' && v <= most; p++)
		v = v * 10 + (*p - '0');
	if (p == text || v > most)
		return false;
	if (*p) {
		switch (*p++) {
		case 's':
			break;
		case 'm':
			unit = MINUTE;
			break;
		case 'h':
			unit = HOUR;
			break;
		case 'd':
			unit = DAY;
			break;
		case 'w':
			unit = 7 * DAY;
			break;
		default:
			return false;
		}
	}
	if (*p || v > most / unit)
		return false;
	*seconds = v * unit;
	return true;
}
