#include "fleet/yajl_memory.h"

#include "base/mem.h"

static void *chunk_realloc(void *ctx, void *old, size_t n)
{
	struct yajl_memory *m = ctx;
	struct yajl_chunk *c = old ? (struct yajl_chunk *)old - 1 : NULL;
	size_t had = c ? c->n : 0;
	if (n > m->ceiling || m->bytes - had > m->ceiling - n)
		longjmp(m->refused, E_LIMIT);
	struct yajl_chunk *to = mem_realloc(c, sizeof(*to) + n);
	if (!to)
		longjmp(m->refused, E_NOMEM);
	if (!c) {
		to->prev = &m->chunks;
		to->next = m->chunks.next;
	}
	to->prev->next = to;
	if (to->next)
		to->next->prev = to;
	to->n = n;
	m->bytes += n - had;
	return to + 1;
}

static void *chunk_alloc(void *ctx, size_t n)
{
	return chunk_realloc(ctx, NULL, n);
}

static void chunk_free(void *ctx, void *old)
{
	struct yajl_memory *m = ctx;
	if (!old)
		return;
	struct yajl_chunk *c = (struct yajl_chunk *)old - 1;
	c->prev->next = c->next;
	if (c->next)
		c->next->prev = c->prev;
	m->bytes -= c->n;
	mem_free(c);
}

void yajl_memory_init(struct yajl_memory *m, size_t ceiling_bytes)
{
	m->chunks = (struct yajl_chunk){ 0 };
	m->bytes = 0;
	m->ceiling = ceiling_bytes;
}

void yajl_memory_release(struct yajl_memory *m)
{
	while (m->chunks.next)
		chunk_free(m, m->chunks.next + 1);
}

yajl_alloc_funcs yajl_memory_funcs(struct yajl_memory *m)
{
	return (yajl_alloc_funcs){ chunk_alloc, chunk_realloc, chunk_free, m };
}
