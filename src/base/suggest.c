#include "base/suggest.h"

#include <string.h>

enum { LONGEST = 40 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance; words longer than LONGEST never match. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t d[3][LONGEST + 1];
	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = d[i % 3], *above = d[(i - 1) % 3], *before = d[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return d[n % 3][m];
}

const char *suggest(const char *word, const char *const *known, size_t count)
{
	size_t limit = strlen(word) / 3 + 1, best = LONGEST;
	const char *found = NULL;
	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, known[i]);
		if (d <= limit && d < best && d < strlen(known[i])) {
			best = d;
			found = known[i];
		}
	}
	return found;
}
