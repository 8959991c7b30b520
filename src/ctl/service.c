/* Commands about the daemon itself that are more than their rows. */
#include "ctl/command.h"
#include "muster/exit.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

int command_doctor(struct ctl *c)
{
	int rc = command_rows(c);
	c->bad = slice_is(source_end(c, "verdict"), "\"failed\"");
	return rc;
}

/* A configuration with errors has a code of its own. */
int command_reload(struct ctl *c)
{
	int rc = command_rows(c);
	if (rc == E_CONFIG)
		c->exit = MUSTER_EXIT_CONFIG;
	return rc;
}

/* The daemon has another working folder than who asks it. */
int command_copy(struct ctl *c)
{
	char folder[PATH_MAX];
	struct buf path;
	if (c->words[0][0] == '/')
		return command_rows(c);
	if (!getcwd(folder, sizeof(folder)))
		return err_set(&c->err, E_IO, "the current folder cannot be told: %s; give the whole path",
			       strerror(errno));
	buf_init(&path, 2 * PATH_MAX);
	buf_printf(&path, "%s/%s", folder, c->words[0]);
	c->words[0] = buf_cstr(&path);
	int rc = path.failed ? path.failed : command_rows(c);
	buf_release(&path);
	c->words[0] = NULL;
	return ctl_failed(c, rc, "naming the copy");
}
