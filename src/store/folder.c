#include "store/folder.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

int folder_make(const char *path)
{
	char above[PATH_MAX];
	size_t n = strlen(path);
	if (!mkdir(path, 0700))
		return 0;
	if (errno != ENOENT || n >= sizeof(above))
		return -1;
	memcpy(above, path, n + 1);
	while (n && above[n - 1] == '/')
		above[--n] = '\0';
	for (char *at = above + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(above, 0700) && errno != EEXIST)
			return -1;
		*at = '/';
	}
	return mkdir(above, 0700);
}
