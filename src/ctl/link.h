/* A connection to the admin socket of musterd (docs/admin.md): one command at a
 * time, rows come back as they are sent. Blocks. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct link;

/* E_NOT_FOUND when nobody listens there, E_CONFIG when no socket can have that
 * path, E_IO for anything else. */
int link_open(struct link **out, const char *path, struct err *e);
void link_close(struct link *l);

/* Appends one word of a command, quoted where it must be: what is quoted is no
 * option, whatever it looks like. The text must be UTF-8. A command grows by
 * way of wiped memory, since it may hold a token. */
void link_word(struct buf *command, const char *word);
/* Appends "--name", and the value unless that is NULL. */
void link_option(struct buf *command, const char *name, const char *value);
/* Makes room so that n more bytes leave no copy behind; false when that failed. */
bool link_reserve(struct buf *command, size_t n);
/* Overwrites and releases. */
void link_wipe(struct buf *command);

/* Sends the command and hands out its rows; a non-zero answer of `each` ends
 * the list (and the connection) and is returned. Then `end` holds the last
 * object. A refusal gives the daemon's own sentence and the code its `reason`
 * names; E_IO when the daemon went away. */
int link_ask(struct link *l, struct slice command, int (*each)(void *arg, struct slice row), void *arg,
	     struct buf *end, struct err *e);
/* The daemon went away while it was asked. */
bool link_lost(const struct link *l);
/* Another line has arrived already; for `each`, to know when to draw. */
bool link_pending(const struct link *l);
