/* A bump allocator with a ceiling: everything is freed at once. The owner is
 * whoever called arena_new(); a pointer from it is valid until arena_reset()
 * or arena_free(). An allocation that would pass the ceiling, or that the
 * system refuses, returns NULL and leaves the arena usable. */
#pragma once

#include "base/slice.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(size_t ceiling_bytes);
void arena_free(struct arena *a);
/* Forgets everything; keeps the first block for the next use. */
void arena_reset(struct arena *a);
/* Aligned to 16 bytes. */
void *arena_alloc(struct arena *a, size_t n);
/* Copies text, unaligned; p == NULL in the result when there was no room. */
struct slice arena_copy(struct arena *a, const void *p, size_t n);
/* Bytes handed out since the last reset, and bytes held from the system. */
size_t arena_used(const struct arena *a);
size_t arena_held(const struct arena *a);
/* True once an allocation failed because of the ceiling (not of the system). */
int arena_at_ceiling(const struct arena *a);
