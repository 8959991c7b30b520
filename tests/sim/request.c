#include "request.h"

#include "grab.h"

#include <ctype.h>
#include <string.h>

/* A line without its end; false at the end of the stream or past the limit. */
static bool read_line(struct conn *c, struct buf *line, size_t *budget)
{
	buf_reset(line);
	for (;;) {
		int ch = conn_getc(c);
		if (ch < 0 || (*budget)-- == 0)
			return false;
		if (ch == '\n')
			break;
		if (ch != '\r')
			buf_putc(line, (char)ch);
	}
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(char *s, bool plus_is_space)
{
	char *to = s;
	for (; *s; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*to++ = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else {
			*to++ = *s == '+' && plus_is_space ? ' ' : *s;
		}
	}
	*to = '\0';
}

static void split_target(struct request *r)
{
	r->decoded = grab_text(r->target);
	r->path = r->decoded;
	char *rest = strchr(r->decoded, '?');
	if (rest)
		*rest++ = '\0';
	decode(r->path, false);
	while (rest && *rest && r->param_count < REQUEST_PARAMS) {
		char *end = strchr(rest, '&');
		if (end)
			*end++ = '\0';
		char *value = strchr(rest, '=');
		if (value)
			*value++ = '\0';
		else
			value = rest + strlen(rest);
		decode(rest, true);
		decode(value, true);
		r->params[r->param_count++] = (struct request_param){ rest, value };
		rest = end;
	}
}

void request_set_target(struct request *r, const char *path, const char *query)
{
	struct buf b;
	*r = (struct request){ 0 };
	buf_init(&r->body, 1);
	buf_init(&b, REQUEST_HEAD_BYTES);
	buf_puts(&b, path);
	buf_puts(&b, query);
	r->target = grab_text(buf_cstr(&b));
	buf_release(&b);
	split_target(r);
}

static bool read_headers(struct request *r, struct conn *c, struct buf *line, size_t *budget,
			 size_t *body_bytes)
{
	while (read_line(c, line, budget)) {
		char *s = (char *)(uintptr_t)buf_cstr(line);
		if (!*s)
			return true;
		char *value = strchr(s, ':');
		if (!value)
			return false;
		*value++ = '\0';
		while (*value == ' ')
			value++;
		if (!strcasecmp(s, "authorization")) {
			mem_free(r->authorization);
			r->authorization = grab_text(value);
		} else if (!strcasecmp(s, "content-length")) {
			*body_bytes = strtoul(value, NULL, 10);
		} else if (!strcasecmp(s, "connection")) {
			r->close = strcasestr(value, "close") != NULL;
		}
	}
	return false;
}

bool request_read(struct request *r, struct conn *c)
{
	*r = (struct request){ 0 };
	buf_init(&r->body, REQUEST_BODY_BYTES + 1);
	struct buf line;
	buf_init(&line, REQUEST_HEAD_BYTES + 1);
	size_t budget = REQUEST_HEAD_BYTES, body_bytes = 0;
	bool ok = read_line(c, &line, &budget);
	if (ok) {
		char *s = (char *)(uintptr_t)buf_cstr(&line);
		char *target = strchr(s, ' ');
		char *version = target ? strchr(target + 1, ' ') : NULL;
		ok = version && !strncmp(version + 1, "HTTP/1.", 7) && target - s < (int)sizeof(r->method);
		if (ok) {
			*target = *version = '\0';
			memcpy(r->method, s, (size_t)(target - s) + 1);
			r->target = grab_text(target + 1);
			r->close = !strcmp(version + 1, "HTTP/1.0");
			split_target(r);
		}
	}
	ok = ok && read_headers(r, c, &line, &budget, &body_bytes) && body_bytes <= REQUEST_BODY_BYTES;
	for (size_t i = 0; ok && i < body_bytes; i++) {
		int ch = conn_getc(c);
		ok = ch >= 0;
		if (ok)
			buf_putc(&r->body, (char)ch);
	}
	buf_release(&line);
	if (!ok)
		request_release(r);
	return ok;
}

void request_release(struct request *r)
{
	mem_free(r->target);
	mem_free(r->decoded);
	mem_free(r->authorization);
	buf_release(&r->body);
	*r = (struct request){ 0 };
}

bool request_has(const struct request *r, const char *name)
{
	for (int i = 0; i < r->param_count; i++)
		if (!strcmp(r->params[i].name, name))
			return true;
	return false;
}

const char *request_param(const struct request *r, const char *name)
{
	for (int i = r->param_count - 1; i >= 0; i--)
		if (!strcmp(r->params[i].name, name))
			return r->params[i].value[0] ? r->params[i].value : NULL;
	return NULL;
}
