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

/* Digits from `at` on; false when there are none. */
static bool digits(struct slice text, uint32_t *at, uint64_t *out)
{
	uint32_t from = *at;
	uint64_t n = 0;
	for (; *at < text.n && isdigit((unsigned char)text.p[*at]); (*at)++)
		n = n > (UINT64_MAX - 9) / 10 ? UINT64_MAX : n * 10 + (uint64_t)(text.p[*at] - '0');
	*out = n;
	return *at > from;
}

static uint64_t times(uint64_t n, uint64_t factor)
{
	return __builtin_mul_overflow(n, factor, &n) ? UINT64_MAX : n;
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

/* One "NUMBERunit" more; the units `next` and after it may be used. */
static bool duration_part(struct slice text, uint32_t *at, int *next, uint64_t *total)
{
	uint64_t n;
	if (!digits(text, at, &n))
		return false;
	struct slice name = word(text, at);
	while (*next < DURATIONS && !slice_is(name, durations[*next].name))
		(*next)++;
	if (*next == DURATIONS)
		return false;
	n = times(n, durations[(*next)++].factor);
	*total = *total > UINT64_MAX - n ? UINT64_MAX : *total + n;
	return true;
}

int value_duration_s(struct slice text, uint64_t *out, struct err *e)
{
	uint64_t total = 0;
	uint32_t at = 0;
	int next = 0;
	if (all_digits(text))
		return err_set(e, E_CONFIG, "a duration needs a unit, write 90s, 5m, 24h or 7d");
	do {
		if (!duration_part(text, &at, &next, &total))
			return err_set(
				e, E_CONFIG,
				"write whole numbers with the units w, d, h, m, s, such as 7d or 1h30m");
	} while (at < text.n);
	*out = total;
	return OK;
}

int value_size(struct slice text, uint64_t *out, struct err *e)
{
	static const char *const unclear[] = { "K", "M",  "G",  "T",  "k",  "m", "g",
					       "t", "KB", "MB", "GB", "TB", "kB" };
	uint32_t at = 0;
	uint64_t n;
	if (digits(text, &at, &n)) {
		struct slice name = word(text, &at);
		bool whole = at == text.n;
		for (int k = 0; k < SIZES && whole; k++)
			if (slice_is(name, sizes[k].name) || (!name.n && sizes[k].factor == 1)) {
				*out = times(n, sizes[k].factor);
				return OK;
			}
		for (size_t k = 0; k < sizeof(unclear) / sizeof(unclear[0]) && whole; k++)
			if (slice_is(name, unclear[k]))
				return err_set(e, E_CONFIG, "%s may mean 1000s or 1024s, write %ciB",
					       unclear[k], toupper((unsigned char)unclear[k][0]));
	}
	return err_set(e, E_CONFIG,
		       "write bytes, or a whole number with KiB, MiB, GiB or TiB, such as 512MiB");
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
