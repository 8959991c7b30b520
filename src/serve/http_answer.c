#include "serve/http_answer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <stdio.h>
#include <string.h>

/* A slice may come out longer than was asked for. */
enum { BODY_MAX = 4 << 20, TURN_NS = 1000000 };

/* One body under way; libmicrohttpd's response owns it. */
struct body {
	const struct http_route *route;
	void *state;
	struct buf made;
	size_t given; /* of what was made */
	bool more;
};

static void body_free(void *arg)
{
	struct body *b = arg;
	b->route->end(b->state);
	buf_release(&b->made);
	mem_free(b);
}

/* Goes on where nothing came, but not for long: others wait. */
static int make_more(struct body *b)
{
	int64_t begin = clock_mono_ns();
	buf_reset(&b->made);
	b->given = 0;
	while (b->more && !b->made.len && clock_mono_ns() - begin < TURN_NS) {
		int rc = b->route->slice(b->state, &b->made, HTTP_SLICE_BYTES, &b->more);
		if (!rc)
			rc = b->made.failed;
		if (rc) {
			log_event(LOG_ERROR, "serve", "answer cut", "path", LOG_S(b->route->path), "reason",
				  LOG_S(err_meaning(rc)));
			return rc;
		}
	}
	return OK;
}

static ssize_t read_body(void *arg, uint64_t at, char *out, size_t most)
{
	struct body *b = arg;
	(void)at;
	if (b->given == b->made.len && make_more(b))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t n = b->made.len - b->given;
	if (!n)
		return b->more ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
	n = n < most ? n : most;
	memcpy(out, b->made.data + b->given, n);
	b->given += n;
	return (ssize_t)n;
}

static enum MHD_Result send_response(struct MHD_Connection *c, unsigned status, const char *type,
				     struct MHD_Response *r)
{
	enum MHD_Result rc = MHD_NO;
	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) &&
	    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"))
		rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, struct buf *text)
{
	struct MHD_Response *r = NULL;
	if (!text->failed)
		r = MHD_create_response_from_buffer(text->len, text->data, MHD_RESPMEM_MUST_COPY);
	if (r && status == MHD_HTTP_METHOD_NOT_ALLOWED &&
	    !MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD")) {
		MHD_destroy_response(r);
		r = NULL;
	}
	buf_release(text);
	return send_response(c, status, "text/plain; charset=utf-8", r);
}

static enum MHD_Result sentence(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct buf b;
	buf_init(&b, 4096);
	buf_puts(&b, text);
	buf_putc(&b, '\n');
	return send_text(c, status, &b);
}

static enum MHD_Result not_found(const struct http_server_options *o, struct MHD_Connection *c)
{
	struct buf b;
	buf_init(&b, 1 << 16);
	buf_puts(&b, "there is nothing at this path; what there is:\n");
	for (size_t i = 0; i < o->count; i++) {
		buf_puts(&b, o->routes[i].path);
		buf_putc(&b, '\n');
	}
	return send_text(c, MHD_HTTP_NOT_FOUND, &b);
}

static enum MHD_Result begin_body(const struct http_server_options *o, const struct http_route *route,
				  struct MHD_Connection *c)
{
	struct err e = { 0 };
	unsigned status = MHD_HTTP_OK;
	struct body *b = mem_zalloc(sizeof(*b));
	if (!b)
		return sentence(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	int rc = route->begin(o->arg, &b->state, &status, &e);
	if (rc) {
		mem_free(b);
		return sentence(c, MHD_HTTP_INTERNAL_SERVER_ERROR, e.code ? e.text : err_meaning(rc));
	}
	b->route = route;
	b->more = true;
	buf_init(&b->made, BODY_MAX);
	struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_SLICE_BYTES,
								   read_body, b, body_free);
	if (!r)
		body_free(b);
	return send_response(c, status, route->content_type, r);
}

static const struct http_route *find(const struct http_server_options *o, const char *path)
{
	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->routes[i].path, path) == 0)
			return &o->routes[i];
	return NULL;
}

enum MHD_Result http_answer(const struct http_server_options *o, struct MHD_Connection *c, const char *url,
			    const char *method, size_t *upload_bytes, void **request)
{
	static char seen;
	bool first = !*request;
	*request = &seen;
	/* Answered before a body is read: it would be for nothing. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return sentence(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
	if (strlen(url) > HTTP_URL_MAX)
		return sentence(c, MHD_HTTP_URI_TOO_LONG, "the path is too long");
	if (first)
		return MHD_YES;
	if (*upload_bytes) {
		*upload_bytes = 0;
		return MHD_YES;
	}
	const struct http_route *route = find(o, url);
	return route ? begin_body(o, route, c) : not_found(o, c);
}
