#include "conf/headers.h"

#include <ctype.h>

static bool is_name(struct slice name)
{
	for (uint32_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && !strchr("!#$%&'*+-.^_`|~", name.p[i]))
			return false;
	return name.n > 0;
}

/* Those that Muster or the transfer itself decides. */
static bool is_reserved(struct slice name)
{
	static const char *const reserved[] = { "Authorization",     "Host",       "Content-Length",
						"Transfer-Encoding", "Connection", "Accept",
						"Accept-Encoding",   "Expect",     "Proxy-Authorization" };
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strlen(reserved[i]) == name.n && strncasecmp(reserved[i], name.p, name.n) == 0)
			return true;
	return false;
}

static struct slice trimmed(struct slice s)
{
	while (s.n && s.p[0] == ' ')
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

/* "Name: value" in the arena, or NULL after a complaint. */
static const char *check(struct reading *r, const yaml_node_t *node, struct slice name, struct slice value)
{
	if (!is_name(name)) {
		complain_node(r, node,
			      "a header has no proper name; write \"Name: value\" with a name of letters, "
			      "digits and -");
		return NULL;
	}
	if (is_reserved(name)) {
		complain_node(r, node, "the header %s is set by Muster itself; remove it", quote(name).text);
		return NULL;
	}
	if (name.n + value.n > HEADER_MAX_BYTES) {
		complain_node(r, node, "the header %s is longer than 4KiB; shorten it", quote(name).text);
		return NULL;
	}
	char *p = keep_room(r, (size_t)name.n + 2 + value.n + 1);
	if (p) {
		memcpy(p, name.p, name.n);
		memcpy(p + name.n, ": ", 2);
		memcpy(p + name.n + 2, value.p, value.n);
	}
	return p;
}

/* From "Name: value". */
static const char *split(struct reading *r, const yaml_node_t *node, struct slice text)
{
	const char *colon = memchr(text.p, ':', text.n);
	uint32_t at = colon ? (uint32_t)(colon - text.p) : 0;
	if (!colon) {
		complain_node(r, node, "a header has no colon; write \"Name: value\"");
		return NULL;
	}
	return check(r, node, (struct slice){ text.p, at },
		     trimmed((struct slice){ colon + 1, text.n - at - 1 }));
}

static const char *from_line(struct reading *r, yaml_node_t *item, const char *name, const char *help)
{
	/* - X-Name: value, without quotes, is a map of one pair */
	if (item->type == YAML_MAPPING_NODE &&
	    item->data.mapping.pairs.top - item->data.mapping.pairs.start == 1) {
		yaml_node_pair_t *p = item->data.mapping.pairs.start;
		yaml_node_t *key = yaml_document_get_node(r->document, p->key);
		struct slice left, right;
		if (node_text(r, key, name, help, &left) &&
		    node_text(r, yaml_document_get_node(r->document, p->value), name, help, &right))
			return check(r, key, left, right);
		return NULL;
	}
	struct slice text;
	return node_text(r, item, name, help, &text) ? split(r, item, text) : NULL;
}

static const char *from_pair(struct reading *r, const yaml_node_pair_t *pair, const char *name,
			     const char *help)
{
	yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
	struct slice left, right;
	if (!node_text(r, key, name, help, &left) ||
	    !node_text(r, yaml_document_get_node(r->document, pair->value), name, help, &right))
		return NULL;
	return check(r, key, left, right);
}

static bool too_many(struct reading *r, const yaml_node_t *node, const char *name, size_t count)
{
	if (count > HEADERS_MAX)
		complain_node(r, node, "\"%s\" has more than %d members; remove some", name, HEADERS_MAX);
	return count > HEADERS_MAX;
}

const char *const *headers_read(struct reading *r, yaml_node_t *node, const char *name, const char *help)
{
	bool map = node->type == YAML_MAPPING_NODE;
	yaml_node_item_t *items = NULL;
	size_t count, n = 0;
	if (map)
		count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	else if (!node_list(r, node, name, help, &items, &count))
		return NULL;
	if (too_many(r, node, name, count))
		return NULL;
	const char **out = count ? keep_room(r, (count + 1) * sizeof(*out)) : NULL;
	for (size_t i = 0; out && i < count && !reading_over(r); i++) {
		const char *line =
			map ? from_pair(r, &node->data.mapping.pairs.start[i], name, help)
			    : from_line(r, yaml_document_get_node(r->document, items[i]), name, help);
		if (line)
			out[n++] = line;
	}
	return out;
}

/* One line of text, whatever it is. */
static bool one_line(struct reading *r, struct slice text)
{
	for (uint32_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) {
			complain_node(r, NULL,
				      "\"headers\" has a line break or another control character inside; "
				      "remove it");
			return false;
		}
	return true;
}

const char *const *headers_given(struct reading *r, const char *const *lines)
{
	size_t count = 0, n = 0;
	while (lines[count])
		count++;
	if (too_many(r, NULL, "headers", count))
		return NULL;
	const char **out = keep_room(r, (count + 1) * sizeof(*out));
	for (size_t i = 0; out && i < count && !reading_over(r); i++) {
		struct slice text = trimmed(slice_of(lines[i]));
		const char *line = one_line(r, text) ? split(r, NULL, text) : NULL;
		if (line)
			out[n++] = line;
	}
	return out;
}
