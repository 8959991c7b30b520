/* Lines in and bytes out, with peers that are slow, leave, or flood. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/net/talk.h"

static void lines_in_every_cut(void **state)
{
	(void)state;
	static const char text[] = "status\ntenant show \"a b\"\r\n\nlast\nnone";
	struct place p;
	place_begin(&p);
	place_listen(&p);
	for (size_t cut = 1; cut < sizeof(text); cut += 5) {
		struct talk t = { 0 };
		int fd = talk_begin(&p, &t);
		for (size_t at = 0; at < sizeof(text) - 1; at += cut) {
			size_t n = sizeof(text) - 1 - at < cut ? sizeof(text) - 1 - at : cut;
			assert_int_equal(send(fd, text + at, n, 0), n);
			place_run(&p, 1);
		}
		place_run(&p, 5);
		assert_string_equal(t.lines, "status|tenant show \"a b\"||last|");
		shutdown(fd, SHUT_WR);
		place_run(&p, 5);
		assert_int_equal(t.ended, 1);
		assert_int_equal(t.gone, 0);
		/* It still reads. */
		stream_write(t.s, "answer\n", 7);
		char got[16] = "";
		assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
		assert_int_equal(t.count, 4);
		close(fd);
		/* Nothing is read from it any more, and its leaving shows. */
		place_run(&p, 1200);
		assert_int_equal(t.gone, 1);
		stream_free(t.s);
		cut += cut > 5 ? 20 : 0;
	}
	place_end(&p);
}

static void paused_between_lines(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { .pause_each = true };
	place_begin(&p);
	place_listen(&p);
	int fd = talk_begin(&p, &t);
	talk_say(fd, "a\nb\nc\n");
	for (int i = 1; i <= 3; i++) {
		place_run(&p, 10);
		assert_int_equal(t.count, i);
		stream_pause(t.s, false);
		assert_int_equal(t.count, i);
	}
	place_run(&p, 10);
	assert_string_equal(t.lines, "a|b|c|");
	/* Hangs up while a command is under way: that shows, the next line is dropped. */
	talk_say(fd, "d\ne\n");
	place_run(&p, 10);
	assert_int_equal(t.count, 4);
	close(fd);
	place_run(&p, 10);
	assert_int_equal(t.gone, 1);
	stream_pause(t.s, false);
	place_run(&p, 10);
	assert_int_equal(t.count, 4);
	stream_free(t.s);
	place_end(&p);
}

/* A flood behind a command that takes long: it stays in the kernel. */
static void paused_under_a_flood(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { .pause_each = true };
	static char many[64 << 10];
	memset(many, '\n', sizeof(many));
	place_begin(&p);
	place_listen(&p);
	int fd = talk_begin(&p, &t);
	size_t sent = 0;
	for (int i = 0; i < 500; i++) {
		ssize_t n = send(fd, many, sizeof(many), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		place_run(&p, 1);
	}
	assert_in_range(sent, 64 << 10, 4 << 20);
	assert_int_equal(t.count, 1);
	close(fd);
	place_run(&p, 1200);
	assert_int_equal(t.gone, 1);
	stream_free(t.s);
	place_end(&p);
}

static void line_without_end(void **state)
{
	(void)state;
	static char much[STREAM_LINE_MAX + 4096];
	memset(much, 'x', sizeof(much));
	struct place p;
	place_begin(&p);
	place_listen(&p);
	for (int longer = 0; longer < 2; longer++) {
		struct talk t = { 0 };
		int fd = talk_begin(&p, &t);
		size_t n = STREAM_LINE_MAX - 1 + (longer ? 4096 : 0), at = 0;
		much[n] = longer ? 'x' : '\n';
		n += !longer;
		for (int i = 0; i < 2000 && at < n && !t.gone; i++) {
			ssize_t k = send(fd, much + at, n - at, MSG_NOSIGNAL);
			at += k > 0 ? (size_t)k : 0;
			place_run(&p, 1);
		}
		place_run(&p, 20);
		assert_int_equal(t.count, !longer);
		assert_int_equal(t.gone, longer);
		if (longer)
			assert_non_null(strstr(t.why, "too long"));
		much[STREAM_LINE_MAX - 1] = 'x';
		stream_free(t.s);
		close(fd);
	}
	place_end(&p);
}

static void slow_reader(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { 0 };
	static char piece[10000], got[100000];
	place_begin(&p);
	place_listen(&p);
	int fd = talk_begin(&p, &t);
	size_t sent = 0, read = 0;
	while (!stream_full(t.s)) {
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = (char)('a' + (sent + i) % 23);
		stream_write(t.s, piece, sizeof(piece));
		sent += sizeof(piece);
		assert_true(sent < 4 << 20);
	}
	place_run(&p, 10);
	assert_int_equal(t.drained, 0);
	for (int i = 0; i < 1000 && read < sent; i++) {
		ssize_t n = recv(fd, got, sizeof(got), 0);
		for (ssize_t k = 0; k < n; k++, read++)
			assert_int_equal(got[k], 'a' + (char)(read % 23));
		place_run(&p, 1);
	}
	assert_int_equal(read, sent);
	assert_int_equal(t.drained, 1);
	/* One that takes no notice of stream_full(). */
	for (int i = 0; i < 2000 && !t.gone; i++) {
		stream_write(t.s, piece, sizeof(piece));
		if (i % 100 == 0)
			place_run(&p, 1);
	}
	place_run(&p, 5);
	assert_int_equal(t.gone, 1);
	assert_string_equal(t.why, "it does not read");
	stream_free(t.s);
	close(fd);
	place_end(&p);
}

/* The answer to the last command is still sent after the stream was let go. */
static void sent_after_it_was_freed(void **state)
{
	(void)state;
	struct place p;
	struct talk t = { 0 };
	enum { BYTES = 2 << 20 };
	static char piece[BYTES], got[65536];
	place_begin(&p);
	place_listen(&p);
	int fd = talk_begin(&p, &t);
	stream_write(t.s, piece, BYTES);
	assert_true(stream_full(t.s));
	stream_free(t.s);
	size_t read = 0;
	ssize_t n = -1;
	for (int i = 0; i < 2000 && n; i++) {
		n = recv(fd, got, sizeof(got), 0);
		read += n > 0 ? (size_t)n : 0;
		place_run(&p, 1);
	}
	assert_int_equal(n, 0);
	assert_int_equal(read, BYTES);
	close(fd);
	/* Nobody reads: a second. Nobody waits: loop_free() ends it (in place_end()). */
	for (int wait = 1; wait >= 0; wait--) {
		t = (struct talk){ 0 };
		fd = talk_begin(&p, &t);
		stream_write(t.s, piece, BYTES);
		stream_free(t.s);
		if (wait) {
			place_run(&p, 1300);
			while ((n = recv(fd, got, sizeof(got), 0)) > 0)
				;
			assert_true(n == 0 || errno == ECONNRESET);
			close(fd);
		}
	}
	place_end(&p);
	close(fd);
}

static void freed_in_its_callbacks(void **state)
{
	(void)state;
	struct place p;
	place_begin(&p);
	place_listen(&p);
	struct talk t = { .free_at_line = true };
	int fd = talk_begin(&p, &t);
	talk_say(fd, "a\nb\n");
	place_run(&p, 10);
	assert_string_equal(t.lines, "a|");
	assert_null(t.s);
	close(fd);

	t = (struct talk){ .free_at_gone = true };
	fd = talk_begin(&p, &t);
	close(fd);
	place_run(&p, 10);
	assert_int_equal(t.gone, 1);
	assert_null(t.s);

	t = (struct talk){ .free_at_gone = true, .ignores_end = true };
	fd = talk_begin(&p, &t);
	shutdown(fd, SHUT_WR);
	place_run(&p, 10);
	assert_int_equal(t.gone, 1);
	close(fd);

	/* A write that fails tells of it later. */
	t = (struct talk){ 0 };
	fd = talk_begin(&p, &t);
	close(fd);
	stream_write(t.s, "x", 1);
	assert_int_equal(t.gone, 0);
	place_run(&p, 10);
	assert_int_equal(t.gone, 1);
	stream_write(t.s, "x", 1);
	stream_free(t.s);
	place_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_in_every_cut),
		cmocka_unit_test(paused_between_lines),
		cmocka_unit_test(paused_under_a_flood),
		cmocka_unit_test(line_without_end),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(sent_after_it_was_freed),
		cmocka_unit_test(freed_in_its_callbacks),
	};
	return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
