#include "base/json.h"
#include "base/utf8.h"
#include "conf/document.h"

#include <stdio.h>
#include <stdlib.h>

/* No map of settings comes near; a lookup in it goes through all. */
enum { MEMBERS_MAX = 256 };

/* A map of one of two documents. */
struct side {
	yaml_document_t document;
	struct complaints complaints;
	bool loaded;
};

static yaml_node_t *node(struct side *s, int index)
{
	return yaml_document_get_node(&s->document, index);
}

static struct slice text_of(const yaml_node_t *n)
{
	return (struct slice){ (const char *)n->data.scalar.value, (uint32_t)n->data.scalar.length };
}

static bool is_plain(const yaml_node_t *n, const char *word)
{
	return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       slice_is(text_of(n), word);
}

static bool is_number(struct slice s)
{
	for (uint32_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0 && s.n < 19 && (s.n == 1 || s.p[0] != '0');
}

static void put_scalar(const yaml_node_t *n, struct buf *out)
{
	bool plain = n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (is_plain(n, "null") || is_plain(n, "~") || is_plain(n, ""))
		json_null(out);
	else if (is_plain(n, "true") || is_plain(n, "false"))
		json_bool(out, is_plain(n, "true"));
	else if (plain && is_number(text_of(n)))
		json_int(out, strtoll((const char *)n->data.scalar.value, NULL, 10));
	else
		json_text(out, text_of(n));
}

/* The document is a tree of bounded depth, so this ends. */
static void put(struct side *s, const yaml_node_t *n, struct buf *out);

/* The text as a key: json_key() takes only what needs no escaping. */
static void put_key(struct slice name, struct buf *out)
{
	json_text(out, name);
	buf_putc(out, ':');
}

static void put_list(struct side *s, const yaml_node_t *n, struct buf *out)
{
	json_open(out, '[');
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++)
		put(s, node(s, *i), out);
	json_close(out, ']');
}

static yaml_node_t *member(struct side *s, const yaml_node_t *map, struct slice name)
{
	yaml_node_pair_t *p = map ? map->data.mapping.pairs.start : NULL;
	for (; p && p < map->data.mapping.pairs.top; p++)
		if (slice_eq(text_of(node(s, p->key)), name))
			return node(s, p->value);
	return NULL;
}

static bool is_map(const yaml_node_t *n)
{
	return n && n->type == YAML_MAPPING_NODE;
}

static void merge(struct side *was, const yaml_node_t *old, struct side *now, const yaml_node_t *changes,
		  struct buf *out);

/* One member that both may have. */
static void put_member(struct side *was, const yaml_node_t *old, struct side *now, const yaml_node_t *change,
		       struct slice name, struct buf *out)
{
	if (change && (is_plain(change, "null") || is_plain(change, "~")))
		return;
	put_key(name, out);
	if (is_map(change))
		merge(was, is_map(old) ? old : NULL, now, change, out);
	else if (change)
		put(now, change, out);
	else if (old)
		put(was, old, out);
}

/* Either map may be NULL; of a member that stands twice the first counts. */
static void merge(struct side *was, const yaml_node_t *old, struct side *now, const yaml_node_t *changes,
		  struct buf *out)
{
	yaml_node_pair_t *p = old ? old->data.mapping.pairs.start : NULL;
	json_open(out, '{');
	for (; p && p < old->data.mapping.pairs.top; p++) {
		struct slice name = text_of(node(was, p->key));
		put_member(was, node(was, p->value), now, member(now, changes, name), name, out);
	}
	p = changes ? changes->data.mapping.pairs.start : NULL;
	for (; p && p < changes->data.mapping.pairs.top; p++) {
		struct slice name = text_of(node(now, p->key));
		if (!member(was, old, name))
			put_member(was, NULL, now, node(now, p->value), name, out);
	}
	json_close(out, '}');
}

static void put(struct side *s, const yaml_node_t *n, struct buf *out)
{
	if (n->type == YAML_SCALAR_NODE)
		put_scalar(n, out);
	else if (n->type == YAML_SEQUENCE_NODE)
		put_list(s, n, out);
	else
		merge(s, n, s, NULL, out);
}

static bool is_orderly(struct side *s, const yaml_node_t *map)
{
	yaml_node_pair_t *p = map->data.mapping.pairs.start, *end = map->data.mapping.pairs.top;
	if (end - p > MEMBERS_MAX)
		return false;
	for (; p < end; p++)
		if (node(s, p->key)->type != YAML_SCALAR_NODE)
			return false;
	return true;
}

/* Words for keys in all maps, and not too many of them. */
static bool are_orderly(struct side *s)
{
	for (yaml_node_t *n = s->document.nodes.start; n < s->document.nodes.top; n++)
		if (is_map(n) && !is_orderly(s, n))
			return false;
	return true;
}

static void first_complaint(void *arg, const char *text)
{
	struct err *e = arg;
	if (!*e->text)
		snprintf(e->text, sizeof(e->text), "%s", text);
}

static int open_side(struct side *s, const char *what, const char *text, size_t n, struct err *e)
{
	*s = (struct side){ 0 };
	if (complaints_init(&s->complaints))
		return err_set(e, E_NOMEM, "out of memory");
	s->complaints.given = true;
	s->complaints.subject = what;
	if (n > CONF_TENANT_MAX_BYTES || !utf8_valid(text, n))
		return err_set(e, E_CONFIG, "the %s are not UTF-8, or longer than 64KiB; give a map as JSON",
			       what);
	s->loaded = document_load(&s->document, text, n, &s->complaints);
	if (s->complaints.no_memory)
		return err_set(e, E_NOMEM, "out of memory");
	if (!s->loaded) {
		struct err first = { 0 };
		complaints_report(&s->complaints, first_complaint, &first);
		return err_set(e, E_CONFIG, "%s", first.text);
	}
	if (!is_map(yaml_document_get_root_node(&s->document)) || !are_orderly(s))
		return err_set(e, E_CONFIG, "the %s are no map of settings; give one as JSON", what);
	return OK;
}

static void close_side(struct side *s)
{
	if (s->loaded)
		yaml_document_delete(&s->document);
	complaints_release(&s->complaints);
}

int conf_tenant_set(const char *old, size_t old_n, const char *changes, size_t n, struct buf *out,
		    struct err *e)
{
	struct side was, now = { 0 };
	int rc = open_side(&was, "settings", old, old_n, e);
	if (!rc)
		rc = open_side(&now, "changes", changes, n, e);
	if (!rc) {
		merge(&was, yaml_document_get_root_node(&was.document), &now,
		      yaml_document_get_root_node(&now.document), out);
		rc = err_set(e, out->failed,
			     out->failed == E_LIMIT ? "the settings became too long; give fewer"
						    : "out of memory");
	}
	close_side(&was);
	close_side(&now);
	return rc;
}
