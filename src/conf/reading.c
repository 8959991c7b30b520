#include "conf/reading.h"

#include "base/suggest.h"
#include "conf/path.h"
#include "conf/value.h"

#include <ctype.h>
#include <stdio.h>

bool reading_over(const struct reading *r)
{
	return r->complaints.no_memory || r->complaints.full;
}

struct place place_of_node(const yaml_node_t *node)
{
	return node ? place_of(node->start_mark) : (struct place){ 1, 1, 0 };
}

void about_setting(struct reading *r, const char *group, const char *name)
{
	char text[128];
	if (!r->complaints.given)
		return;
	r->complaints.subject = NULL;
	if (!name)
		return;
	int n = snprintf(text, sizeof(text), "%s%s%s", group, *group ? "." : "", name);
	if (n >= 0 && (size_t)n < sizeof(text))
		r->complaints.subject = keep(r, (struct slice){ text, (uint32_t)n });
}

void complain_node(struct reading *r, const yaml_node_t *node, const char *fmt, ...)
{
	struct err e;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	complain(&r->complaints, place_of_node(node), COMPLAINT_ERROR, "%s", e.text);
}

void *keep_room(struct reading *r, size_t bytes)
{
	void *p = arena_alloc(r->arena, bytes);
	if (p)
		memset(p, 0, bytes);
	else
		r->complaints.no_memory = true;
	return p;
}

char *keep(struct reading *r, struct slice text)
{
	char *p = keep_room(r, (size_t)text.n + 1);
	if (p && text.n)
		memcpy(p, text.p, text.n);
	return p;
}

/* ---- nodes ---- */
static struct slice scalar(const yaml_node_t *node)
{
	return (struct slice){ (const char *)node->data.scalar.value, (uint32_t)node->data.scalar.length };
}

static bool is_nothing(const yaml_node_t *node)
{
	struct slice s = scalar(node);
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!s.n || slice_is(s, "~") || slice_is(s, "null") || slice_is(s, "Null") ||
		slice_is(s, "NULL"));
}

const char *node_kind(const yaml_node_t *node)
{
	if (node->type == YAML_SCALAR_NODE)
		return is_nothing(node) ? "nothing" : "a value";
	return node->type == YAML_SEQUENCE_NODE ? "a list" : "a map";
}

/* `what` is the subject of the complaint, in quotes if it is a word of the file. */
static bool tag_is_ours(struct reading *r, const yaml_node_t *node, const char *what)
{
	if (!node->tag || strncmp((const char *)node->tag, "tag:yaml.org,2002:", 18) == 0)
		return true;
	complain_node(r, node, "%s has the tag %s, which means nothing here; remove it", what,
		      quote(slice_of((const char *)node->tag)).text);
	return false;
}

bool node_text(struct reading *r, yaml_node_t *node, const char *name, const char *help, struct slice *out)
{
	if (node->type != YAML_SCALAR_NODE) {
		complain_node(r, node, "\"%s\" is %s where a value is wanted; give %s", name, node_kind(node),
			      help);
		return false;
	}
	if (is_nothing(node)) {
		complain_node(r, node, "\"%s\" has no value; give %s, or remove it", name, help);
		return false;
	}
	if (!tag_is_ours(r, node, quote(slice_of(name)).text))
		return false;
	struct slice s = scalar(node);
	while (s.n && isspace((unsigned char)s.p[0]))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	if (!s.n) {
		complain_node(r, node, "\"%s\" is empty; give %s, or remove it", name, help);
		return false;
	}
	for (uint32_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f) {
			complain_node(
				r, node,
				"\"%s\" has a line break or another control character inside; remove it",
				name);
			return false;
		}
	*out = s;
	return true;
}

bool node_list(struct reading *r, yaml_node_t *node, const char *name, const char *help,
	       yaml_node_item_t **first, size_t *count)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		complain_node(r, node, "\"%s\" is %s where a list is wanted; give %s", name, node_kind(node),
			      help);
		return false;
	}
	if (!tag_is_ours(r, node, quote(slice_of(name)).text))
		return false;
	*first = node->data.sequence.items.start;
	*count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	return true;
}

/* ---- one value ---- */
static bool numeric(enum setting_kind kind)
{
	return kind == SETTING_SIZE || kind == SETTING_DURATION_S || kind == SETTING_AGE ||
	       kind == SETTING_DURATION_MS || kind == SETTING_COUNT || kind == SETTING_COUNT_OR_AUTO;
}

static bool counted(enum setting_kind kind)
{
	return kind == SETTING_COUNT || kind == SETTING_COUNT_OR_AUTO;
}

static void number_text(const struct setting *s, uint64_t n, char out[VALUE_TEXT])
{
	if (s->kind == SETTING_SIZE)
		value_size_text(n, out);
	else if (counted(s->kind))
		snprintf(out, VALUE_TEXT, "%llu", (unsigned long long)n);
	else
		value_duration_text(n, out);
}

static int read_number(const struct setting *s, struct slice text, uint64_t *n, struct err *e)
{
	int rc = s->kind == SETTING_SIZE ? value_size(text, n, e)
		 : counted(s->kind)      ? value_count(text, n, e)
					 : value_duration_s(text, n, e);
	char least[VALUE_TEXT], most[VALUE_TEXT];
	number_text(s, s->least, least);
	number_text(s, s->most, most);
	if (rc && s->kind == SETTING_COUNT_OR_AUTO)
		return err_set(e, E_CONFIG, "write auto, or a whole number from %s to %s", least, most);
	if (rc && s->kind == SETTING_AGE)
		return err_set(e, E_CONFIG, "write forever, or a duration from %s to %s, such as 30d", least,
			       most);
	if (rc || (*n >= s->least && *n <= s->most))
		return rc;
	return err_set(e, E_CONFIG, "it must be from %s to %s", least, most);
}

static void put_number(const struct setting *s, void *into, uint64_t n)
{
	char *member = (char *)into + s->at;
	if (s->kind == SETTING_SIZE)
		*(uint64_t *)member = n;
	else if (s->kind == SETTING_DURATION_S || s->kind == SETTING_AGE)
		*(int64_t *)member = (int64_t)n;
	else
		*(uint32_t *)member = (uint32_t)(s->kind == SETTING_DURATION_MS ? n * 1000 : n);
}

static int put_numeric(const struct setting *s, void *into, struct slice text, struct err *e)
{
	uint64_t n = 0;
	int rc = OK;
	if (s->kind == SETTING_AGE && slice_is(text, "forever"))
		n = INT64_MAX;
	else if (s->kind != SETTING_COUNT_OR_AUTO || !slice_is(text, "auto"))
		rc = read_number(s, text, &n, e);
	if (!rc)
		put_number(s, into, n);
	return rc;
}

static int put_word(const struct setting *s, void *into, struct slice text, struct err *e)
{
	size_t count = 0;
	for (; s->words[count]; count++)
		if (slice_is(text, s->words[count])) {
			*(int *)((char *)into + s->at) = (int)count;
			return OK;
		}
	const char *near = nearest(text, s->words, count);
	return near ? err_set(e, E_CONFIG, "did you mean \"%s\"?", near)
		    : err_set(e, E_CONFIG, "write %s", s->help);
}

static int put_path(struct reading *r, const struct setting *s, void *into, struct slice text, struct err *e)
{
	const char **member = (const char **)((char *)into + s->at);
	bool none = s->kind == SETTING_SOCKET && slice_is(text, "none");
	*member = none ? NULL : path_absolute(r, text);
	return s->kind == SETTING_SOCKET && *member ? path_check_socket(*member, e) : OK;
}

/* What stands in `text` into the member of `s`; E_CONFIG with a remedy. */
static int put(struct reading *r, const struct setting *s, void *into, struct slice text, struct err *e)
{
	if (s->kind == SETTING_BOOL)
		return value_bool(text, (bool *)((char *)into + s->at), e);
	if (s->kind == SETTING_WORD)
		return put_word(s, into, text, e);
	if (numeric(s->kind))
		return put_numeric(s, into, text, e);
	if (s->kind != SETTING_TEXT)
		return put_path(r, s, into, text, e);
	*(const char **)((char *)into + s->at) = keep(r, text);
	return OK;
}

static void read_value(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct slice text;
	struct err e;
	if (s->kind == SETTING_LATER)
		return;
	if (s->kind == SETTING_OWN) {
		s->read(r, s, into, value);
		return;
	}
	if (!node_text(r, value, s->name, s->help, &text))
		return;
	if (put(r, s, into, text, &e))
		complain_node(r, value, "\"%s\" is %s; %s", s->name, quote(text).text, e.text);
	else if (s->kind == SETTING_FILE && !reading_over(r))
		path_check_readable(r, value, s->name, *(const char **)((char *)into + s->at));
}

void settings_standard(struct reading *r, const struct setting_table *table, void *into)
{
	struct err e;
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *s = &table->rows[i];
		if (s->standard && s->kind != SETTING_OWN && s->kind != SETTING_LATER)
			put(r, s, into, slice_of(s->standard), &e);
	}
}

/* ---- a map ---- */
static const struct setting *find(const struct setting_table *table, const char *group, struct slice name)
{
	for (size_t i = 0; i < table->count; i++)
		if ((!group || strcmp(table->rows[i].group, group) == 0) &&
		    slice_is(name, table->rows[i].name))
			return &table->rows[i];
	return NULL;
}

const char *nearest(struct slice word, const char *const *known, size_t count)
{
	char text[64];
	if (word.n >= sizeof(text))
		return NULL;
	memcpy(text, word.p, word.n);
	text[word.n] = '\0';
	return suggest(text, known, count);
}

/* About a setting that there is not. */
static void about_word(struct reading *r, const char *group, struct slice name)
{
	struct quoted word = quote(name);
	word.text[strlen(word.text) - 1] = '\0';
	about_setting(r, group, word.text + 1);
}

static void complain_unknown(struct reading *r, const struct setting_table *table, const char *group,
			     const char *what, yaml_node_t *key)
{
	enum { MOST = 32 };
	const char *names[MOST];
	char known[300] = "";
	size_t count = 0, n = 0;
	struct slice name = scalar(key);
	about_word(r, group, name);
	const struct setting *elsewhere = find(table, NULL, name);
	if (elsewhere) {
		complain_node(r, key, "unknown setting %s in %s; it belongs in %s", quote(name).text, what,
			      *elsewhere->group ? quote(slice_of(elsewhere->group)).text
						: "the map around it");
		return;
	}
	for (size_t i = 0; i < table->count && count < MOST; i++)
		if (strcmp(table->rows[i].group, group) == 0)
			names[count++] = table->rows[i].name;
	const char *near = nearest(name, names, count);
	if (near) {
		complain_node(r, key, "unknown setting %s in %s; did you mean \"%s\"?", quote(name).text,
			      what, near);
		return;
	}
	for (size_t i = 0; i < count && n < sizeof(known); i++)
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", i ? ", " : "", names[i]);
	complain_node(r, key, "unknown setting %s in %s; known are %s", quote(name).text, what, known);
}

static bool read_group(struct reading *r, const struct setting_table *table, const char *group,
		       yaml_node_t *node, const char *what, void *into, struct setting_found *found);

/* True when `s` may not stand where it was found. */
static bool refused_here(struct reading *r, const struct setting *s, const yaml_node_t *key)
{
	if (r->defaults && s->single)
		complain_node(r, key, "\"%s\" is of one tenant and no default; move it there", s->name);
	else if (r->secrets && s->not_given)
		complain_node(r, key, "\"%s\" %s", s->name, s->not_given);
	else
		return false;
	return true;
}

static bool found_twice(struct reading *r, const struct setting *s, const char *what, const yaml_node_t *key,
			const yaml_node_t *first)
{
	if (!first)
		return false;
	if (r->complaints.given)
		complain_node(r, key, "\"%s\" stands twice in %s; remove one of them", s->name, what);
	else
		complain_node(r, key, "\"%s\" stands twice in %s, first in line %u; remove one of them",
			      s->name, what, place_of_node(first).line);
	return true;
}

static void read_setting(struct reading *r, const struct setting_table *table, const struct setting *s,
			 const char *what, yaml_node_t *key, yaml_node_t *value, void *into,
			 struct setting_found *found)
{
	struct setting_found *f = &found[s - table->rows];
	about_setting(r, s->group, s->name);
	if (found_twice(r, s, what, key, f->key) || refused_here(r, s, key))
		return;
	*f = (struct setting_found){ key, value };
	if (s->kind == SETTING_MAP)
		read_group(r, table, s->name, value, quote(slice_of(s->name)).text, into, found);
	else
		read_value(r, s, into, value);
}

static void read_pair(struct reading *r, const struct setting_table *table, const char *group,
		      const char *what, yaml_node_t *key, yaml_node_t *value, void *into,
		      struct setting_found *found)
{
	if (key->type != YAML_SCALAR_NODE) {
		complain_node(r, key, "%s is used as the name of a setting; write \"name: value\"",
			      node_kind(key));
		return;
	}
	if (slice_is(scalar(key), "<<")) {
		complain_node(r, key, "merging with << is not understood; write the settings out");
		return;
	}
	const struct setting *s = find(table, group, scalar(key));
	if (s)
		read_setting(r, table, s, what, key, value, into, found);
	else
		complain_unknown(r, table, group, what, key);
	about_setting(r, NULL, NULL);
}

static bool read_group(struct reading *r, const struct setting_table *table, const char *group,
		       yaml_node_t *node, const char *what, void *into, struct setting_found *found)
{
	if (node->type != YAML_MAPPING_NODE) {
		complain_node(r, node,
			      "%s is %s where a map is wanted; write its settings as \"name: value\"", what,
			      node->type == YAML_SCALAR_NODE && is_nothing(node) ? "nothing"
										 : node_kind(node));
		return false;
	}
	if (!tag_is_ours(r, node, what))
		return false;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top && !reading_over(r); p++)
		read_pair(r, table, group, what, yaml_document_get_node(r->document, p->key),
			  yaml_document_get_node(r->document, p->value), into, found);
	return true;
}

bool settings_read(struct reading *r, const struct setting_table *table, yaml_node_t *node, const char *what,
		   void *into, struct setting_found *found)
{
	memset(found, 0, table->count * sizeof(*found));
	return read_group(r, table, "", node, what, into, found);
}
