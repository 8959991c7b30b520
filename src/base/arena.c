#include "base/arena.h"

#include "base/mem.h"

enum { FIRST_BLOCK = 64 * 1024, MAX_BLOCK = 1024 * 1024, ALIGN = 16 };

struct block {
	struct block *next;
	size_t size, used;
	size_t pad_;
	char data[];
};

struct arena {
	struct block *first, *current;
	size_t ceiling, used, held;
	int at_ceiling;
};

struct arena *arena_new(size_t ceiling_bytes)
{
	struct arena *a = mem_zalloc(sizeof(*a));
	if (a)
		a->ceiling = ceiling_bytes;
	return a;
}

static void free_from(struct arena *a, struct block *b)
{
	while (b) {
		struct block *next = b->next;
		a->held -= b->size;
		mem_free(b);
		b = next;
	}
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	free_from(a, a->first);
	mem_free(a);
}

void arena_reset(struct arena *a)
{
	if (a->first) {
		free_from(a, a->first->next);
		a->first->next = NULL;
		a->first->used = 0;
	}
	a->current = a->first;
	a->used = 0;
	a->at_ceiling = 0;
}

static struct block *grow(struct arena *a, size_t n)
{
	size_t size = a->current ? a->current->size * 2 : FIRST_BLOCK;
	if (size > MAX_BLOCK)
		size = MAX_BLOCK;
	if (size < n + ALIGN)
		size = n + ALIGN;
	struct block *b = mem_alloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	*b = (struct block){ .size = size };
	if (a->current)
		a->current->next = b;
	else
		a->first = b;
	a->current = b;
	a->held += size;
	return b;
}

static void *take(struct arena *a, size_t n, size_t align)
{
	if (n > a->ceiling || a->used > a->ceiling - n) {
		a->at_ceiling = 1;
		return NULL;
	}
	struct block *b = a->current;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;
	if (!b || at > b->size || n > b->size - at) {
		b = grow(a, n);
		if (!b)
			return NULL;
		at = 0;
	}
	b->used = at + n;
	a->used += n;
	return b->data + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return take(a, n, ALIGN);
}

struct slice arena_copy(struct arena *a, const void *p, size_t n)
{
	char *to = take(a, n, 1);
	if (!to)
		return SLICE_NONE;
	if (n)
		memcpy(to, p, n);
	return (struct slice){ to, (uint32_t)n };
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

size_t arena_held(const struct arena *a)
{
	return a->held;
}

int arena_at_ceiling(const struct arena *a)
{
	return a->at_ceiling;
}
