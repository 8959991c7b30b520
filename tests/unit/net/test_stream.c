/* The admin socket's lower half: where it stands, who gets in, lines and bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/stream.h"

enum { STREAMS = 80 };

struct place {
	struct loop *loop;
	struct listener *listener;
	struct stream *streams[STREAMS];
	int accepted;
	char folder[64], path[96];
};

struct talk {
	struct stream *s;
	char lines[4096]; /* each followed by '|' */
	int count, gone, ended, drained;
	char why[64];
	bool pause_each, free_at_line, free_at_gone, ignores_end;
};

static void took(void *arg, struct stream *s)
{
	struct place *p = arg;
	assert_true(p->accepted < STREAMS);
	p->streams[p->accepted++] = s;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run_for(struct place *p, uint64_t ms)
{
	struct timer *t;
	assert_int_equal(timer_new(&t, p->loop, stop, p->loop), OK);
	timer_arm(t, ms);
	loop_run(p->loop);
	timer_free(t);
}

static void listen_there(struct place *p)
{
	struct err e = { 0 };
	if (listener_new(&p->listener, p->loop, p->path, took, p, &e))
		fail_msg("%s", e.text);
}

static void begin(struct place *p)
{
	*p = (struct place){ 0 };
	snprintf(p->folder, sizeof(p->folder), "%s/muster-stream-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/admin.sock", p->folder);
	assert_int_equal(loop_new(&p->loop, NULL), OK);
}

static void end(struct place *p)
{
	listener_free(p->listener);
	assert_int_equal(loop_free(p->loop), OK);
	assert_int_equal(access(p->path, F_OK), -1);
	assert_int_equal(rmdir(p->folder), 0);
}

static int client(const struct place *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, p->path, strlen(p->path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void say(int fd, const char *text)
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
static int talk_begin(struct place *p, struct talk *t)
{
	int fd = client(p), before = p->accepted;
	run_for(p, 10);
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

static mode_t mode_of(const struct place *p)
{
	struct stat st;
	assert_int_equal(lstat(p->path, &st), 0);
	return st.st_mode;
}

static void socket_of_its_owner(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { 0 };
	begin(&p);
	mode_t before = umask(0);
	listen_there(&p);
	assert_int_equal(umask(before), 0);
	assert_int_equal(mode_of(&p), S_IFSOCK | 0600);
	int fd = talk_begin(&p, &t);
	uid_t uid = (uid_t)-1;
	pid_t pid = 0;
	assert_true(stream_peer(t.s, &uid, &pid));
	assert_int_equal(uid, getuid());
	assert_int_equal(pid, getpid());
	stream_free(t.s);
	close(fd);
	end(&p);
}

static void refused(struct place *p, int code, const char *text)
{
	struct listener *l = NULL;
	struct err e = { 0 };
	assert_string_equal(err_name(listener_new(&l, p->loop, p->path, took, p, &e)), err_name(code));
	print_message("%s\n", e.text);
	assert_null(l);
	assert_non_null(strstr(e.text, text));
}

static void place_that_is_taken(void **state)
{
	(void)state;
	struct place p;
	begin(&p);
	listen_there(&p);
	refused(&p, E_LOCKED, "listens");
	int fd = client(&p); /* the refused one did not remove the other's */
	close(fd);
	listener_free(p.listener);
	p.listener = NULL;
	run_for(&p, 5);

	fd = open(p.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	refused(&p, E_CONFIG, "not a socket");
	assert_int_equal(access(p.path, F_OK), 0);
	unlink(p.path);

	/* One that a killed program left. */
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	memcpy(a.sun_path, p.path, strlen(p.path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	listen_there(&p);
	close(client(&p));
	run_for(&p, 10);
	assert_int_equal(p.accepted, 1);
	stream_free(p.streams[0]);
	end(&p);
}

static void place_that_cannot_be(void **state)
{
	(void)state;
	struct place p;
	begin(&p);
	char kept[96];
	memcpy(kept, p.path, sizeof(kept));
	struct listener *l = NULL;
	struct err e = { 0 };
	char long_path[200];
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(listener_new(&l, p.loop, long_path, took, &p, &e), E_CONFIG);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(listener_new(&l, p.loop, "", took, &p, &e), E_CONFIG);
	snprintf(p.path, sizeof(p.path), "%s/no/admin.sock", p.folder);
	refused(&p, E_IO, "folder");
	memcpy(p.path, kept, sizeof(kept));
	end(&p);
}

static void leaves_anothers_socket(void **state)
{
	(void)state;
	struct place p;
	begin(&p);
	listen_there(&p);
	struct listener *first = p.listener;
	unlink(p.path);
	listen_there(&p);
	listener_free(first);
	assert_int_equal(access(p.path, F_OK), 0);
	end(&p);
}

static void lines_in_every_cut(void **state)
{
	(void)state;
	static const char text[] = "status\ntenant show \"a b\"\r\n\nlast\nnone";
	struct place p;
	begin(&p);
	listen_there(&p);
	for (size_t cut = 1; cut < sizeof(text); cut += 5) {
		struct talk t = { 0 };
		int fd = talk_begin(&p, &t);
		for (size_t at = 0; at < sizeof(text) - 1; at += cut) {
			size_t n = sizeof(text) - 1 - at < cut ? sizeof(text) - 1 - at : cut;
			assert_int_equal(send(fd, text + at, n, 0), n);
			run_for(&p, 1);
		}
		run_for(&p, 5);
		assert_string_equal(t.lines, "status|tenant show \"a b\"||last|");
		shutdown(fd, SHUT_WR);
		run_for(&p, 5);
		assert_int_equal(t.ended, 1);
		assert_int_equal(t.gone, 0);
		/* It still reads. */
		stream_write(t.s, "answer\n", 7);
		char got[16] = "";
		assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
		assert_int_equal(t.count, 4);
		close(fd);
		/* Nothing is read from it any more, and its leaving shows. */
		run_for(&p, 1200);
		assert_int_equal(t.gone, 1);
		stream_free(t.s);
		cut += cut > 5 ? 20 : 0;
	}
	end(&p);
}

static void paused_between_lines(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { .pause_each = true };
	begin(&p);
	listen_there(&p);
	int fd = talk_begin(&p, &t);
	say(fd, "a\nb\nc\n");
	for (int i = 1; i <= 3; i++) {
		run_for(&p, 10);
		assert_int_equal(t.count, i);
		stream_pause(t.s, false);
		assert_int_equal(t.count, i);
	}
	run_for(&p, 10);
	assert_string_equal(t.lines, "a|b|c|");
	/* Hangs up while a command is under way: that shows, the next line is dropped. */
	say(fd, "d\ne\n");
	run_for(&p, 10);
	assert_int_equal(t.count, 4);
	close(fd);
	run_for(&p, 10);
	assert_int_equal(t.gone, 1);
	stream_pause(t.s, false);
	run_for(&p, 10);
	assert_int_equal(t.count, 4);
	stream_free(t.s);
	end(&p);
}

/* A flood behind a command that takes long: it stays in the kernel. */
static void paused_under_a_flood(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { .pause_each = true };
	static char many[64 << 10];
	memset(many, '\n', sizeof(many));
	begin(&p);
	listen_there(&p);
	int fd = talk_begin(&p, &t);
	size_t sent = 0;
	for (int i = 0; i < 500; i++) {
		ssize_t n = send(fd, many, sizeof(many), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		run_for(&p, 1);
	}
	assert_in_range(sent, 64 << 10, 4 << 20);
	assert_int_equal(t.count, 1);
	close(fd);
	run_for(&p, 1200);
	assert_int_equal(t.gone, 1);
	stream_free(t.s);
	end(&p);
}

static void line_without_end(void **state)
{
	(void)state;
	static char much[STREAM_LINE_MAX + 4096];
	memset(much, 'x', sizeof(much));
	struct place p;
	begin(&p);
	listen_there(&p);
	for (int longer = 0; longer < 2; longer++) {
		struct talk t = { 0 };
		int fd = talk_begin(&p, &t);
		size_t n = STREAM_LINE_MAX - 1 + (longer ? 4096 : 0), at = 0;
		much[n] = longer ? 'x' : '\n';
		n += !longer;
		for (int i = 0; i < 2000 && at < n && !t.gone; i++) {
			ssize_t k = send(fd, much + at, n - at, MSG_NOSIGNAL);
			at += k > 0 ? (size_t)k : 0;
			run_for(&p, 1);
		}
		run_for(&p, 20);
		assert_int_equal(t.count, !longer);
		assert_int_equal(t.gone, longer);
		if (longer)
			assert_non_null(strstr(t.why, "too long"));
		much[STREAM_LINE_MAX - 1] = 'x';
		stream_free(t.s);
		close(fd);
	}
	end(&p);
}

static void slow_reader(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { 0 };
	static char piece[10000], got[100000];
	begin(&p);
	listen_there(&p);
	int fd = talk_begin(&p, &t);
	size_t sent = 0, read = 0;
	while (!stream_full(t.s)) {
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = (char)('a' + (sent + i) % 23);
		stream_write(t.s, piece, sizeof(piece));
		sent += sizeof(piece);
		assert_true(sent < 4 << 20);
	}
	run_for(&p, 10);
	assert_int_equal(t.drained, 0);
	for (int i = 0; i < 1000 && read < sent; i++) {
		ssize_t n = recv(fd, got, sizeof(got), 0);
		for (ssize_t k = 0; k < n; k++, read++)
			assert_int_equal(got[k], 'a' + (char)(read % 23));
		run_for(&p, 1);
	}
	assert_int_equal(read, sent);
	assert_int_equal(t.drained, 1);
	/* One that takes no notice of stream_full(). */
	for (int i = 0; i < 2000 && !t.gone; i++) {
		stream_write(t.s, piece, sizeof(piece));
		if (i % 100 == 0)
			run_for(&p, 1);
	}
	run_for(&p, 5);
	assert_int_equal(t.gone, 1);
	assert_string_equal(t.why, "it does not read");
	stream_free(t.s);
	close(fd);
	end(&p);
}

/* The answer to the last command is still sent after the stream was let go. */
static void sent_after_it_was_freed(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { 0 };
	enum { BYTES = 2 << 20 };
	static char piece[BYTES], got[65536];
	begin(&p);
	listen_there(&p);
	int fd = talk_begin(&p, &t);
	stream_write(t.s, piece, BYTES);
	assert_true(stream_full(t.s));
	stream_free(t.s);
	size_t read = 0;
	ssize_t n = -1;
	for (int i = 0; i < 2000 && n; i++) {
		n = recv(fd, got, sizeof(got), 0);
		read += n > 0 ? (size_t)n : 0;
		run_for(&p, 1);
	}
	assert_int_equal(n, 0);
	assert_int_equal(read, BYTES);
	close(fd);
	/* Nobody reads: a second. Nobody waits: loop_free() ends it (in end()). */
	for (int wait = 1; wait >= 0; wait--) {
		t = (struct talk){ 0 };
		fd = talk_begin(&p, &t);
		stream_write(t.s, piece, BYTES);
		stream_free(t.s);
		if (wait) {
			run_for(&p, 1300);
			while ((n = recv(fd, got, sizeof(got), 0)) > 0)
				;
			assert_true(n == 0 || errno == ECONNRESET);
			close(fd);
		}
	}
	end(&p);
	close(fd);
}

static void freed_in_its_callbacks(void **state)
{
	(void)state;
	struct place p;
	begin(&p);
	listen_there(&p);
	struct talk t = { .free_at_line = true };
	int fd = talk_begin(&p, &t);
	say(fd, "a\nb\n");
	run_for(&p, 10);
	assert_string_equal(t.lines, "a|");
	assert_null(t.s);
	close(fd);

	t = (struct talk){ .free_at_gone = true };
	fd = talk_begin(&p, &t);
	close(fd);
	run_for(&p, 10);
	assert_int_equal(t.gone, 1);
	assert_null(t.s);

	t = (struct talk){ .free_at_gone = true, .ignores_end = true };
	fd = talk_begin(&p, &t);
	shutdown(fd, SHUT_WR);
	run_for(&p, 10);
	assert_int_equal(t.gone, 1);
	close(fd);

	/* A write that fails tells of it later. */
	t = (struct talk){ 0 };
	fd = talk_begin(&p, &t);
	close(fd);
	stream_write(t.s, "x", 1);
	assert_int_equal(t.gone, 0);
	run_for(&p, 10);
	assert_int_equal(t.gone, 1);
	stream_write(t.s, "x", 1);
	stream_free(t.s);
	end(&p);
}

static void too_many(void **state)
{
	(void)state;
	struct place p;
	int fd[LISTENER_STREAMS + 1];
	begin(&p);
	listen_there(&p);
	for (int i = 0; i <= LISTENER_STREAMS; i++)
		fd[i] = client(&p);
	run_for(&p, 20);
	assert_int_equal(p.accepted, LISTENER_STREAMS);
	char got[300] = "";
	assert_true(recv(fd[LISTENER_STREAMS], got, sizeof(got) - 1, 0) > 0);
	print_message("%s", got);
	assert_non_null(strstr(got, "{\"ok\":false,\"error\":\"too many connections; "));
	assert_non_null(strstr(got, ",\"reason\":\"busy\"}\n"));
	assert_int_equal(got[strlen(got) - 1], '\n');
	assert_int_equal(recv(fd[LISTENER_STREAMS], got, sizeof(got), 0), 0);
	/* A place that is given back is given away again. */
	stream_free(p.streams[0]);
	run_for(&p, 5);
	close(fd[0]);
	fd[0] = client(&p);
	run_for(&p, 10);
	assert_int_equal(p.accepted, LISTENER_STREAMS + 1);
	/* Streams go on without their listener. */
	listener_free(p.listener);
	p.listener = NULL;
	run_for(&p, 5);
	stream_write(p.streams[1], "hello", 5);
	assert_int_equal(recv(fd[1], got, sizeof(got), 0), 5);
	for (int i = 1; i <= LISTENER_STREAMS; i++)
		stream_free(p.streams[i]);
	for (int i = 0; i <= LISTENER_STREAMS; i++)
		close(fd[i]);
	end(&p);
}

static void no_descriptors(void **state)
{
	(void)state;
	struct place p;
	struct rlimit was, low;
	int taken[256], n = 0;
	begin(&p);
	listen_there(&p);
	int fd = client(&p);
	getrlimit(RLIMIT_NOFILE, &was);
	low = was;
	low.rlim_cur = 128;
	setrlimit(RLIMIT_NOFILE, &low);
	while (n < 256 && (taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	run_for(&p, 600);
	assert_int_equal(p.accepted, 0);
	while (n)
		close(taken[--n]);
	setrlimit(RLIMIT_NOFILE, &was);
	run_for(&p, 600);
	assert_int_equal(p.accepted, 1);
	stream_free(p.streams[0]);
	close(fd);
	end(&p);
}

static void without_memory(void **state)
{
	(void)state;
	struct place p;
	begin(&p);
	int rc = E_NOMEM, failed = 0;
	for (unsigned long n = 1; n < 30 && rc; n++) {
		struct listener *l = NULL;
		struct err e = { 0 };
		mem_fail_at(n, 1);
		rc = listener_new(&l, p.loop, p.path, took, &p, &e);
		mem_fail_at(0, 0);
		assert_true(rc == OK || rc == E_NOMEM);
		assert_int_equal(access(p.path, F_OK), rc ? -1 : 0);
		failed += rc != OK;
		p.listener = l;
	}
	assert_true(failed > 3);
	/* A connection that there is no memory for is closed, the next one is taken. */
	int fd = client(&p);
	struct timer *t;
	assert_int_equal(timer_new(&t, p.loop, stop, p.loop), OK);
	timer_arm(t, 20);
	mem_fail_at(1, 1);
	loop_run(p.loop);
	mem_fail_at(0, 0);
	timer_free(t);
	assert_int_equal(p.accepted, 0);
	close(fd);
	struct talk k = { 0 };
	fd = talk_begin(&p, &k);
	say(fd, "a\n");
	mem_fail_at(1, 1);
	stream_write(k.s, "b", 1);
	assert_int_equal(timer_new(&t, p.loop, stop, p.loop), E_NOMEM);
	mem_fail_at(0, 0);
	run_for(&p, 10);
	assert_string_equal(k.lines, "a|");
	stream_free(k.s);
	close(fd);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_of_its_owner),
		cmocka_unit_test(place_that_is_taken),
		cmocka_unit_test(place_that_cannot_be),
		cmocka_unit_test(leaves_anothers_socket),
		cmocka_unit_test(lines_in_every_cut),
		cmocka_unit_test(paused_between_lines),
		cmocka_unit_test(paused_under_a_flood),
		cmocka_unit_test(line_without_end),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(sent_after_it_was_freed),
		cmocka_unit_test(freed_in_its_callbacks),
		cmocka_unit_test(too_many),
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
