/* The loop: libuv behind a small face, so that no other folder needs uv.h.
 * Owned by main(); everything on it must be closed before loop_free(), which
 * returns 0 only when the loop closed clean. Everything here belongs to the
 * loop's thread, except waker_wake(). */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct loop;
struct timer;
struct waker;

/* Also makes the process ignore SIGPIPE: a peer that hangs up is an error code. */
int loop_new(struct loop **out, struct err *e);
/* Runs until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Lets the handles that are closing finish, then closes the loop. Non-zero
 * (E_INTERNAL, and the loop stays) when a handle is still open. */
int loop_free(struct loop *l);
struct uv_loop_s *loop_uv(struct loop *l);

/* A timer that can be armed again and again; fires once per arming. The
 * callback is never called from inside timer_arm(); 0 means the loop's next
 * turn, several of those in no certain order. timer_free() detaches at
 * once (also from inside the callback; NULL is fine); the memory goes when
 * libuv has closed the handle. An armed timer keeps loop_run() going. */
int timer_new(struct timer **out, struct loop *l, void (*fire)(void *arg), void *arg);
void timer_arm(struct timer *t, uint64_t after_ms);
void timer_disarm(struct timer *t);
void timer_free(struct timer *t);

/* Lets another thread cause a callback on the loop thread; calls may fold.
 * Keeps loop_run() going until it is freed. After waker_free() no callback
 * comes, and no other thread may call waker_wake() any more. */
int waker_new(struct waker **out, struct loop *l, void (*woken)(void *arg), void *arg);
void waker_wake(struct waker *w); /* any thread */
void waker_free(struct waker *w);

/* SIGINT and SIGTERM: `stop` is called with how many have come so far. Does not
 * keep loop_run() going by itself. */
struct interrupts;
int interrupts_new(struct interrupts **out, struct loop *l, void (*stop)(void *arg, int count), void *arg);
void interrupts_free(struct interrupts *i);

/* Any other signal (SIGHUP): `came` is called on the loop, calls may fold. Does
 * not keep loop_run() going by itself; any callback may free it. */
struct signal_watch;
int signal_watch_new(struct signal_watch **out, struct loop *l, int signum, void (*came)(void *arg),
		     void *arg);
void signal_watch_free(struct signal_watch *w);

/* How late the loop is: a timer is due each LOOP_LAG_EVERY_MS, and `late` is told
 * by how much it was not in time. A long callback shows as one large value. Does
 * not keep loop_run() going; any callback may free it. */
enum { LOOP_LAG_EVERY_MS = 100 };
struct loop_lag;
int loop_lag_new(struct loop_lag **out, struct loop *l, void (*late)(void *arg, uint64_t late_us), void *arg);
void loop_lag_free(struct loop_lag *w);
