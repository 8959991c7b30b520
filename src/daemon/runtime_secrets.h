/* The secrets of a tenant as the one text that is sealed, and back. Pure. */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"

enum { RUNTIME_HEADERS_MAX = 64 };

/* Secrets opened again: `secrets` points into it. */
struct runtime_secrets {
	struct buf text;
	const char *headers[RUNTIME_HEADERS_MAX + 1];
	struct conf_secrets secrets;
};

/* Appends JSON to an empty buffer, which is wiped with wiped_release(). No copy
 * is left behind by growing. E_NOMEM or E_LIMIT. */
int runtime_secrets_write(const struct conf_secrets *secrets, struct buf *out);
/* Of members that are missing there are none. E_NOMEM or E_LIMIT. Release it
 * either way. */
int runtime_secrets_read(struct runtime_secrets *out, struct slice json);
void runtime_secrets_release(struct runtime_secrets *s);

void wiped_release(struct buf *b);
