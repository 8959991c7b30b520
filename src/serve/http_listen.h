/* The address an HTTP listener is given, and the socket made from it. */
#pragma once

#include "base/err.h"
#include "net/unix_socket.h"

struct http_listen {
	int fd;
	struct unix_socket file; /* of a UNIX socket */
	char address[160];       /* as it is written, with the port that was picked */
};

/* The errors of http_server_new(). */
int http_listen_open(struct http_listen *l, const char *address, struct err *e);
/* Also of one that failed. */
void http_listen_close(struct http_listen *l);
