/* A connection to the admin socket of musterd (docs/admin.md): one command at a
 * time, rows come back as they are sent. Blocks. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct link;

/* E_NOT_FOUND when nobody listens there, E_IO for anything else. */
int link_open(struct link **out, const char *path, struct err *e);
void link_close(struct link *l);

/* Appends one word of a command, quoted where it must be. */
void link_word(struct buf *command, const char *word);

/* Sends the command and hands out its rows; a non-zero answer of `each` ends
 * the list (and the connection) and is returned. Then `end` holds the last
 * object. A refusal gives the daemon's own sentence and the code its `reason`
 * names; E_IO when the daemon went away. */
int link_ask(struct link *l, struct slice command, int (*each)(void *arg, struct slice row), void *arg,
	     struct buf *end, struct err *e);
