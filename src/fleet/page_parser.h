/* Streaming parser of `{"hosts":[...]}` and `{"host":{...}}`: bytes in, one
 * struct page out, nothing kept of what is not needed. Memory is bounded by
 * the limits whatever is sent. Feeding byte by byte gives the same as whole.
 *
 * A page is given out only when it is proven whole (invariant 2): closing
 * brace seen, no top-level "error", `hosts` (or `host`) present, ids
 * ascending. A member of an unexpected type is read as null and counted; an
 * ill-formed string is repaired with U+FFFD and counted; an element that
 * cannot be read at all (not an object, no usable id, larger than host_bytes,
 * nested deeper than PAGE_MAX_DEPTH) is rejected alone and counts towards the
 * page.
 *
 *   E_SYNTAX     not JSON                E_TRUNCATED  ends before its end
 *   E_NOT_FLEET  JSON or HTML, but no host list       E_INBAND  "error" in a 200
 *   E_ORDER      ids do not ascend       E_LIMIT      more or longer than allowed
 *   E_NOMEM                                                                  */
#pragma once

#include "base/err.h"
#include "model/host.h"

#include <stddef.h>

enum page_shape { PAGE_LIST, PAGE_DETAIL };

enum { PAGE_MAX_DEPTH = 64, PAGE_SAMPLE_BYTES = 256 };

struct page_limits {
	uint64_t host_bytes; /* of one element as sent */
	uint64_t page_bytes; /* of memory for all facts of the page */
	uint32_t max_hosts;  /* one element more is E_LIMIT */
	uint64_t after;      /* ids must be greater */
};

struct page_parser;

int page_parser_new(struct page_parser **out, enum page_shape shape, const struct page_limits *l);
/* OK or E_: once failed, it stays failed with the same code. */
int page_parser_feed(struct page_parser *p, const void *bytes, size_t n);
/* The end of the body. On OK the page is the caller's, otherwise *out is NULL
 * and `e` says what was wrong and where. */
int page_parser_finish(struct page_parser *p, struct page **out, struct err *e);
/* Bytes held at the moment for what was read so far. */
size_t page_parser_memory(const struct page_parser *p);
/* The greatest id read so far: the next cursor, once the page is proven. */
uint64_t page_parser_last_id(const struct page_parser *p);
void page_parser_free(struct page_parser *p);
