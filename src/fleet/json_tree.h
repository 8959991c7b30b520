/* Small answers as a tree: yajl_tree behind a face that takes member paths.
 * Everything returned lives as long as the tree. Absent, null and wrong types
 * are all "not there". Trees are for answers of a known small size only; lists
 * go through page_parser.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_tree;

enum { JSON_TREE_MAX_BYTES = 8 * 1024 * 1024, JSON_TREE_MAX_DEPTH = 64 };

/* NULL when it is not one JSON object, too large, too deep, or memory is out.
 * Ill-formed UTF-8 makes it NULL too. */
struct json_tree *json_tree_parse(const char *s, size_t n);
void json_tree_free(struct json_tree *t);

/* `path` is one to seven names joined by '.', shorter than 128 bytes. */
const char *json_tree_text(const struct json_tree *t, const char *path);
bool json_tree_int(const struct json_tree *t, const char *path, int64_t *out);
bool json_tree_bool(const struct json_tree *t, const char *path, bool *out);
bool json_tree_has(const struct json_tree *t, const char *path);
/* The text member `name` of the first object of the array at `path`. */
const char *json_tree_first_text(const struct json_tree *t, const char *path, const char *name);
/* Calls `each` with the number `id` and the text `name` (NULL when missing) of each object of the array. */
bool json_tree_each(const struct json_tree *t, const char *path, const char *id, const char *name,
		    void (*each)(void *arg, int64_t id, const char *text), void *arg);
