/* Paths and files that a configuration names. */
#pragma once

#include "conf/reading.h"

/* In the arena, absolute: what is relative begins at the file's folder. NULL
 * without memory (noted). */
char *path_absolute(struct reading *r, struct slice path);
/* The folder of `file`, absolute as far as the current folder is known. */
char *path_folder(struct reading *r, const char *file);
/* Complains at `node` unless the file can be opened for reading. */
bool path_check_readable(struct reading *r, const yaml_node_t *node, const char *name, const char *path);
/* Opens a plain file for reading without waiting for anything; -1 with `why`. */
int path_open(const char *path, struct err *why);
