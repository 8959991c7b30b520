/* layer: fleet */
#include "base/must.h"
#include "fleet/page_parser.h"
#include "base/arena.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int parse(const uint8_t *data, size_t n, size_t step, enum page_shape shape, struct page **page)
{
	const struct page_limits limits = { .host_bytes = 4096, .page_bytes = 1 << 20, .max_hosts = 50 };
	struct page_parser *p;
	if (page_parser_new(&p, shape, &limits) != OK)
		return E_NOMEM;
	for (size_t i = 0; i < n; i += step)
		page_parser_feed(p, data + i, step < n - i ? step : n - i);
	int rc = page_parser_finish(p, page, NULL);
	page_parser_free(p);
	return rc;
}

/* Whole and in pieces of a length the input chooses must agree; what comes out is sound. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct page *a = NULL, *b = NULL;
	if (n < 2)
		return 0;
	enum page_shape shape = data[0] & 1 ? PAGE_DETAIL : PAGE_LIST;
	size_t step = 1 + data[1] % 64;
	data += 2;
	n -= 2;
	int ra = parse(data, n, n ? n : 1, shape, &a), rb = parse(data, n, step, shape, &b);
	must(ra == rb);
	must((ra == OK) == (a != NULL));
	if (a) {
		uint64_t last = 0;
		must(a->count == b->count && a->rejected == b->rejected && a->bad_utf8 == b->bad_utf8);
		for (uint32_t i = 0; i < a->count; i++) {
			const struct page_element *e = &a->elements[i];
			must(e->id == b->elements[i].id);
			must(!e->host == (e->reason != NULL));
			must(shape == PAGE_DETAIL || !e->id || e->id > last);
			last = e->id ? e->id : last;
			if (e->host && e->host->hostname.p)
				must(utf8_valid(e->host->hostname.p, e->host->hostname.n));
		}
		page_free(a);
		page_free(b);
	}
	return 0;
}
