#include "prepared.h"

#include "grab.h"
#include "render.h"

#include <stdatomic.h>

struct prepared {
	atomic_int references;
	unsigned flags;
	uint32_t count;
	size_t *starts; /* count + 1; each host is followed by one comma */
	struct buf text;
};

static void let_go(void *held)
{
	struct prepared *p = held;
	if (atomic_fetch_sub(&p->references, 1) > 1)
		return;
	buf_release(&p->text);
	mem_free(p->starts);
	mem_free(p);
}

void prepared_forget(struct tenant *t)
{
	if (t->prepared)
		let_go(t->prepared);
	t->prepared = NULL;
}

struct prepared *prepared_for(struct tenant *t, unsigned flags)
{
	if (t->prepared && t->prepared->flags == flags)
		return t->prepared;
	prepared_forget(t);
	struct prepared *p = grab(sizeof(*p));
	*p = (struct prepared){ .references = 1, .flags = flags, .count = t->count };
	p->starts = grab((t->count + 1) * sizeof(p->starts[0]));
	buf_init(&p->text, (size_t)1 << 40);
	struct jout o;
	for (uint32_t i = 0; i < t->count; i++) {
		p->starts[i] = p->text.len;
		jout_init(&o, &p->text, false);
		render_host(&o, t, &t->hosts[i], flags);
		buf_putc(&p->text, ',');
	}
	p->starts[t->count] = p->text.len;
	if (p->text.failed) {
		fputs("fleetsim: out of memory for prepared pages\n", stderr);
		exit(1);
	}
	t->prepared = p;
	return p;
}

void prepared_page(struct prepared *p, struct reply *r, uint32_t first, uint32_t n)
{
	atomic_fetch_add(&p->references, 1);
	r->held = p;
	r->let_go = let_go;
	r->type = "application/json";
	r->chunked = true;
	r->chunk_bytes = CONN_OUT_BYTES;
	size_t from = p->starts[first], to = p->starts[first + n];
	r->pieces[0] = (struct piece){ "{\"hosts\": [", 11 };
	r->pieces[1] = (struct piece){ p->text.data + from, n ? to - from - 1 : 0 };
	r->pieces[2] = (struct piece){ "]}", 2 };
	r->piece_count = 3;
}
