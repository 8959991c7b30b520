#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_unix_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

int64_t clock_mono_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

static unsigned days_in_month(int64_t y, unsigned m)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return days[m - 1] + (m == 2 && leap);
}

static bool digits(const char **p, const char *end, int n, unsigned *out)
{
	unsigned v = 0;
	if (end - *p < n)
		return false;
	for (int i = 0; i < n; i++) {
		unsigned c = (unsigned char)(*p)[i] - '0';
		if (c > 9)
			return false;
		v = v * 10 + c;
	}
	*p += n;
	*out = v;
	return true;
}

static bool literal(const char **p, const char *end, char c)
{
	if (*p == end || (**p | 0x20) != (c | 0x20))
		return false;
	(*p)++;
	return true;
}

static bool parse_offset(const char **p, const char *end, int64_t *offset_s)
{
	unsigned h, m;
	if (literal(p, end, 'Z')) {
		*offset_s = 0;
		return true;
	}
	if (*p == end || (**p != '+' && **p != '-'))
		return false;
	int sign = *(*p)++ == '-' ? -1 : 1;
	if (!digits(p, end, 2, &h) || *p == end || *(*p)++ != ':' || !digits(p, end, 2, &m) || h > 23 ||
	    m > 59)
		return false;
	*offset_s = sign * (int64_t)(h * 3600 + m * 60);
	return true;
}

bool clock_parse_rfc3339(struct slice text, int64_t *unix_s)
{
	const char *p = text.p, *end = text.p + text.n;
	unsigned y, mo, d, h, mi, s, frac;
	int64_t offset;
	if (!p || !digits(&p, end, 4, &y) || p == end || *p++ != '-' || !digits(&p, end, 2, &mo) ||
	    p == end || *p++ != '-' || !digits(&p, end, 2, &d) || !literal(&p, end, 'T') ||
	    !digits(&p, end, 2, &h) || p == end || *p++ != ':' || !digits(&p, end, 2, &mi) || p == end ||
	    *p++ != ':' || !digits(&p, end, 2, &s))
		return false;
	if (p != end && *p == '.') {
		p++;
		int n = 0;
		while (n < 9 && digits(&p, end, 1, &frac))
			n++;
		if (n == 0)
			return false;
	}
	if (!parse_offset(&p, end, &offset) || p != end)
		return false;
	if (mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) || h > 23 || mi > 59 || s > 60)
		return false;
	*unix_s = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - offset;
	return true;
}

static char *put2(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
	return p + 2;
}

void clock_format_rfc3339(int64_t unix_s, char out[CLOCK_RFC3339_BYTES])
{
	const int64_t first = -62167219200, last = 253402300799; /* 0000-01-01 to 9999-12-31 */
	unix_s = unix_s < first ? first : unix_s > last ? last : unix_s;
	int64_t days = unix_s / 86400, rest = unix_s % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
	unsigned y = (unsigned)((int64_t)yoe + era * 400 + (m <= 2));
	char *p = put2(put2(out, y / 100), y % 100);
	*p++ = '-';
	p = put2(p, m);
	*p++ = '-';
	p = put2(p, d);
	*p++ = 'T';
	p = put2(p, (unsigned)(rest / 3600));
	*p++ = ':';
	p = put2(p, (unsigned)(rest / 60 % 60));
	*p++ = ':';
	p = put2(p, (unsigned)(rest % 60));
	*p++ = 'Z';
	*p = '\0';
}

static bool month_number(const char *name, unsigned *m)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (unsigned i = 0; i < 12; i++)
		if (memcmp(name, names + i * 3, 3) == 0) {
			*m = i + 1;
			return true;
		}
	return false;
}

bool clock_parse_http_date(const char *text, int64_t *unix_s)
{
	char month[4] = "", zone[4] = "";
	unsigned d, y, h, mi, s, mo;
	int used = 0;
	const char *p = strchr(text, ',');
	if (p &&
	    sscanf(p + 1, " %2u %3c %4u %2u:%2u:%2u %3s%n", &d, month, &y, &h, &mi, &s, zone, &used) == 7) {
		/* IMF-fixdate */
	} else if (p &&
		   sscanf(p + 1, " %2u-%3c-%2u %2u:%2u:%2u %3s", &d, month, &y, &h, &mi, &s, zone) == 7) {
		y += y < 70 ? 2000 : 1900;
	} else if (sscanf(text, "%*3s %3c %2u %2u:%2u:%2u %4u", month, &d, &h, &mi, &s, &y) == 6) {
		memcpy(zone, "GMT", 4);
	} else {
		return false;
	}
	if (strcmp(zone, "GMT") != 0 || !month_number(month, &mo) || d < 1 || d > days_in_month(y, mo) ||
	    h > 23 || mi > 59 || s > 60)
		return false;
	*unix_s = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s;
	return true;
}
