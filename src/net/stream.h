/* A UNIX listening socket and the byte streams it accepts: lines in, bytes out,
 * each with a ceiling, so that a peer that sends or reads slowly costs nobody
 * else anything. Everything belongs to the loop's thread. */
#pragma once

#include "base/slice.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener;
struct stream;

enum {
	LISTENER_STREAMS = 64,
	STREAM_LINE_MAX = 1 << 20,
	STREAM_FULL = 256 << 10,
	STREAM_QUEUE_MAX = 16 << 20,
};

/* Mode 0600 from birth. A socket that nobody listens on any more is replaced;
 * E_LOCKED when somebody does, E_CONFIG when something else stands there or the
 * path is too long, E_IO for the rest. The folder must exist. Two programs that
 * may start at the same time need a lock of their own. `accepted` gives the
 * stream away: its new owner calls stream_start() or stream_free(). No
 * descriptors left: logged, and accepting goes on a little later. Over
 * LISTENER_STREAMS at once: the peer is told so in one line of JSON (reason
 * "busy") and closed. */
int listener_new(struct listener **out, struct loop *l, const char *path,
		 void (*accepted)(void *arg, struct stream *s), void *arg, struct err *e);
/* Also removes the socket from the file system, unless another one stands there
 * by now. Its streams go on. NULL is fine. */
void listener_free(struct listener *l);

struct stream_events {
	/* One line without its end ("\n" or "\r\n"); valid during the call. */
	void (*line)(void *arg, struct slice line);
	/* What was queued has gone down to a quarter of STREAM_FULL, after
	 * stream_full() had been true; may be NULL. */
	void (*drained)(void *arg);
	/* The peer is gone, or sent a line longer than STREAM_LINE_MAX, or reading
	 * or writing failed; once, and nothing comes afterwards: lines that were
	 * not delivered yet are dropped. Comes also while paused. The owner frees.
	 * A peer that shut only its sending side down (`nc -N`) still gets its
	 * answers: that is ended(). */
	void (*gone)(void *arg, const char *why);
	/* No line comes any more, the peer still reads; may be NULL (then gone()).
	 * A last line without an end is none: half a command must not run. */
	void (*ended)(void *arg);
	void *arg;
};

/* The events come from the loop, never from inside a call of this module, and
 * each of them may call stream_free(). */
void stream_start(struct stream *s, const struct stream_events *events);
/* No more lines are delivered until resumed: a command is under way. */
void stream_pause(struct stream *s, bool paused);
/* Copies. Never blocks; a failure shows as gone(), and so does a queue of more
 * than STREAM_QUEUE_MAX. */
void stream_write(struct stream *s, const void *bytes, size_t n);
/* More than STREAM_FULL is queued: stop writing until drained(). */
bool stream_full(const struct stream *s);
/* Bytes that the kernel has not taken yet. */
size_t stream_queued(const struct stream *s);
/* The peer's user; false when the kernel does not say. */
bool stream_peer(const struct stream *s, uid_t *uid, pid_t *pid);
/* Detaches at once, also from inside a callback; what is queued is still sent
 * for a moment (a second, or until loop_free()). NULL is fine. */
void stream_free(struct stream *s);
