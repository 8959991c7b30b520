#include "sync/redact.h"

#include <string.h>

enum { PIECE_MIN = 8 };

static size_t same_start(const char *a, const char *b)
{
	size_t n = 0;
	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

void redact(char *text, const char *secret)
{
	while (secret && *text) {
		size_t n = same_start(text, secret);
		if (n >= PIECE_MIN)
			memset(text, '*', n);
		text += n >= PIECE_MIN ? n : 1;
	}
}
