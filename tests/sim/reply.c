#include "reply.h"

#include "grab.h"

#include <string.h>
#include <time.h>

/* Go's server sends a length for bodies that fit its first buffer. */
enum { GO_BUFFER_BYTES = 2048 };

void reply_init(struct reply *r)
{
	*r = (struct reply){ .status = 200, .mishap.cut_bytes = -1 };
	buf_init(&r->headers, 64 * 1024);
	buf_init(&r->body, REPLY_BODY_BYTES);
}

void reply_release(struct reply *r)
{
	buf_release(&r->headers);
	buf_release(&r->body);
	mem_free(r->ends);
	if (r->let_go)
		r->let_go(r->held);
}

void reply_chunk_ends_here(struct reply *r)
{
	if (r->end_count == r->end_capacity) {
		r->end_capacity = r->end_capacity ? r->end_capacity * 2 : 128;
		r->ends = regrab(r->ends, r->end_capacity * sizeof(r->ends[0]));
	}
	r->ends[r->end_count++] = r->body.len;
}

void reply_json(struct reply *r, struct jout *o)
{
	r->status = 200;
	r->type = "application/json; charset=utf-8";
	jout_init(o, &r->body, true);
	jout_open(o, '{');
}

void reply_json_end(struct reply *r, struct jout *o)
{
	jout_close(o, '{');
	buf_putc(&r->body, '\n');
	r->chunked = r->body.len > GO_BUFFER_BYTES;
}

void reply_error(struct reply *r, int status, const char *message, const char *name, const char *reason,
		 bool decoding)
{
	struct jout o;
	buf_reset(&r->body);
	reply_json(r, &o);
	r->status = status;
	if (decoding)
		r->type = "text/plain; charset=utf-8";
	jout_kt(&o, "message", message);
	if (name) {
		jout_key(&o, "errors");
		jout_open(&o, '[');
		jout_open(&o, '{');
		jout_kt(&o, "name", name);
		jout_kt(&o, "reason", reason);
		jout_close(&o, '{');
		jout_close(&o, '[');
	}
	jout_kt(&o, "uuid", "c0532a64-bec2-4cf9-aa37-96fe47ead814");
	reply_json_end(r, &o);
}

static const char *reason_phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = { { 200, "OK" },
			{ 204, "No Content" },
			{ 301, "Moved Permanently" },
			{ 302, "Found" },
			{ 307, "Temporary Redirect" },
			{ 400, "Bad Request" },
			{ 401, "Unauthorized" },
			{ 402, "Payment Required" },
			{ 403, "Forbidden" },
			{ 404, "Not Found" },
			{ 405, "Method Not Allowed" },
			{ 408, "Request Timeout" },
			{ 409, "Conflict" },
			{ 413, "Request Entity Too Large" },
			{ 422, "Unprocessable Entity" },
			{ 429, "Too Many Requests" },
			{ 500, "Internal Server Error" },
			{ 502, "Bad Gateway" },
			{ 503, "Service Unavailable" },
			{ 504, "Gateway Timeout" } };
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return "Unknown";
}

static bool has_body(const struct reply *r)
{
	return r->status != 204 && r->status != 304;
}

static void send_head(struct reply *r, struct conn *c, bool keep_alive, size_t body_bytes)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	struct buf head;
	buf_init(&head, 128 * 1024);
	buf_printf(&head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status, reason_phrase(r->status), date);
	if (r->type)
		buf_printf(&head, "Content-Type: %s\r\n", r->type);
	if (has_body(r) && r->chunked)
		buf_puts(&head, "Transfer-Encoding: chunked\r\n");
	else if (has_body(r))
		buf_printf(&head, "Content-Length: %zu\r\n", body_bytes);
	if (!keep_alive)
		buf_puts(&head, "Connection: close\r\n");
	buf_add(&head, r->headers.data, r->headers.len);
	buf_puts(&head, "\r\n");
	conn_write(c, head.data, head.len);
	buf_release(&head);
}

struct sender {
	struct reply *r;
	struct conn *c;
	int64_t left;      /* body bytes until the cut; -1 for no cut */
	int64_t drip_left; /* until the next pause */
	bool cut;
};

/* Body bytes after chunking: slow and cut as the mishap says. */
static void body_out(struct sender *s, const char *p, size_t n)
{
	const struct mishap *m = &s->r->mishap;
	while (n && !s->cut && !s->c->broken) {
		size_t part = n;
		if (s->left >= 0 && (uint64_t)s->left < part)
			part = (size_t)s->left;
		if (m->drip_bytes && (uint64_t)s->drip_left < part)
			part = (size_t)s->drip_left;
		conn_write(s->c, p, part);
		p += part;
		n -= part;
		if (s->left >= 0 && (s->left -= (int64_t)part) == 0)
			s->cut = true;
		if (m->drip_bytes && (s->drip_left -= (int64_t)part) == 0) {
			conn_flush(s->c);
			conn_sleep(s->c, m->drip_ms);
			s->drip_left = m->drip_bytes;
		}
	}
}

static void chunk_out(struct sender *s, const char *p, size_t n)
{
	if (!n || s->cut)
		return;
	if (!s->r->chunked) {
		body_out(s, p, n);
		return;
	}
	/* framing is not body: neither slowed nor counted towards the cut */
	char size[24];
	int k = snprintf(size, sizeof(size), "%zx\r\n", n);
	conn_write(s->c, size, (size_t)k);
	body_out(s, p, n);
	if (!s->cut)
		conn_write(s->c, "\r\n", 2);
}

static void sized_chunks(struct sender *s, const char *p, size_t n, size_t chunk)
{
	while (n && !s->cut && !s->c->broken) {
		size_t part = n < chunk ? n : chunk;
		chunk_out(s, p, part);
		p += part;
		n -= part;
	}
}

static void body_chunks(struct sender *s)
{
	struct reply *r = s->r;
	size_t chunk = r->mishap.split_bytes ? (size_t)r->mishap.split_bytes : r->chunk_bytes;
	if (r->piece_count) {
		for (int i = 0; i < r->piece_count; i++)
			sized_chunks(s, r->pieces[i].p, r->pieces[i].n, chunk ? chunk : CONN_OUT_BYTES);
		return;
	}
	if (chunk) {
		sized_chunks(s, r->body.data, r->body.len, chunk);
		return;
	}
	size_t done = 0;
	for (size_t i = 0; i < r->end_count; done = r->ends[i++])
		chunk_out(s, r->body.data + done, r->ends[i] - done);
	chunk_out(s, r->body.data + done, r->body.len - done);
}

static void endless(struct sender *s)
{
	char filler[4096];
	memset(filler, ' ', sizeof(filler));
	int64_t left = s->r->mishap.endless_bytes;
	while (left && !s->c->broken && !s->cut) {
		size_t part = left > 0 && left < (int64_t)sizeof(filler) ? (size_t)left : sizeof(filler);
		chunk_out(s, filler, part);
		if (left > 0)
			left -= (int64_t)part;
	}
}

static size_t body_length(const struct reply *r)
{
	size_t n = 0;
	for (int i = 0; i < r->piece_count; i++)
		n += r->pieces[i].n;
	return r->piece_count ? n : r->body.len;
}

static bool stop(struct reply *r, struct conn *c)
{
	conn_flush(c);
	if (r->mishap.cut_by_reset)
		conn_reset(c);
	else
		conn_close(c);
	return false;
}

bool reply_send(struct reply *r, struct conn *c, bool keep_alive)
{
	const struct mishap *m = &r->mishap;
	if (m->stall)
		conn_sleep(c, INT64_MAX / 4);
	if (m->delay_ms)
		conn_sleep(c, m->delay_ms);
	if (c->broken)
		return stop(r, c);
	if (r->body.failed)
		reply_error(r, 500, "out of memory", "base", "out of memory", false);
	if (m->split_bytes || m->endless_bytes)
		r->chunked = true;
	send_head(r, c, keep_alive, body_length(r));
	struct sender s = { .r = r, .c = c, .left = m->cut_bytes, .drip_left = m->drip_bytes };
	s.cut = m->cut_bytes == 0;
	if (m->drip_bytes || m->cut_bytes >= 0)
		conn_flush(c);
	if (has_body(r)) {
		body_chunks(&s);
		if (m->endless_bytes)
			endless(&s);
		if (r->chunked && !s.cut)
			conn_write(c, "0\r\n\r\n", 5);
	}
	conn_flush(c);
	if (s.cut || c->broken || !keep_alive)
		return stop(r, c);
	return true;
}
