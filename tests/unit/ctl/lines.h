/* The width in columns of the widest line; the locale must be UTF-8. */
#pragma once

#include <stdlib.h>
#include <string.h>

static inline size_t widest_line(const char *text)
{
	size_t widest = 0;
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);
		size_t width = line ? mbstowcs(NULL, line, 0) : 0;
		free(line);
		widest = width > widest ? width : widest;
		text += n + (text[n] == '\n');
	}
	return widest;
}
