#include "unit/net/talk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void place_took(void *arg, struct stream *s)
{
	struct place *p = arg;
	assert_true(p->accepted < STREAMS);
	p->streams[p->accepted++] = s;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void place_run(struct place *p, uint64_t ms)
{
	struct timer *t;
	assert_int_equal(timer_new(&t, p->loop, stop, p->loop), OK);
	timer_arm(t, ms);
	loop_run(p->loop);
	timer_free(t);
}

void place_listen(struct place *p)
{
	struct err e = { 0 };
	if (listener_new(&p->listener, p->loop, p->path, place_took, p, &e))
		fail_msg("%s", e.text);
}

void place_begin(struct place *p)
{
	*p = (struct place){ 0 };
	snprintf(p->folder, sizeof(p->folder), "%s/muster-stream-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/admin.sock", p->folder);
	assert_int_equal(loop_new(&p->loop, NULL), OK);
}

void place_end(struct place *p)
{
	listener_free(p->listener);
	assert_int_equal(loop_free(p->loop), OK);
	assert_int_equal(access(p->path, F_OK), -1);
	assert_int_equal(rmdir(p->folder), 0);
}

int place_client(const struct place *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, p->path, strlen(p->path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

void talk_say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void on_line(void *arg, struct slice line)
{
	struct talk *t = arg;
	size_t have = strlen(t->lines);
	assert_int_equal(t->gone + t->ended, 0);
	t->count++;
	snprintf(t->lines + have, sizeof(t->lines) - have, "%.*s|", line.n < 100 ? (int)line.n : 100, line.p);
	if (t->pause_each)
		stream_pause(t->s, true);
	if (t->free_at_line) {
		stream_free(t->s);
		t->s = NULL;
	}
}

static void on_drained(void *arg)
{
	((struct talk *)arg)->drained++;
}

static void on_gone(void *arg, const char *why)
{
	struct talk *t = arg;
	t->gone++;
	snprintf(t->why, sizeof(t->why), "%s", why);
	if (t->free_at_gone) {
		stream_free(t->s);
		t->s = NULL;
	}
}

static void on_ended(void *arg)
{
	((struct talk *)arg)->ended++;
}

/* A client that is connected, and its stream, started. */
int talk_begin(struct place *p, struct talk *t)
{
	int fd = place_client(p), before = p->accepted;
	place_run(p, 10);
	assert_int_equal(p->accepted, before + 1);
	t->s = p->streams[before];
	struct stream_events ev = { .line = on_line,
				    .drained = on_drained,
				    .gone = on_gone,
				    .ended = t->ignores_end ? NULL : on_ended,
				    .arg = t };
	stream_start(t->s, &ev);
	return fd;
}
