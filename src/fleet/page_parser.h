/* Streaming parser of `{"hosts":[...]}` and `{"host":{...}}`: bytes in, one
 * struct page out, nothing kept of what is not needed. Memory is bounded by
 * the limits whatever is sent. Feeding byte by byte gives the same as whole.
 *
 * A page is given out only when it is proven whole (invariant 2): closing
 * brace seen, no top-level "error", `hosts` present, ids ascending. */
#pragma once

#include "base/err.h"
#include "model/host.h"

#include <stddef.h>

enum page_shape { PAGE_LIST, PAGE_DETAIL };

struct page_limits {
	uint64_t host_bytes;     /* of one element; a larger one is rejected alone */
	uint64_t page_bytes;     /* of memory for all facts of the page */
	uint32_t max_hosts;      /* more elements than that: E_LIMIT */
	uint64_t after;          /* ids must be greater than that; 0 for none */
};

struct page_parser;

int page_parser_new(struct page_parser **out, enum page_shape shape, const struct page_limits *l);
/* OK or E_: once failed, it stays failed with the same code. */
int page_parser_feed(struct page_parser *p, const void *bytes, size_t n);
/* The end of the body. On OK the page is the caller's. */
int page_parser_finish(struct page_parser *p, struct page **out, struct err *e);
void page_parser_free(struct page_parser *p);
