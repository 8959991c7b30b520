/* An admin engine on a loop of this thread, with the commands of admin_bench.h,
 * and a client on another thread. A client returns NULL when it saw what it
 * should, else what was wrong; it must not use cmocka's assertions, which cannot
 * leave a thread. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"
#include "net/work.h"
#include "serve/admin.h"

struct bench {
	struct loop *loop;
	struct work_queue *work;
	struct admin *admin;
	struct waker *client_ended;
	const char *(*client)(struct bench *b);
	const char *wrong;
	char folder[64], path[96];
	int closed;
	/* what the commands saw; the client looks at them */
	atomic_int begun, gone, done, last_rc;
	atomic_int slices_now, slices_most, slices;
};

/* Runs the engine until the client has ended and all is closed and freed; fails
 * the test when the client says so, or when something stays open. */
void bench_run(struct bench *b, const char *(*client)(struct bench *b));

/* -1 when it cannot connect. */
int client_connect(const struct bench *b);
bool client_send(int fd, const char *text);
/* Reads up to and with the n-th "\n", or to the end; how many bytes. */
size_t client_read_lines(int fd, char *out, size_t size, unsigned lines);
/* Sends, shuts its side down and reads to the end. */
size_t client_ask(const struct bench *b, const char *text, char *out, size_t size);
/* Waits for it, with an end. */
bool eventually(bool (*true_now)(struct bench *b), struct bench *b);
