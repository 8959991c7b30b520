#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local unsigned long count, fail_at;
static _Thread_local int fail_sticky;

static int refused(void)
{
	count++;
	return fail_at && (count == fail_at || (fail_sticky && count > fail_at));
}

void mem_fail_at(unsigned long n, int sticky)
{
	count = 0;
	fail_at = n;
	fail_sticky = sticky;
}

unsigned long mem_count(void)
{
	return count;
}

void *mem_alloc(size_t n)
{
	return refused() ? NULL : malloc(n ? n : 1);
}

void *mem_zalloc(size_t n)
{
	return refused() ? NULL : calloc(1, n ? n : 1);
}

void *mem_realloc(void *p, size_t n)
{
	return refused() ? NULL : realloc(p, n ? n : 1);
}

char *mem_strndup(const char *s, size_t n)
{
	char *p = mem_alloc(n + 1);
	if (p) {
		memcpy(p, s, n);
		p[n] = '\0';
	}
	return p;
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

void mem_free(void *p)
{
	free(p);
}

void mem_wipe_free(void *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
	free(p);
}

void *mem_library_alloc(size_t n)
{
	return malloc(n ? n : 1);
}

void *mem_library_zalloc(size_t of, size_t n)
{
	return calloc(of ? of : 1, n ? n : 1);
}

/* Always to a new place: realloc() would leave the old one as it was. */
void *mem_library_realloc(void *p, size_t n)
{
	size_t had = malloc_usable_size(p);
	if (n && n <= had && n >= had / 2)
		return p;
	void *q = malloc(n ? n : 1);
	if (!q || !p)
		return q;
	memcpy(q, p, n < had ? n : had);
	explicit_bzero(p, had);
	free(p);
	return q;
}

char *mem_library_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = malloc(n);
	return p ? memcpy(p, s, n) : NULL;
}

void mem_library_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}
