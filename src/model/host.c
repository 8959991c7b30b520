#include "model/host.h"

#include "base/arena.h"

void page_free(struct page *p)
{
	/* the page itself lives in the arena */
	if (p)
		arena_free(p->arena);
}
