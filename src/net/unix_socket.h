/* A UNIX socket that listens, and its place in the file system. */
#pragma once

#include "base/err.h"

#include <sys/types.h>
#include <sys/un.h>

struct unix_socket {
	int fd; /* -1: none */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t device; /* of the file */
	ino_t inode;
};

/* Never with more rights than `mode`. A socket that nobody listens on any more
 * is replaced; E_LOCKED when somebody does, E_CONFIG when something else stands
 * there or the path is too long, E_IO for the rest. */
int unix_socket_listen(struct unix_socket *s, const char *path, mode_t mode, struct err *e);
/* Also removes the file, unless another one stands there by now. Also of one
 * that failed. */
void unix_socket_close(struct unix_socket *s);
