/* Which of many things is due first: a binary heap of pointers to entries that
 * live in their owners, so that one timer of the loop serves all tenants. Equal
 * times come in no particular order. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DUE_NEVER INT64_MAX

/* Zeroed before first use. */
struct due {
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not in it */
	void *owner;
};

struct due_heap {
	struct due **entries;
	size_t count, room;
};

void due_heap_init(struct due_heap *h);
/* Entries stay their owners'. */
void due_heap_release(struct due_heap *h);
/* Makes room for so many entries in all: OK or E_NOMEM, and nothing changed. */
int due_heap_reserve(struct due_heap *h, size_t entries);
/* Puts it in, moves it, or takes it out when it is due never. Room must have
 * been reserved, so this cannot fail. */
void due_heap_set(struct due_heap *h, struct due *d, int64_t at_ms);
/* The one that is due first, NULL: none. It stays in. */
struct due *due_heap_first(const struct due_heap *h);
