#include "conf/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char *join(struct reading *r, struct slice folder, struct slice path)
{
	bool slash = folder.n && folder.p[folder.n - 1] != '/';
	char *p = keep_room(r, (size_t)folder.n + slash + path.n + 1);
	if (!p)
		return NULL;
	memcpy(p, folder.p, folder.n);
	if (slash)
		p[folder.n] = '/';
	memcpy(p + folder.n + slash, path.p, path.n);
	return p;
}

static struct slice without_dot(struct slice path)
{
	while (path.n >= 2 && path.p[0] == '.' && path.p[1] == '/') {
		path = (struct slice){ path.p + 2, path.n - 2 };
		while (path.n && path.p[0] == '/')
			path = (struct slice){ path.p + 1, path.n - 1 };
	}
	return path;
}

char *path_absolute(struct reading *r, struct slice path)
{
	if (path.n && path.p[0] == '/')
		return keep(r, path);
	return join(r, slice_of(r->folder), without_dot(path));
}

char *path_folder(struct reading *r, const char *file)
{
	const char *slash = strrchr(file, '/');
	char here[PATH_MAX];
	if (slash == file)
		return keep(r, SLICE("/"));
	if (slash && file[0] == '/')
		return keep(r, (struct slice){ file, (uint32_t)(slash - file) });
	if (!getcwd(here, sizeof(here)))
		memcpy(here, ".", 2);
	if (!slash)
		return keep(r, slice_of(here));
	return join(r, slice_of(here), without_dot((struct slice){ file, (uint32_t)(slash - file) }));
}

int path_open(const char *path, struct err *why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		int code = errno;
		err_set(why, E_IO, "%s",
			code == ENOENT   ? "does not exist"
			: code == EACCES ? "may not be read by this user"
					 : strerrordesc_np(code));
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	err_set(why, E_IO, "is not a plain file");
	close(fd);
	return -1;
}

bool path_check_readable(struct reading *r, const yaml_node_t *node, const char *name, const char *path)
{
	struct err why;
	int fd = path_open(path, &why);
	if (fd < 0) {
		complain_node(r, node,
			      "\"%s\" names \"%.250s\", which %s; mend the path or the file's permissions",
			      name, path, why.text);
		return false;
	}
	close(fd);
	return true;
}

int path_check_socket(const char *path, struct err *e)
{
	struct sockaddr_un a;
	if (strlen(path) < sizeof(a.sun_path))
		return OK;
	return err_set(e, E_CONFIG, "a socket's path has at most %zu bytes and this has %zu; shorten it",
		       sizeof(a.sun_path) - 1, strlen(path));
}

int path_read(int fd, size_t most, struct buf *b)
{
	ssize_t n = 1;
	while (n && b->len <= most && buf_reserve(b, 4096)) {
		n = read(fd, b->data + b->len, 4096);
		if (n > 0)
			b->len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			return errno;
	}
	return b->failed == E_NOMEM ? ENOMEM : 0;
}
