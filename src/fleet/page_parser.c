#include "fleet/page_parser.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "fleet/page_build.h"
#include "fleet/yajl_memory.h"

#include <stdio.h>
#include <yajl/yajl_parse.h>

enum {
	MAX_FRAMES = 10,
	/* What yajl may hold: its own state and one string that crosses pieces. */
	YAJL_CEILING = 4 * 1024 * 1024,
	YAJL_PIECE = 256 * 1024,
};

enum frame_kind { FRAME_ROOT, FRAME_DOCUMENT, FRAME_LIST, FRAME_OBJECT, FRAME_ARRAY };

struct frame {
	uint8_t kind, place;
	const struct field *field; /* ARRAY: its own */
};

/* Stands for "here a value matters though no key names it". */
static const struct field keyless;

enum document_key { KEY_OTHER, KEY_PAYLOAD, KEY_ERROR };

struct page_parser {
	struct page_build b;
	struct page_limits limits;
	enum page_shape shape;
	yajl_handle yajl;
	struct yajl_memory memory;
	const struct field *want; /* what the next value is; NULL: of no interest */
	struct frame frames[MAX_FRAMES];
	int top;
	unsigned skip; /* depth inside something of no interest */
	enum document_key key;
	bool started, closed, payload, in_element;
	uint64_t fed, element_at, last_id;
	const char *piece; /* being fed */
	size_t piece_n;
	char sample[PAGE_SAMPLE_BYTES];
	size_t sample_n;
	int rc;
	struct err err;
};

static int fail(struct page_parser *p, int rc, const char *text)
{
	if (p->rc == OK)
		p->rc = err_set(&p->err, rc, "%s", text);
	return 0;
}

static int fail_build(struct page_parser *p)
{
	return p->b.failed == E_LIMIT
		       ? fail(p, E_LIMIT, "the page holds more facts than a page may; ask for fewer hosts")
		       : fail(p, E_NOMEM, "out of memory while reading a page");
}

static inline struct frame *top(struct page_parser *p)
{
	return &p->frames[p->top];
}

/* After a step in or out: inside an object the next key decides. */
static void settle(struct page_parser *p)
{
	p->want = p->skip || top(p)->kind == FRAME_OBJECT ? NULL : &keyless;
}

static void push(struct page_parser *p, enum frame_kind kind, enum place place, const struct field *field)
{
	p->frames[++p->top] = (struct frame){ (uint8_t)kind, (uint8_t)place, field };
	settle(p);
}

static struct frame pop(struct page_parser *p)
{
	struct frame ended = p->frames[p->top--];
	settle(p);
	return ended;
}

static int skip(struct page_parser *p)
{
	p->skip++;
	p->want = NULL;
	if (p->in_element && p->top + (int)p->skip > PAGE_MAX_DEPTH)
		p->b.reject = "is nested deeper than 64 levels";
	return 1;
}

static uint64_t position(const struct page_parser *p)
{
	return p->fed + yajl_get_bytes_consumed(p->yajl);
}

static int element_begin(struct page_parser *p)
{
	if (p->b.page->count >= p->limits.max_hosts)
		return fail(p, E_LIMIT,
			    "the page has more hosts than were asked for; the server ignores per_page");
	if (!page_host_begin(&p->b))
		return fail_build(p);
	size_t used = yajl_get_bytes_consumed(p->yajl), from = used ? used - 1 : 0;
	p->element_at = p->fed + from;
	p->sample_n = p->piece_n - from < sizeof(p->sample) ? p->piece_n - from : sizeof(p->sample);
	memcpy(p->sample, p->piece + from, p->sample_n);
	p->in_element = true;
	return 1;
}

static int element_end(struct page_parser *p)
{
	struct page *page = p->b.page;
	struct host *h = p->b.host;
	struct page_element *e = &page->elements[page->count];
	uint64_t length = position(p) - p->element_at;
	*e = (struct page_element){ .id = h->id <= INT64_MAX ? h->id : 0, .host = h, .reason = p->b.reject };
	p->in_element = false;
	page->count++;
	if (!e->reason && length > p->limits.host_bytes)
		e->reason = "is larger than limits.host_bytes";
	if (!e->reason && !e->id)
		e->reason = "has no id";
	page->wrong_types += h->wrong_types;
	page->bad_utf8 += h->bad_utf8;
	p->b.host = NULL;
	if (e->reason) {
		e->host = NULL;
		page->rejected++;
		page->rejected_without_id |= !e->id;
		if (!page_copy_text(&p->b, &e->sample, p->sample,
				    p->sample_n < length ? p->sample_n : length))
			return fail_build(p);
	}
	if (!e->id)
		return 1;
	uint64_t floor = p->last_id > p->limits.after ? p->last_id : p->limits.after;
	if (p->shape == PAGE_LIST && e->id <= floor) {
		char text[160];
		snprintf(text, sizeof(text),
			 "host ids do not ascend: %llu came after %llu, so the page proves nothing",
			 (unsigned long long)e->id, (unsigned long long)floor);
		return fail(p, E_ORDER, text);
	}
	p->last_id = e->id;
	return 1;
}

static int inband(struct page_parser *p, const char *s, size_t n)
{
	char text[240], safe[3 * 60 + 1];
	size_t replaced, m = utf8_repair_into(safe, s, n < 60 ? n : 60, &replaced);
	for (size_t i = 0; i < m; i++)
		if (!safe[i])
			safe[i] = ' ';
	safe[m] = '\0';
	utf8_blank_controls(safe);
	snprintf(text, sizeof(text), "the server broke off the list with \"%s\"", safe);
	return fail(p, E_INBAND, text);
}

/* A scalar or an array where an element should be. */
static int element_wrong(struct page_parser *p)
{
	if (!element_begin(p))
		return 0;
	p->b.reject = "is not an object";
	return 1;
}

static int scalar_outside(struct page_parser *p)
{
	struct frame *f = top(p);
	switch (f->kind) {
	case FRAME_ROOT:
		return fail(p, E_NOT_FLEET, "the answer is JSON but no object; is this a Fleet server?");
	case FRAME_DOCUMENT:
		if (p->key == KEY_PAYLOAD)
			return fail(p, E_NOT_FLEET,
				    "the answer has no list of hosts; is this a Fleet server?");
		return p->key == KEY_ERROR ? inband(p, "no text", 7) : 1;
	case FRAME_LIST:
		return element_wrong(p) && element_end(p);
	case FRAME_ARRAY:
		page_put_wrong(&p->b);
		return 1;
	default:
		return 1;
	}
}

/* Most values of a page are of no interest: the callbacks say so at once and
 * leave the rest to functions of their own. */
static __attribute__((noinline)) int take_null(struct page_parser *p)
{
	if (p->want == &keyless)
		return p->key == KEY_ERROR && top(p)->kind == FRAME_DOCUMENT ? 1 : scalar_outside(p);
	page_put_null(&p->b, p->want);
	return 1;
}

static __attribute__((noinline)) int take_boolean(struct page_parser *p, int v)
{
	if (p->want == &keyless)
		return scalar_outside(p);
	page_put_bool(&p->b, top(p)->place, p->want, v);
	return 1;
}

static __attribute__((noinline)) int take_number(struct page_parser *p, const char *s, size_t n)
{
	if (p->want == &keyless)
		return scalar_outside(p);
	page_put_number(&p->b, top(p)->place, p->want, s, n);
	return 1;
}

static int on_null(void *ctx)
{
	struct page_parser *p = ctx;
	return p->want ? take_null(p) : 1;
}

static int on_boolean(void *ctx, int v)
{
	struct page_parser *p = ctx;
	return p->want ? take_boolean(p, v) : 1;
}

static int on_number(void *ctx, const char *s, size_t n)
{
	struct page_parser *p = ctx;
	return p->want ? take_number(p, s, n) : 1;
}

static __attribute__((noinline)) int take_string(struct page_parser *p, const char *s, size_t n)
{
	if (p->want != &keyless)
		return page_put_text(&p->b, top(p)->place, p->want, s, n) ? 1 : fail_build(p);
	if (top(p)->kind == FRAME_DOCUMENT && p->key == KEY_ERROR)
		return inband(p, s, n);
	return scalar_outside(p);
}

static int on_string(void *ctx, const unsigned char *s, size_t n)
{
	struct page_parser *p = ctx;
	return p->want ? take_string(p, (const char *)s, n) : 1;
}

static __attribute__((noinline)) int take_key(struct page_parser *p, const char *key, size_t n)
{
	if (top(p)->kind == FRAME_OBJECT) {
		p->want = page_field(top(p)->place, key, n);
		return 1;
	}
	struct slice k = { key, (uint32_t)n };
	p->key = slice_is(k, p->shape == PAGE_LIST ? "hosts" : "host") ? KEY_PAYLOAD
		 : slice_is(k, "error")                                ? KEY_ERROR
								       : KEY_OTHER;
	return 1;
}

static int on_key(void *ctx, const unsigned char *key, size_t n)
{
	struct page_parser *p = ctx;
	if (p->skip)
		return 1;
	/* a dozen policies a host make most of the keys */
	if (top(p)->place == PLACE_POLICY && top(p)->kind == FRAME_OBJECT) {
		p->want = page_policy_field((const char *)key, n);
		return 1;
	}
	return take_key(p, (const char *)key, n);
}

static int on_start_map(void *ctx)
{
	struct page_parser *p = ctx;
	struct frame *f = top(p);
	if (p->skip)
		return skip(p);
	switch (f->kind) {
	case FRAME_ROOT:
		push(p, FRAME_DOCUMENT, PLACES, NULL);
		return 1;
	case FRAME_DOCUMENT:
		if (p->key == KEY_ERROR)
			return inband(p, "an object", 9);
		if (p->key != KEY_PAYLOAD)
			return skip(p);
		if (p->shape == PAGE_LIST || p->payload)
			return scalar_outside(p);
		p->payload = true;
		/* fall through */
	case FRAME_LIST:
		if (!element_begin(p))
			return 0;
		push(p, FRAME_OBJECT, PLACE_HOST, NULL);
		return 1;
	case FRAME_OBJECT:
		if (p->want && p->want->kind == KIND_OBJECT) {
			p->b.host->seen |= p->want->seen;
			push(p, FRAME_OBJECT, p->want->inside, NULL);
			return 1;
		}
		if (p->want)
			page_put_wrong(&p->b);
		return skip(p);
	default:
		page_item_begin(&p->b, f->place);
		push(p, FRAME_OBJECT, f->place, NULL);
		return 1;
	}
}

static int on_end_map(void *ctx)
{
	struct page_parser *p = ctx;
	if (p->skip) {
		p->skip--;
		settle(p);
		return 1;
	}
	struct frame ended = pop(p);
	if (ended.kind == FRAME_DOCUMENT)
		p->closed = true;
	else if (ended.place == PLACE_HOST)
		return element_end(p);
	else if (top(p)->kind == FRAME_ARRAY && !page_item_end(&p->b, ended.place))
		return fail_build(p);
	return 1;
}

static int on_start_array(void *ctx)
{
	struct page_parser *p = ctx;
	struct frame *f = top(p);
	if (p->skip)
		return skip(p);
	switch (f->kind) {
	case FRAME_DOCUMENT:
		if (p->key == KEY_ERROR)
			return inband(p, "an array", 8);
		if (p->key != KEY_PAYLOAD)
			return skip(p);
		if (p->shape != PAGE_LIST || p->payload)
			return scalar_outside(p);
		p->payload = true;
		push(p, FRAME_LIST, PLACES, NULL);
		return 1;
	case FRAME_LIST:
		return element_wrong(p) && skip(p);
	case FRAME_OBJECT:
		if (p->want && p->want->kind == KIND_ARRAY) {
			push(p, FRAME_ARRAY, p->want->inside, p->want);
			return 1;
		}
		if (p->want)
			page_put_wrong(&p->b);
		return skip(p);
	case FRAME_ARRAY:
		page_put_wrong(&p->b);
		return skip(p);
	default:
		return scalar_outside(p);
	}
}

static int on_end_array(void *ctx)
{
	struct page_parser *p = ctx;
	if (p->skip) {
		p->skip--;
		settle(p);
		if (!p->skip && top(p)->kind == FRAME_LIST && p->in_element)
			return element_end(p);
		return 1;
	}
	struct frame ended = pop(p);
	if (ended.kind == FRAME_ARRAY && !page_array_end(&p->b, ended.field))
		return fail_build(p);
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

int page_parser_new(struct page_parser **out, enum page_shape shape, const struct page_limits *l)
{
	*out = NULL;
	struct page_parser *p = mem_zalloc(sizeof(*p));
	if (!p)
		return E_NOMEM;
	p->shape = shape;
	p->limits = *l;
	if (page_build_init(&p->b, l->page_bytes, l->max_hosts) != OK) {
		page_parser_free(p);
		return E_NOMEM;
	}
	yajl_memory_init(&p->memory, YAJL_CEILING);
	yajl_alloc_funcs funcs = yajl_memory_funcs(&p->memory);
	if (setjmp(p->memory.refused)) {
		page_parser_free(p);
		return E_NOMEM;
	}
	settle(p);
	p->yajl = yajl_alloc(&callbacks, &funcs, p);
	yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	*out = p;
	return OK;
}

/* yajl's message has lines and arrows; the position is what helps. */
static void syntax_error(struct page_parser *p)
{
	char text[120];
	snprintf(text, sizeof(text), "malformed JSON near byte %llu", (unsigned long long)position(p));
	fail(p, E_SYNTAX, text);
}

static int feed_piece(struct page_parser *p, const char *bytes, size_t n)
{
	int refused = setjmp(p->memory.refused);
	if (refused)
		return fail(p, refused,
			    refused == E_LIMIT ? "a single value of the answer is larger than 2 MiB"
					       : "out of memory while reading a page"),
		       p->rc;
	p->piece = bytes;
	p->piece_n = n;
	if (p->in_element && p->sample_n < sizeof(p->sample)) {
		size_t more = sizeof(p->sample) - p->sample_n < n ? sizeof(p->sample) - p->sample_n : n;
		memcpy(p->sample + p->sample_n, bytes, more);
		p->sample_n += more;
	}
	yajl_status s = yajl_parse(p->yajl, (const unsigned char *)bytes, n);
	if (s == yajl_status_error)
		syntax_error(p);
	p->fed += n;
	return p->rc;
}

/* Whether the first character that is no white space opens a tag. */
static void look_at_start(struct page_parser *p, const char *s, size_t n)
{
	for (; n && !p->started; s++, n--) {
		if (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t')
			continue;
		p->started = true;
		if (*s == '<')
			fail(p, E_NOT_FLEET,
			     "the answer is HTML, not JSON; is the address that of a proxy or a login page?");
	}
}

int page_parser_feed(struct page_parser *p, const void *bytes, size_t n)
{
	const char *s = bytes;
	if (p->rc == OK && !p->started)
		look_at_start(p, s, n);
	while (n && p->rc == OK) {
		size_t piece = n < YAJL_PIECE ? n : YAJL_PIECE;
		feed_piece(p, s, piece);
		s += piece;
		n -= piece;
	}
	return p->rc;
}

static int complete(struct page_parser *p)
{
	int refused = setjmp(p->memory.refused);
	if (refused)
		return fail(p, refused, "out of memory while reading a page"), p->rc;
	p->piece = "";
	p->piece_n = 0;
	yajl_status s = yajl_complete_parse(p->yajl);
	if (p->rc == OK && (s != yajl_status_ok || !p->closed))
		fail(p, E_TRUNCATED, p->fed ? "the answer ends in the middle" : "the answer is empty");
	return p->rc;
}

int page_parser_finish(struct page_parser *p, struct page **out, struct err *e)
{
	*out = NULL;
	if (p->rc == OK)
		complete(p);
	if (p->rc == OK && !p->payload)
		fail(p, E_NOT_FLEET, "the answer has no list of hosts; is this a Fleet server?");
	if (p->rc == OK && !page_build_seal(&p->b))
		fail_build(p);
	if (p->rc != OK) {
		if (e)
			*e = p->err;
		return p->rc;
	}
	*out = p->b.page;
	(*out)->bytes = p->fed;
	p->b.page = NULL;
	return OK;
}

size_t page_parser_memory(const struct page_parser *p)
{
	return page_build_memory(&p->b) + p->memory.bytes;
}

uint64_t page_parser_last_id(const struct page_parser *p)
{
	return p->last_id;
}

void page_parser_free(struct page_parser *p)
{
	if (!p)
		return;
	yajl_memory_release(&p->memory);
	page_build_release(&p->b);
	mem_free(p);
}
