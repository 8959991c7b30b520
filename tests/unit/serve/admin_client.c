#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/serve/admin_bench.h"
#include "unit/serve/admin_client.h"

enum { PATIENCE_MS = 20000 };

/* ---- the client's side ---- */

int client_connect(const struct bench *b)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", b->path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool client_send(int fd, const char *text)
{
	for (size_t n = strlen(text), at = 0; at < n;) {
		ssize_t k = send(fd, text + at, n - at, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		at += (size_t)k;
	}
	return true;
}

size_t client_read_lines(int fd, char *out, size_t size, unsigned lines)
{
	size_t n = 0;
	while (lines && n + 1 < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, PATIENCE_MS) <= 0 || read(fd, out + n, 1) != 1)
			break;
		lines -= out[n++] == '\n';
	}
	out[n] = '\0';
	return n;
}

size_t client_ask(const struct bench *b, const char *text, char *out, size_t size)
{
	int fd = client_connect(b);
	out[0] = '\0';
	if (fd < 0)
		return 0;
	/* one that is turned away may be closed before it has sent anything */
	client_send(fd, text);
	shutdown(fd, SHUT_WR);
	size_t n = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (n + 1 < size && poll(&p, 1, PATIENCE_MS) > 0) {
		ssize_t k = read(fd, out + n, size - 1 - n);
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	out[n] = '\0';
	close(fd);
	return n;
}

bool eventually(bool (*true_now)(struct bench *b), struct bench *b)
{
	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		if (true_now(b))
			return true;
		usleep(5000);
	}
	return false;
}

/* ---- the engine's side ---- */

static void *client_thread(void *arg)
{
	struct bench *b = arg;
	b->wrong = b->client(b);
	waker_wake(b->client_ended);
	return NULL;
}

static void closed(void *arg)
{
	struct bench *b = arg;
	b->closed++;
	admin_free(b->admin);
	work_queue_free(b->work);
}

static void client_ended(void *arg)
{
	struct bench *b = arg;
	waker_free(b->client_ended);
	admin_close(b->admin, closed, b);
}

void bench_run(struct bench *b, const char *(*client)(struct bench *b))
{
	pthread_t thread;
	struct err e = { 0 };
	*b = (struct bench){ .client = client, .folder = "/tmp/muster-admin-XXXXXX" };
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->path, sizeof(b->path), "%s/admin.sock", b->folder);
	assert_int_equal(loop_new(&b->loop, &e), OK);
	assert_int_equal(work_queue_new(&b->work, b->loop), OK);
	assert_int_equal(waker_new(&b->client_ended, b->loop, client_ended, b), OK);
	struct admin_options o = { b->path, bench_commands, bench_command_count, b->work, b };
	assert_int_equal(admin_new(&b->admin, b->loop, &o, &e), OK);
	assert_int_equal(pthread_create(&thread, NULL, client_thread, b), 0);
	loop_run(b->loop);
	pthread_join(thread, NULL);
	assert_int_equal(loop_free(b->loop), OK);
	assert_int_equal(b->closed, 1);
	assert_int_equal(rmdir(b->folder), 0); /* the socket has gone */
	if (b->wrong)
		fail_msg("%s", b->wrong);
}
