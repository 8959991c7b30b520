#include "fleet/json_tree.h"

#include "base/mem.h"

#include <string.h>
#include <yajl/yajl_tree.h>

struct json_tree {
	yajl_val root;
};

/* yajl_tree_parse() recurses when it frees and allocates a node a value, so
 * the depth is counted before. It also takes comments, in which a quote would
 * hide the depth from this count: a slash outside of text is refused. */
static bool shallow(const char *s, size_t n)
{
	size_t depth = 0;
	bool in_text = false;
	for (size_t i = 0; i < n; i++) {
		if (in_text) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_text = false;
		} else if (s[i] == '"') {
			in_text = true;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > JSON_TREE_MAX_DEPTH)
				return false;
		} else if (s[i] == '/') {
			return false;
		} else if ((s[i] == '}' || s[i] == ']') && depth) {
			depth--;
		}
	}
	return true;
}

struct json_tree *json_tree_parse(const char *s, size_t n)
{
	if (!s || n > JSON_TREE_MAX_BYTES || !shallow(s, n))
		return NULL;
	char *text = mem_strndup(s, n);
	struct json_tree *t = text ? mem_zalloc(sizeof(*t)) : NULL;
	char why[128];
	if (t && memchr(text, '\0', n) == NULL)
		t->root = yajl_tree_parse(text, why, sizeof(why));
	mem_free(text);
	if (t && !YAJL_IS_OBJECT(t->root)) {
		json_tree_free(t);
		return NULL;
	}
	return t;
}

void json_tree_free(struct json_tree *t)
{
	if (!t)
		return;
	if (t->root)
		yajl_tree_free(t->root);
	mem_free(t);
}

static yajl_val find(const struct json_tree *t, const char *path)
{
	const char *names[8];
	char text[128];
	size_t count = 0;
	if (strlen(path) >= sizeof(text))
		return NULL;
	strncpy(text, path, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (char *p = text; p;) {
		if (count + 1 == sizeof(names) / sizeof(names[0]))
			return NULL;
		names[count++] = p;
		p = strchr(p, '.');
		if (p)
			*p++ = '\0';
	}
	names[count] = NULL;
	return yajl_tree_get(t->root, names, yajl_t_any);
}

const char *json_tree_text(const struct json_tree *t, const char *path)
{
	return YAJL_GET_STRING(find(t, path));
}

bool json_tree_int(const struct json_tree *t, const char *path, int64_t *out)
{
	yajl_val v = find(t, path);
	if (!YAJL_IS_INTEGER(v))
		return false;
	*out = YAJL_GET_INTEGER(v);
	return true;
}

bool json_tree_bool(const struct json_tree *t, const char *path, bool *out)
{
	yajl_val v = find(t, path);
	if (!YAJL_IS_TRUE(v) && !YAJL_IS_FALSE(v))
		return false;
	*out = YAJL_IS_TRUE(v);
	return true;
}

bool json_tree_has(const struct json_tree *t, const char *path)
{
	yajl_val v = find(t, path);
	return v && !YAJL_IS_NULL(v);
}

static yajl_val member(yajl_val object, const char *name)
{
	const char *path[] = { name, NULL };
	return yajl_tree_get(object, path, yajl_t_any);
}

const char *json_tree_first_text(const struct json_tree *t, const char *path, const char *name)
{
	yajl_val v = find(t, path);
	if (!YAJL_IS_ARRAY(v) || v->u.array.len == 0)
		return NULL;
	return YAJL_GET_STRING(member(v->u.array.values[0], name));
}

bool json_tree_each(const struct json_tree *t, const char *path, const char *id, const char *name,
		    void (*each)(void *arg, int64_t id, const char *text), void *arg)
{
	yajl_val v = find(t, path);
	if (!YAJL_IS_ARRAY(v))
		return false;
	for (size_t i = 0; i < v->u.array.len; i++) {
		yajl_val n = member(v->u.array.values[i], id);
		if (YAJL_IS_INTEGER(n))
			each(arg, YAJL_GET_INTEGER(n), YAJL_GET_STRING(member(v->u.array.values[i], name)));
	}
	return true;
}
