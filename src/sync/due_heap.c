#include "sync/due_heap.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

void due_heap_init(struct due_heap *h)
{
	*h = (struct due_heap){ 0 };
}

void due_heap_release(struct due_heap *h)
{
	for (size_t i = 0; i < h->count; i++)
		h->entries[i]->place = 0;
	mem_free(h->entries);
	due_heap_init(h);
}

int due_heap_reserve(struct due_heap *h, size_t entries)
{
	if (entries <= h->room)
		return OK;
	size_t room = entries > 2 * h->room ? entries : 2 * h->room;
	if (room > SIZE_MAX / sizeof(struct due *))
		return E_NOMEM;
	struct due **moved = mem_realloc(h->entries, room * sizeof(struct due *));
	if (!moved)
		return E_NOMEM;
	h->entries = moved;
	h->room = room;
	return OK;
}

/* Places count from 1: the children of n are 2n and 2n + 1. */
static void put(struct due_heap *h, size_t place, struct due *d)
{
	h->entries[place - 1] = d;
	d->place = place;
}

static struct due *at(const struct due_heap *h, size_t place)
{
	return h->entries[place - 1];
}

static void rise(struct due_heap *h, struct due *d)
{
	size_t n = d->place;
	for (; n > 1 && at(h, n / 2)->at_ms > d->at_ms; n /= 2)
		put(h, n, at(h, n / 2));
	put(h, n, d);
}

static void sink(struct due_heap *h, struct due *d)
{
	size_t n = d->place;
	for (size_t child; (child = 2 * n) <= h->count; n = child) {
		if (child < h->count && at(h, child + 1)->at_ms < at(h, child)->at_ms)
			child++;
		if (at(h, child)->at_ms >= d->at_ms)
			break;
		put(h, n, at(h, child));
	}
	put(h, n, d);
}

static void take_out(struct due_heap *h, struct due *d)
{
	struct due *last = at(h, h->count);
	size_t place = d->place;
	h->count--;
	d->place = 0;
	if (last == d)
		return;
	put(h, place, last);
	rise(h, last);
	sink(h, last);
}

void due_heap_set(struct due_heap *h, struct due *d, int64_t at_ms)
{
	d->at_ms = at_ms;
	if (at_ms == DUE_NEVER) {
		if (d->place)
			take_out(h, d);
		return;
	}
	if (!d->place) {
		must(h->count < h->room);
		put(h, ++h->count, d);
	}
	must(at(h, d->place) == d);
	rise(h, d);
	sink(h, d);
}

struct due *due_heap_first(const struct due_heap *h)
{
	return h->count ? h->entries[0] : NULL;
}
