/* The address of the HTTP listener: "127.0.0.1:9418", "[::1]:9418", "unix:/path",
 * or none. Only addresses in numbers, so that nothing has to be resolved. */
#pragma once

#include "conf/reading.h"

void listen_read(struct reading *r, const struct setting *s, void *into, yaml_node_t *value);
void listen_write(const void *from, struct buf *out);
