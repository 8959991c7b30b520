#include "daemon/runtime_secrets.h"

#include "base/json.h"
#include "query/value.h"

enum { TEXT_MAX = 2 << 20, ESCAPED = 6, NONE = 64 };

static const struct {
	const char *name;
	size_t at;
} members[] = {
	{ "token", offsetof(struct conf_secrets, token) },
	{ "proxy", offsetof(struct conf_secrets, proxy) },
	{ "ca_pem", offsetof(struct conf_secrets, ca_pem) },
	{ "client_cert_pem", offsetof(struct conf_secrets, client_cert_pem) },
	{ "client_key_pem", offsetof(struct conf_secrets, client_key_pem) },
};
enum { MEMBERS = sizeof(members) / sizeof(*members) };

static const char **member(const struct conf_secrets *s, size_t i)
{
	return (const char **)((char *)(uintptr_t)s + members[i].at);
}

void wiped_release(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

/* The bytes that a text adds to JSON, once its escapes are counted. */
static size_t escaped_bytes(const char *text)
{
	size_t n = 8;
	for (; text && *text; text++)
		n += (unsigned char)*text >= 0x20 && *text != '"' && *text != '\\' ? 1 : ESCAPED;
	return n;
}

int runtime_secrets_write(const struct conf_secrets *s, struct buf *out)
{
	size_t n = 32;
	buf_init(out, TEXT_MAX);
	for (size_t i = 0; i < MEMBERS; i++)
		n += strlen(members[i].name) + escaped_bytes(*member(s, i));
	for (const char *const *h = s->headers; h && *h; h++)
		n += escaped_bytes(*h);
	if (!buf_reserve(out, n))
		return out->failed;
	json_open(out, '{');
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!*member(s, i))
			continue;
		json_key(out, members[i].name, strlen(members[i].name));
		json_text(out, slice_of(*member(s, i)));
	}
	if (s->headers) {
		json_k(out, "headers");
		json_open(out, '[');
		for (const char *const *h = s->headers; *h; h++)
			json_text(out, slice_of(*h));
		json_close(out, ']');
	}
	json_close(out, '}');
	return out->failed;
}

/* Unescaped into the room that was reserved. */
static const char *take(struct buf *text, struct slice value)
{
	size_t at = text->len;
	if (!value.p || !value_text(text, value))
		return NULL;
	buf_putc(text, '\0');
	return text->failed ? NULL : text->data + at;
}

int runtime_secrets_read(struct runtime_secrets *out, struct slice json)
{
	struct value_iter it;
	struct slice item;
	size_t count = 0;
	*out = (struct runtime_secrets){ 0 };
	buf_init(&out->text, TEXT_MAX);
	/* no text is longer than it stands there, and its quotes have room for the end */
	if (!buf_reserve(&out->text, (size_t)json.n + NONE))
		return out->text.failed;
	for (size_t i = 0; i < MEMBERS; i++)
		*member(&out->secrets, i) = take(&out->text, value_at(json, members[i].name));
	if (value_open(&it, value_at(json, "headers")))
		while (count < RUNTIME_HEADERS_MAX && value_next(&it, NULL, &item)) {
			const char *line = take(&out->text, item);
			if (line)
				out->headers[count++] = line;
		}
	out->secrets.headers = count ? out->headers : NULL;
	return out->text.failed;
}

void runtime_secrets_release(struct runtime_secrets *s)
{
	wiped_release(&s->text);
	*s = (struct runtime_secrets){ 0 };
}
