#include "serve/http_listen.h"

#include "base/must.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128, HOST_BYTES = 80, PORT_BYTES = 8 };

struct place {
	char host[HOST_BYTES], port[PORT_BYTES];
};

static int no_address(struct err *e, const char *address)
{
	return err_set(
		e, E_CONFIG,
		"\"%.120s\" is no address to listen on; write it as \"127.0.0.1:9418\", \"[::1]:9418\" or "
		"\"unix:/path\"",
		address);
}

/* "host:port", the host in brackets when it contains colons. */
static bool split(const char *address, struct place *p)
{
	const char *colon = strrchr(address, ':');
	size_t host = colon ? (size_t)(colon - address) : 0;
	bool brackets = host > 2 && address[0] == '[' && address[host - 1] == ']';
	if (brackets) {
		address++;
		host -= 2;
	}
	if (!host || host >= HOST_BYTES || (memchr(address, ':', host) != NULL) != brackets)
		return false;
	size_t digits = strspn(colon + 1, "0123456789");
	if (!digits || digits > 5 || colon[1 + digits])
		return false;
	memcpy(p->host, address, host);
	p->host[host] = '\0';
	memcpy(p->port, colon + 1, digits + 1);
	return true;
}

/* Numbers only, so that no name server is asked. */
static int numeric(const char *address, struct addrinfo **out, struct err *e)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct place p;
	if (!split(address, &p))
		return no_address(e, address);
	unsigned long port = 0;
	for (const char *c = p.port; *c; c++)
		port = port * 10 + (unsigned long)(*c - '0');
	if (port > 65535)
		return err_set(e, E_CONFIG,
			       "\"%.120s\" has no port; ports go from 1 to 65535, 0 picks a free one",
			       address);
	int rc = getaddrinfo(p.host, p.port, &hints, out);
	if (rc == EAI_MEMORY)
		return err_set(e, E_NOMEM, "out of memory for the address \"%.120s\"", address);
	return rc ? no_address(e, address) : OK;
}

static int bind_error(struct err *e, const char *address)
{
	switch (errno) {
	case EADDRINUSE:
		return err_set(e, E_LOCKED,
			       "somebody listens on \"%s\" already; stop that program or choose another port",
			       address);
	case EADDRNOTAVAIL:
		return err_set(
			e, E_CONFIG,
			"\"%s\" cannot be listened on: this machine has no such address; choose one that "
			"\"ip address\" shows",
			address);
	case EACCES:
	case EPERM:
		return err_set(e, E_CONFIG,
			       "\"%s\" cannot be listened on: this user may not; choose a port from 1024 on",
			       address);
	default:
		return err_set(e, errno == ENOMEM ? E_NOMEM : E_IO, "\"%s\" cannot be listened on: %s",
			       address, strerror(errno));
	}
}

/* The port may be another one than was asked for. */
static bool tell_address(struct http_listen *l)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);
	char host[HOST_BYTES], port[PORT_BYTES];
	if (getsockname(l->fd, (struct sockaddr *)&a, &n) ||
	    getnameinfo((struct sockaddr *)&a, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return false;
	snprintf(l->address, sizeof(l->address), a.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return true;
}

static int open_tcp(struct http_listen *l, const char *address, struct err *e)
{
	struct addrinfo *a = NULL;
	int yes = 1, rc = numeric(address, &a, e);
	if (rc)
		return rc;
	must(a != NULL);
	l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    bind(l->fd, a->ai_addr, a->ai_addrlen) || listen(l->fd, BACKLOG) || !tell_address(l))
		rc = bind_error(e, address);
	freeaddrinfo(a);
	return rc;
}

static int open_unix(struct http_listen *l, const char *address, const char *path, struct err *e)
{
	int rc = unix_socket_listen(&l->file, path, 0660, e);
	l->fd = l->file.fd;
	snprintf(l->address, sizeof(l->address), "%s", address);
	return rc;
}

int http_listen_open(struct http_listen *l, const char *address, struct err *e)
{
	static const char scheme[] = "unix:";
	size_t n = sizeof(scheme) - 1;
	*l = (struct http_listen){ .fd = -1, .file.fd = -1 };
	int rc = strncmp(address, scheme, n) == 0 ? open_unix(l, address, address + n, e)
						  : open_tcp(l, address, e);
	if (rc)
		http_listen_close(l);
	return rc;
}

void http_listen_close(struct http_listen *l)
{
	if (l->file.fd >= 0)
		unix_socket_close(&l->file);
	else if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
