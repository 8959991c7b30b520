#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/stream_state.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	READ_BYTES = 16 << 10,
	/* What may wait behind the line that is worked on. */
	PENDING_BYTES = 64 << 10,
	LINGER_MS = 1000,
	/* How often a peer is looked at that nothing is read from. */
	LOOK_MS = 500,
};

struct stream {
	uv_pipe_t uv;
	struct loop_lingering lingering; /* in the loop's list once detached */
	struct loop *loop;
	struct timer *soon; /* lines or an end are to be delivered */
	struct timer *look; /* at a silent peer; the end of lingering */
	struct stream_slots *slots;
	struct stream_events events;
	struct buf in;
	size_t searched; /* no line end before this place */
	struct ucred peer;
	bool has_peer, started, paused, reading;
	bool detached;    /* its owner let go of it */
	bool closing;     /* libuv has been told */
	bool over;        /* gone() came */
	bool eof, ended;  /* the end came, ended() came */
	bool was_full;    /* drained() is owed */
	const char *fail; /* why gone() is to come */
};

struct piece {
	uv_write_t uv;
	struct stream *stream;
	char bytes[];
};

void stream_slots_release(struct stream_slots *slots)
{
	if (--slots->references == 0)
		mem_free(slots);
}

static void closed(uv_handle_t *uv)
{
	struct stream *s = uv->data;
	s->slots->used--;
	stream_slots_release(s->slots);
	buf_release(&s->in);
	mem_free(s);
}

static void close_now(struct stream *s)
{
	if (s->closing)
		return;
	s->closing = true;
	timer_free(s->soon);
	timer_free(s->look);
	uv_close((uv_handle_t *)&s->uv, closed);
}

static void fail(struct stream *s, const char *why)
{
	if (s->over || s->detached || s->fail)
		return;
	s->fail = why;
	timer_arm(s->soon, 0);
}

static size_t queued(const struct stream *s)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&s->uv);
}

/* ---- reading ---- */

static void room(uv_handle_t *uv, size_t hint, uv_buf_t *out)
{
	struct stream *s = uv->data;
	(void)hint;
	bool fine = buf_reserve(&s->in, READ_BYTES);
	*out = uv_buf_init(fine ? s->in.data + s->in.len : NULL, fine ? READ_BYTES : 0);
}

static void came(uv_stream_t *uv, ssize_t n, const uv_buf_t *b);

static void read_or_not(struct stream *s)
{
	bool want = s->started && !s->eof && !s->over && !s->fail && !s->detached &&
		    !(s->paused && s->in.len >= PENDING_BYTES);
	if (want == s->reading)
		return;
	s->reading = want;
	if (!want)
		uv_read_stop((uv_stream_t *)&s->uv);
	else if (uv_read_start((uv_stream_t *)&s->uv, room, came))
		fail(s, "it cannot be read");
	if (!want && !s->detached)
		timer_arm(s->look, LOOK_MS);
}

/* One line, when there is one; the owner may free the stream in it. */
static bool deliver_line(struct stream *s, size_t *at)
{
	const char *from = s->in.data + *at;
	size_t known = s->searched > *at ? s->searched - *at : 0;
	const char *end = memchr(from + known, '\n', s->in.len - *at - known);
	s->searched = s->in.len;
	if (!end)
		return false;
	size_t n = (size_t)(end - from);
	s->searched = *at += n + 1;
	if (n && from[n - 1] == '\r')
		n--;
	s->events.line(s->events.arg, (struct slice){ from, (uint32_t)n });
	return true;
}

static void deliver_lines(struct stream *s)
{
	size_t at = 0;
	while (!s->paused && !s->detached && !s->fail && at < s->in.len && deliver_line(s, &at))
		;
	if (s->detached)
		return;
	s->in.len -= at;
	s->searched -= at < s->searched ? at : s->searched;
	if (s->in.len)
		memmove(s->in.data, s->in.data + at, s->in.len);
	else
		buf_release(&s->in); /* an idle connection is small */
	if (!s->paused && s->in.len > STREAM_LINE_MAX)
		fail(s, "a line is too long");
}

static bool hung_up(const struct stream *s)
{
	uv_os_fd_t fd;
	if (uv_fileno((const uv_handle_t *)&s->uv, &fd))
		return true;
	struct pollfd p = { .fd = fd };
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void deliver_end(struct stream *s)
{
	if (s->fail) {
		s->over = true;
		read_or_not(s);
		s->events.gone(s->events.arg, s->fail);
	} else if (s->eof && !s->ended && !s->paused) {
		s->ended = true;
		if (s->events.ended)
			s->events.ended(s->events.arg);
		else
			fail(s, "it was closed");
	}
}

static void deliver(void *arg)
{
	struct stream *s = arg;
	if (s->detached || s->over)
		return;
	if (!s->fail)
		deliver_lines(s);
	if (s->detached)
		return;
	deliver_end(s);
	if (!s->detached)
		read_or_not(s);
}

static void came(uv_stream_t *uv, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = uv->data;
	(void)b;
	if (n > 0) {
		s->in.len += (size_t)n;
	} else if (n == UV_EOF) {
		s->eof = true;
		/* Somebody who hung up reads no answer either. */
		if (hung_up(s) && (s->paused || !s->in.len))
			fail(s, "it was closed");
	} else if (n == UV_ENOBUFS) {
		fail(s, s->in.failed == E_NOMEM ? "out of memory" : "a line is too long");
	} else if (n < 0) {
		fail(s, n == UV_ECONNRESET ? "it was closed" : "it cannot be read");
	}
	if (n)
		deliver(s);
}

static void lingered(struct stream *s)
{
	TAILQ_REMOVE(&s->loop->lingering, &s->lingering, link);
	close_now(s);
}

/* The last look at one that lingers, or another one at a peer that nothing is
 * read from, so that its leaving shows. */
static void look(void *arg)
{
	struct stream *s = arg;
	if (s->detached) {
		lingered(s);
		return;
	}
	if (s->reading || s->over)
		return;
	if (hung_up(s))
		fail(s, "it was closed");
	else
		timer_arm(s->look, LOOK_MS);
}

/* ---- writing ---- */

static void written(uv_write_t *uv, int status)
{
	struct piece *p = uv->data;
	struct stream *s = p->stream;
	mem_free(p);
	if (s->closing)
		return;
	if (s->detached) {
		if (status || queued(s) == 0)
			lingered(s);
	} else if (status) {
		fail(s, "it was closed");
	} else if (s->was_full && !s->over && queued(s) <= STREAM_FULL / 4) {
		s->was_full = false;
		if (s->events.drained)
			s->events.drained(s->events.arg);
	}
}

static void enqueue(struct stream *s, const char *bytes, size_t n)
{
	struct piece *p = n > STREAM_QUEUE_MAX - queued(s) ? NULL : mem_alloc(sizeof(*p) + n);
	if (!p) {
		fail(s, n > STREAM_QUEUE_MAX - queued(s) ? "it does not read" : "out of memory");
		return;
	}
	p->stream = s;
	p->uv.data = p;
	memcpy(p->bytes, bytes, n);
	uv_buf_t b = uv_buf_init(p->bytes, (unsigned)n);
	if (uv_write(&p->uv, (uv_stream_t *)&s->uv, &b, 1, written)) {
		mem_free(p);
		fail(s, "it was closed");
	}
	s->was_full |= stream_full(s);
}

void stream_write(struct stream *s, const void *bytes, size_t n)
{
	if (s->over || s->fail || n == 0)
		return;
	uv_buf_t b = uv_buf_init((char *)bytes, n > STREAM_QUEUE_MAX ? STREAM_QUEUE_MAX : (unsigned)n);
	int sent = queued(s) ? UV_EAGAIN : uv_try_write((uv_stream_t *)&s->uv, &b, 1);
	if (sent == UV_EAGAIN)
		sent = 0;
	if (sent < 0)
		fail(s, "it was closed");
	else if ((size_t)sent < n)
		enqueue(s, (const char *)bytes + sent, n - (size_t)sent);
}

bool stream_full(const struct stream *s)
{
	return queued(s) > STREAM_FULL;
}

size_t stream_queued(const struct stream *s)
{
	return queued(s);
}

/* ---- its life ---- */

static void end_lingering(struct loop_lingering *x)
{
	lingered((struct stream *)((char *)x - offsetof(struct stream, lingering)));
}

static void ask_peer(struct stream *s, int fd)
{
	socklen_t n = sizeof(s->peer);
	s->has_peer = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &s->peer, &n) == 0;
}

int stream_new(struct stream **out, struct loop *l, int fd, struct stream_slots *slots)
{
	struct stream *s = mem_zalloc(sizeof(*s));
	if (!s)
		return E_NOMEM;
	if (timer_new(&s->soon, l, deliver, s) || timer_new(&s->look, l, look, s)) {
		timer_free(s->soon);
		mem_free(s);
		return E_NOMEM;
	}
	s->loop = l;
	s->slots = slots;
	slots->used++;
	slots->references++;
	s->lingering.end = end_lingering;
	buf_init(&s->in, STREAM_LINE_MAX + PENDING_BYTES + READ_BYTES);
	ask_peer(s, fd);
	uv_pipe_init(loop_uv(l), &s->uv, 0);
	s->uv.data = s;
	if (uv_pipe_open(&s->uv, fd)) {
		close_now(s);
		return E_IO;
	}
	*out = s;
	return OK;
}

void stream_start(struct stream *s, const struct stream_events *events)
{
	must(!s->started);
	s->events = *events;
	s->started = true;
	read_or_not(s);
	if (s->fail) /* of a write before */
		timer_arm(s->soon, 0);
}

void stream_pause(struct stream *s, bool paused)
{
	s->paused = paused;
	/* Lines that came meanwhile are delivered from the loop. */
	if (!paused && s->started && !s->over)
		timer_arm(s->soon, 0);
}

bool stream_peer(const struct stream *s, uid_t *uid, pid_t *pid)
{
	if (!s->has_peer)
		return false;
	*uid = s->peer.uid;
	*pid = s->peer.pid;
	return true;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	must(!s->detached);
	s->detached = true;
	timer_disarm(s->soon);
	timer_disarm(s->look);
	uv_read_stop((uv_stream_t *)&s->uv);
	if (queued(s) == 0 || s->over || s->fail) {
		close_now(s);
		return;
	}
	TAILQ_INSERT_TAIL(&s->loop->lingering, &s->lingering, link);
	timer_arm(s->look, LINGER_MS);
}
