/* A daemon for one connection, that says what it is told to. Include after cmocka. */
#pragma once

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000 };

struct fake {
	char folder[64], path[108], heard[4096];
	int listener;
	const char *answer;
	size_t piece; /* bytes sent at once */
	pthread_t thread;
};

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, TIMEOUT_MS) == 1;
}

static void hear(struct fake *f, int fd)
{
	size_t n = 0;
	while (n < sizeof(f->heard) - 1 && !memchr(f->heard, '\n', n) && readable(fd)) {
		ssize_t got = read(fd, f->heard + n, sizeof(f->heard) - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	f->heard[n] = '\0';
}

static void *serve(void *arg)
{
	struct fake *f = arg;
	size_t all = strlen(f->answer);
	int fd = readable(f->listener) ? accept(f->listener, NULL, NULL) : -1;
	if (fd < 0)
		return NULL;
	hear(f, fd);
	for (size_t at = 0; at < all;) {
		size_t n = all - at < f->piece ? all - at : f->piece;
		ssize_t sent = send(fd, f->answer + at, n, MSG_NOSIGNAL);
		if (sent <= 0)
			break;
		at += (size_t)sent;
	}
	close(fd);
	return NULL;
}

static void start(struct fake *f, const char *answer, size_t piece)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	*f = (struct fake){ .answer = answer, .piece = piece };
	snprintf(f->folder, sizeof(f->folder), "/tmp/muster-link-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/s", f->folder);
	memcpy(a.sun_path, f->path, sizeof(a.sun_path));
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void finish(struct fake *f)
{
	pthread_join(f->thread, NULL);
	close(f->listener);
	unlink(f->path);
	rmdir(f->folder);
}
