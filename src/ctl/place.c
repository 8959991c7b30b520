#include "ctl/place.h"

#include "ctl/link.h"
#include "muster/exit.h"

static int open_store(struct ctl *c, const char *path)
{
	struct store_options o = { .path = path, .read_only = true };
	int rc = store_open(&c->store, &o, &c->err);
	if (rc && !c->err.text[0])
		err_set(&c->err, rc, "the store \"%s\" could not be opened: %s", o.path, err_meaning(rc));
	c->exit = rc == E_LOCKED  ? MUSTER_EXIT_BUSY
		  : rc == E_NOMEM ? MUSTER_EXIT_SYSTEM
		  : rc            ? MUSTER_EXIT_STORE
				  : 0;
	return rc;
}

static int open_link(struct ctl *c, const char *path)
{
	int rc = link_open(&c->link, path, &c->err);
	c->exit = rc == E_CONFIG  ? MUSTER_EXIT_USAGE
		  : rc == E_NOMEM ? MUSTER_EXIT_SYSTEM
		  : rc            ? MUSTER_EXIT_UNREACHABLE
				  : 0;
	return rc;
}

/* Why the command cannot be answered by a store; NULL: it can. */
static const char *asks_daemon(const struct ctl *c, char name[64])
{
	snprintf(name, 64, "%s%s", c->command->name, c->options.given & OPTION_FOLLOW ? " --follow" : "");
	return c->command->source == FROM_DAEMON || c->options.given & OPTION_FOLLOW ? name : NULL;
}

static int open_named_store(struct ctl *c, const char *path, const char *advice)
{
	char name[64];
	if (!asks_daemon(c, name))
		return open_store(c, path);
	c->exit = MUSTER_EXIT_USAGE;
	return err_set(&c->err, E_CONFIG, "\"%s\" needs the daemon: %s", name, advice);
}

static void list_sockets(struct buf *out, const char *const *sockets)
{
	for (size_t i = 0; sockets[i]; i++)
		buf_printf(out, "%s%s", i ? ", " : "", sockets[i]);
}

static int no_daemon(struct ctl *c, const char *name, const char *const *sockets)
{
	struct buf text;
	buf_init(&text, 4096);
	list_sockets(&text, sockets);
	c->exit = MUSTER_EXIT_UNREACHABLE;
	err_set(&c->err, E_NOT_FOUND,
		"\"%s\" needs the daemon, and none listens at %s: start musterd, or give --socket PATH", name,
		buf_cstr(&text));
	buf_release(&text);
	return E_NOT_FOUND;
}

static int search(struct ctl *c, const struct ctl_surroundings *s)
{
	struct err kept = { 0 };
	char name[64];
	for (size_t i = 0; s->usual_sockets[i]; i++) {
		int rc = open_link(c, s->usual_sockets[i]);
		if (rc == OK || rc == E_NOMEM)
			return rc;
		if (rc == E_IO && !kept.code)
			kept = c->err;
	}
	c->err = (struct err){ 0 };
	if (!asks_daemon(c, name))
		return open_store(c, s->usual_store);
	if (!kept.code)
		return no_daemon(c, name, s->usual_sockets);
	c->err = kept;
	c->exit = MUSTER_EXIT_UNREACHABLE;
	return kept.code;
}

int place_open(struct ctl *c, const struct ctl_surroundings *s)
{
	const struct ctl_options *o = &c->options;
	if (c->command->source == FROM_NOTHING)
		return OK;
	if (o->store)
		return open_named_store(c, o->store, "give --socket PATH instead of --store");
	if (o->socket)
		return open_link(c, o->socket);
	if (s->socket)
		return open_link(c, s->socket);
	if (s->store)
		return open_named_store(c, s->store, "MUSTER_STORE names a store; give --socket PATH");
	return search(c, s);
}

void place_close(struct ctl *c)
{
	link_close(c->link);
	store_close(c->store);
}
