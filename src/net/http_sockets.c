/* Which sockets curl has open for an origin. Curl asks for each and tells of
 * closing those that were connected; the ones it gave up before that it closes
 * silently, so those are looked for afterwards. */
#include "base/mem.h"
#include "net/http_state.h"

#include <sys/stat.h>
#include <unistd.h>

struct http_open_socket {
	LIST_ENTRY(http_open_socket) link;
	int fd;
	ino_t inode; /* the number alone may mean another socket by now */
};

static ino_t inode_of(int fd)
{
	struct stat st;
	return fstat(fd, &st) ? 0 : st.st_ino;
}

static void forget(struct http_origin *o, struct http_open_socket *s)
{
	LIST_REMOVE(s, link);
	mem_free(s);
	o->open--;
	o->client->open--;
}

int http_sockets_add(struct http_origin *o, int fd)
{
	struct http_open_socket *s = mem_zalloc(sizeof(*s));
	if (!s)
		return E_NOMEM;
	s->fd = fd;
	s->inode = inode_of(fd);
	LIST_INSERT_HEAD(&o->sockets, s, link);
	o->open++;
	o->client->open++;
	o->client->opened++;
	return OK;
}

static struct http_open_socket *find(struct http_origin *o, int fd)
{
	struct http_open_socket *s;
	ino_t inode = inode_of(fd);
	LIST_FOREACH(s, &o->sockets, link)
	if (s->fd == fd && s->inode == inode)
		return s;
	return NULL;
}

int http_sockets_close(struct http_origin *o, int fd)
{
	struct http_open_socket *s = find(o, fd);
	if (s)
		forget(o, s);
	return close(fd);
}

void http_sockets_look(struct http_origin *o)
{
	struct http_open_socket *next;
	for (struct http_open_socket *s = LIST_FIRST(&o->sockets); s; s = next) {
		next = LIST_NEXT(s, link);
		if (inode_of(s->fd) != s->inode)
			forget(o, s);
	}
}
