/* Additional request headers of a tenant; they may be secrets, so no message
 * repeats a value. */
#pragma once

#include "conf/reading.h"

enum { HEADERS_MAX = 32, HEADER_MAX_BYTES = 4096 };

/* From a list of "Name: value" or a map of names to values: a NULL-terminated
 * array in the arena, NULL when there are none. */
const char *const *headers_read(struct reading *r, yaml_node_t *node, const char *name, const char *help);
/* The same from a NULL-terminated array of "Name: value". */
const char *const *headers_given(struct reading *r, const char *const *lines);
