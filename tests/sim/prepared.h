/* All hosts of a tenant rendered once, one after another in id order, so that
 * a page is one stretch of memory. Counted references: a page that is being
 * sent keeps the text it began with while a change makes a new one. */
#pragma once

#include "fleet.h"
#include "reply.h"

/* Makes it unless it stands already for these flags. Under the lock. */
struct prepared *prepared_for(struct tenant *t, unsigned flags);
/* Drops what stands; the next page makes it anew. Under the lock. */
void prepared_forget(struct tenant *t);
/* Lets `r` send the hosts [first, first + n) as a streamed list. */
void prepared_page(struct prepared *p, struct reply *r, uint32_t first, uint32_t n);
