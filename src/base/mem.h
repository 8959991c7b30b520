/* Every allocation of Muster's own code goes through here, so that a test can
 * let the n-th one fail. All of them may return NULL; callers answer E_NOMEM. */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t n);
void *mem_zalloc(size_t n);
void *mem_realloc(void *p, size_t n);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
void mem_free(void *p);
/* Overwrites in a way the compiler keeps, then frees; NULL is fine. */
void mem_wipe_free(void *p, size_t n);

/* For a library that keeps secrets and can be given an allocator: what it frees
 * or moves is overwritten first. Not counted below, since what a library does
 * when one of its own fails is not ours to test. */
void *mem_library_alloc(size_t n);
void *mem_library_zalloc(size_t of, size_t n);
void *mem_library_realloc(void *p, size_t n);
char *mem_library_strdup(const char *s);
void mem_library_free(void *p);

/* For tests: the n-th allocation of this thread from now on fails, and every
 * one after it when `sticky`; 0 switches it off. */
void mem_fail_at(unsigned long n, int sticky);
/* Allocations of this thread since the last mem_fail_at(). */
unsigned long mem_count(void);
