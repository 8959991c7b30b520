/* Where a command is answered: by a daemon or from a store. */
#pragma once

#include "ctl/command.h"
#include "ctl/ctl.h"

/* Opens c->link or c->store, or neither when the command needs none. What the
 * command line names is taken; else what the environment names, the socket before
 * the store; else the first of the usual sockets where somebody listens, else the
 * usual store. On failure c->err and c->exit are filled. */
int place_open(struct ctl *c, const struct ctl_surroundings *s);
void place_close(struct ctl *c);
