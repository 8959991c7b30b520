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

/* For tests: the n-th allocation of this thread from now on fails, and every
 * one after it when `sticky`; 0 switches it off. */
void mem_fail_at(unsigned long n, int sticky);
/* Allocations of this thread since the last mem_fail_at(). */
unsigned long mem_count(void);
