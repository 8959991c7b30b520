#include "conf/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{ "w", 604800 }, { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }
};
static const struct unit sizes[] = {
	{ "TiB", 1ull << 40 }, { "GiB", 1ull << 30 }, { "MiB", 1ull << 20 }, { "KiB", 1ull << 10 }, { "B", 1 }
};
enum { DURATIONS = sizeof(durations) / sizeof(durations[0]), SIZES = sizeof(sizes) / sizeof(sizes[0]) };

int value_bool(struct slice text, bool *out, struct err *e)
{
	if (!slice_is(text, "true") && !slice_is(text, "false"))
		return err_set(e, E_CONFIG, "write true or false");
	*out = text.p[0] == 't';
	return OK;
}

/* Digits from `at` on; false when there are none or the number is too large. */
static bool digits(struct slice text, uint32_t *at, uint64_t *out)
{
	uint32_t from = *at;
	uint64_t n = 0;
	for (; *at < text.n && isdigit((unsigned char)text.p[*at]); (*at)++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text.p[*at] - '0'), &n))
			return false;
	*out = n;
	return *at > from;
}

static bool all_digits(struct slice text)
{
	for (uint32_t i = 0; i < text.n; i++)
		if (!isdigit((unsigned char)text.p[i]))
			return false;
	return text.n > 0;
}

/* The letters that follow the number. */
static struct slice word(struct slice text, uint32_t *at)
{
	uint32_t from = *at;
	while (*at < text.n && isalpha((unsigned char)text.p[*at]))
		(*at)++;
	return (struct slice){ text.p + from, *at - from };
}

int value_duration_s(struct slice text, uint64_t *out, struct err *e)
{
	uint64_t total = 0, n;
	int next = 0; /* the first unit that may still come */
	if (all_digits(text))
		return err_set(e, E_CONFIG, "a duration needs a unit, write 90s, 5m, 24h or 7d");
	for (uint32_t at = 0; at < text.n || !total;) {
		if (!digits(text, &at, &n))
			goto bad;
		struct slice name = word(text, &at);
		int k = next;
		while (k < DURATIONS && !slice_is(name, durations[k].name))
			k++;
		if (k == DURATIONS || __builtin_mul_overflow(n, durations[k].factor, &n) ||
		    __builtin_add_overflow(total, n, &total))
			goto bad;
		next = k + 1;
		if (at == text.n)
			break;
	}
	*out = total;
	return OK;
bad:
	return err_set(e, E_CONFIG, "write whole numbers with the units w, d, h, m, s, such as 7d or 1h30m");
}

int value_size(struct slice text, uint64_t *out, struct err *e)
{
	uint32_t at = 0;
	uint64_t n;
	if (digits(text, &at, &n)) {
		struct slice name = word(text, &at);
		if (at == text.n && name.n == 0) {
			*out = n;
			return OK;
		}
		for (int k = 0; k < SIZES && at == text.n; k++)
			if (slice_is(name, sizes[k].name) && !__builtin_mul_overflow(n, sizes[k].factor, out))
				return OK;
	}
	return err_set(e, E_CONFIG,
		       "write a number of bytes or a whole number with KiB, MiB, GiB or TiB, such as 512MiB");
}

int value_count(struct slice text, uint64_t *out, struct err *e)
{
	uint32_t at = 0;
	if (!all_digits(text) || !digits(text, &at, out))
		return err_set(e, E_CONFIG, "write a whole number");
	return OK;
}

static void in_units(uint64_t n, const struct unit *units, int count, char out[VALUE_TEXT])
{
	int k = 0;
	while (k < count - 1 && (n < units[k].factor || n % units[k].factor))
		k++;
	snprintf(out, VALUE_TEXT, "%" PRIu64 "%s", n / units[k].factor, units[k].name);
}

void value_duration_text(uint64_t seconds, char out[VALUE_TEXT])
{
	in_units(seconds, durations, DURATIONS, out);
}

void value_size_text(uint64_t bytes, char out[VALUE_TEXT])
{
	in_units(bytes, sizes, SIZES, out);
}
