/* Paths and files that a configuration names. */
#pragma once

#include "base/buf.h"
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
/* E_CONFIG unless a UNIX socket can have this path; continues a sentence. */
int path_check_socket(const char *path, struct err *e);
/* All of a file's bytes into `b`, which has a ceiling of more than `most`; stops
 * behind `most`. 0 or an errno value. */
int path_read(int fd, size_t most, struct buf *b);
