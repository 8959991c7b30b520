#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/serve/admin_client.h"

/* What is freed would otherwise be kept from use, and memory seem to grow. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1";
}

static char answer[1 << 16];

#define OKAY "{\"ok\":true}\n"

static const struct {
	const char *lines, *answer;
} talks[] = {
	{ "tenant list\n", OKAY },
	{ "\n  \n", "" },
	{ "tenant list\r\n", OKAY },
	{ "echo a \"b c\" --name x --loud\n",
	  "{\"words\":[\"a\",\"b c\"],\"names\":[\"x\"],\"once\":null,\"loud\":true}\n" OKAY },
	{ "fail \"it \\\"failed\\\"\"\nfail\n",
	  "{\"ok\":false,\"error\":\"it \\\"failed\\\"\",\"reason\":\"conflict\"}\n"
	  "{\"ok\":false,\"error\":\"conflicts with the present state\",\"reason\":\"conflict\"}\n" },
	{ "members\n", "{\"ok\":true,\"devices\":12,\"verdict\":\"warning\"}\n" },
	{ "members x\n", "{\"ok\":false,\"error\":\"held until an operator accepts\",\"reason\":\"held\","
			 "\"devices\":12,\"verdict\":\"warning\"}\n" },
	{ "echo \"a\n",
	  "{\"ok\":false,\"error\":\"the line cannot be read at column 6: the quotation mark is not "
	  "closed\",\"reason\":\"syntax\"}\n" },
	{ "tenat list\n",
	  "{\"ok\":false,\"error\":\"there is no command \\\"tenat\\\": did you mean \\\"tenant "
	  "list\\\"?\",\"reason\":\"not_found\"}\n" },
	/* lines wait for the one before */
	{ "later\necho 1\nlater\necho 2\nnothing",
	  OKAY "{\"words\":[\"1\"],\"names\":[],\"once\":null,\"loud\":false}\n" OKAY OKAY
	       "{\"words\":[\"2\"],\"names\":[],\"once\":null,\"loud\":false}\n" OKAY },
	{ "help tenant add\n",
	  "{\"command\":\"tenant add\",\"arguments\":\"T --url URL\",\"summary\":\"adds a "
	  "tenant\",\"detail\":null,"
	  "\"options\":[{\"name\":\"name\",\"value\":\"NAME\",\"help\":\"a "
	  "name\"},{\"name\":\"once\",\"value\":"
	  "\"VALUE\",\"help\":\"a value\"},{\"name\":\"loud\",\"value\":null,\"help\":\"louder\"}]}\n" OKAY },
	{ "help secrets\n",
	  "{\"command\":\"secrets rotate\",\"arguments\":\"\",\"summary\":\"rotates\"}\n" OKAY },
	{ "help hlep\n",
	  "{\"ok\":false,\"error\":\"there is no command \\\"hlep\\\": did you mean \\\"help\\\"?\","
	  "\"reason\":\"not_found\"}\n" },
};

static const char *talk(struct bench *b)
{
	static char wrong[1 << 17];
	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		client_ask(b, talks[i].lines, answer, sizeof(answer));
		if (strcmp(answer, talks[i].answer) != 0) {
			snprintf(wrong, sizeof(wrong), "row %zu: %s", i, answer);
			return wrong;
		}
	}
	return NULL;
}

static void questions_and_answers(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, talk);
}

static const char *ask_for_help(struct bench *b)
{
	unsigned rows = 0;
	client_ask(b, "help\n", answer, sizeof(answer));
	for (const char *p = answer; (p = strchr(p, '\n')); p++)
		rows++;
	if (rows != 15 || !strstr(answer, "\"command\":\"help\",\"arguments\":\"[COMMAND]\""))
		return answer;
	return NULL;
}

static void help_lists_all(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, ask_for_help);
}

/* A hundred words of 10 kB in one line, and back. */
static const char *long_words(struct bench *b)
{
	enum { LONG = 10000, MANY = 100, ROOM = MANY * (LONG + 3) + 200 };
	static char line[ROOM], back[ROOM];
	char *p = line + snprintf(line, ROOM, "echo");
	for (int i = 0; i < MANY; i++) {
		*p++ = ' ';
		memset(p, 'a' + i % 26, LONG);
		p += LONG;
	}
	memcpy(p, "\n", 2);
	client_ask(b, line, back, ROOM);
	const char *q = back + strlen("{\"words\":[");
	for (int i = 0; i < MANY; i++, q += LONG + 3)
		if (q[0] != '"' || q[1] != 'a' + i % 26 || q[LONG] != 'a' + i % 26 || q[LONG + 1] != '"')
			return "a word came back as another one";
	return strstr(q, OKAY) ? NULL : "the answer did not end";
}

static void words_of_ten_kilobytes(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, long_words);
}

/* ---- long replies ---- */

static long rss_anon_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

/* Takes an answer of N rows, sleeping now and then; says what is wrong with it.
 * The memory of the process is looked at often. */
static const char *take_rows(int fd, unsigned rows, unsigned sleep_every_kib)
{
	char piece[64 << 10];
	const char last[] = "\n" OKAY;
	char tail[sizeof(last)] = { 0 };
	unsigned lines = 0, reads = 0;
	size_t taken = 0, slept = 0;
	long begin = rss_anon_kib(), most = begin;
	while (lines <= rows) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n <= 0)
			return "the answer was cut";
		for (ssize_t i = 0; i < n; i++)
			lines += piece[i] == '\n';
		taken += (size_t)n;
		if ((size_t)n >= sizeof(tail) - 1)
			memcpy(tail, piece + n - (sizeof(tail) - 1), sizeof(tail) - 1);
		if (sleep_every_kib && taken - slept > (size_t)sleep_every_kib << 10) {
			usleep(20000);
			slept = taken;
		}
		long now = reads++ % 16 ? 0 : rss_anon_kib();
		most = now > most ? now : most;
	}
	if (lines != rows + 1)
		return "there were too many rows";
	if (rows >= 1000000)
		printf("%u rows, %zu bytes, RssAnon %ld KiB and at most %ld more\n", rows, taken, begin,
		       most - begin);
	if (most - begin > 28 << 10)
		return "memory grew with the answer";
	return NULL;
}

static const char *a_million(struct bench *b)
{
	int fd = client_connect(b);
	const char *wrong =
		!client_send(fd, "count 1000000\n") ? "nothing was sent" : take_rows(fd, 1000000, 0);
	/* the connection is fit for the next one */
	if (!wrong && (!client_send(fd, "tenant list\n") || !client_read_lines(fd, answer, 100, 1) ||
		       strcmp(answer, OKAY) != 0))
		wrong = "the next command was not answered";
	if (!wrong)
		wrong = !client_send(fd, "flow 1000000\n") ? "nothing was sent"
							   : take_rows(fd, 1000000, 2048);
	close(fd);
	return wrong;
}

static void a_million_rows_in_bounded_memory(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, a_million);
	assert_int_equal(b.done, 2);
}

/* No slice is made for a while: what the kernel holds for the readers is full. */
static bool still(const struct bench *b)
{
	for (int i = 0; i < 50; i++) {
		int before = b->slices;
		usleep(200000);
		if (b->slices == before)
			return true;
	}
	return false;
}

/* A reader that stands still gets no more slices, and costs others nothing. */
static const char *stand_still(struct bench *b)
{
	enum { STILL = 10 };
	int fd[STILL];
	for (int i = 0; i < STILL; i++) {
		fd[i] = client_connect(b);
		if (!client_send(fd[i], "count 100000\n"))
			return "nothing was sent";
	}
	if (!still(b) || b->slices > STILL * 16)
		return "slices were made that nobody takes";
	client_ask(b, "count 3\n", answer, sizeof(answer));
	if (!strstr(answer, "\"row\":2") || !strstr(answer, OKAY))
		return "the others had to wait";
	for (int i = 0; i < STILL; i++) {
		const char *wrong = take_rows(fd[i], 100000, 0);
		if (wrong)
			return wrong;
		close(fd[i]);
	}
	return NULL;
}

static void slow_readers_hold_nobody_up(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, stand_still);
	assert_int_equal(b.done, 11);
}

/* A slow reader that said it sends nothing more gets the whole answer. */
static const char *half_closed(struct bench *b)
{
	int fd = client_connect(b);
	if (!client_send(fd, "count 8000\n") || shutdown(fd, SHUT_WR))
		return "nothing was sent";
	usleep(1500000);
	const char *wrong = take_rows(fd, 8000, 0);
	char c;
	if (!wrong && read(fd, &c, 1) != 0)
		wrong = "the connection stays open";
	close(fd);
	return wrong;
}

static void a_slow_reader_that_half_closed(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, half_closed);
}

static const char *many_readers(struct bench *b)
{
	enum { MANY = 12 };
	int fd[MANY];
	for (int i = 0; i < MANY; i++) {
		fd[i] = client_connect(b);
		if (!client_send(fd[i], "count slow 20000\n"))
			return "nothing was sent";
	}
	for (int i = 0; i < MANY; i++) {
		const char *wrong = take_rows(fd[i], 20000, 0);
		if (wrong)
			return wrong;
		close(fd[i]);
	}
	return NULL;
}

static void four_slices_at_once(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, many_readers);
	assert_int_equal(b.done, 12);
	assert_in_range(b.slices_most, 2, ADMIN_READERS);
}

static const char *failing(struct bench *b)
{
	static char big[1 << 18];
	client_ask(b, "count wrong\n", big, sizeof(big));
	if (!strstr(big, "\"row\":1000,") || strstr(big, OKAY) ||
	    !strstr(big, "\n{\"ok\":false,\"error\":\"the store is damaged at row "
			 "2000\",\"reason\":\"corrupt\"}\n"))
		return "the failure was not told";
	return NULL;
}

static void a_slice_that_fails(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, failing);
	assert_int_equal(b.last_rc, E_CORRUPT);
}

/* ---- hang-ups ---- */

static bool four_gone(struct bench *b)
{
	return b->gone >= 4 && b->done >= 2;
}

static bool six_done(struct bench *b)
{
	return b->done >= 6;
}

static bool ten_done(struct bench *b)
{
	return b->done >= 10;
}

static bool four_begun(struct bench *b)
{
	return b->begun >= 4;
}

static const char *hang_up(struct bench *b)
{
	int fd[4];
	for (int i = 0; i < 4; i++) {
		fd[i] = client_connect(b);
		if (!client_send(fd[i], "hold\necho never\n"))
			return "nothing was sent";
	}
	if (!eventually(four_begun, b))
		return "not all were begun";
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	if (!eventually(four_gone, b))
		return "commands were not told that their peer has gone";
	/* In the middle of a long reply: some bytes taken, then away */
	for (int i = 0; i < 4; i++) {
		fd[i] = client_connect(b);
		if (!client_send(fd[i], i % 2 ? "count slow 1000000\n" : "count 1000000\n") ||
		    !client_read_lines(fd[i], answer, 4096, 10))
			return "nothing came";
		close(fd[i]);
	}
	if (!eventually(six_done, b))
		return "readers were not cancelled";
	for (int i = 0; i < 4; i++) {
		fd[i] = client_connect(b);
		if (!client_send(fd[i], "flow 1000000\n") || !client_read_lines(fd[i], answer, 4096, 10))
			return "nothing came";
		close(fd[i]);
	}
	return eventually(ten_done, b) ? NULL : "a command went on waiting";
}

static void peers_that_hang_up(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, hang_up);
	assert_int_equal(b.last_rc, E_CANCELLED);
	assert_int_equal(b.gone, 4);
	assert_int_equal(b.done, 10);
}

/* Everything is under way when the engine is closed. */
enum { OPEN = 16 };
static int left_open[OPEN];

static const char *leave_all_open(struct bench *b)
{
	static const char *const lines[OPEN / 2] = {
		"hold\n",         "hold\n", "later\n",     "count 1000000\n", "count slow 1000000\n",
		"flow 1000000\n", "",       "echo \"half",
	};
	for (size_t i = 0; i < OPEN; i++) {
		left_open[i] = client_connect(b);
		if (!client_send(left_open[i], lines[i % (OPEN / 2)]))
			return "nothing was sent";
	}
	usleep(50000);
	return NULL;
}

static void closing_with_all_under_way(void **state)
{
	(void)state;
	struct bench b;
	bench_run(&b, leave_all_open);
	assert_int_equal(b.gone, 4);
	for (size_t i = 0; i < OPEN; i++)
		close(left_open[i]);
}

/* ---- who may ---- */

static const char *as_somebody_else(struct bench *b)
{
	int status = -1;
	chmod(b->folder, 0755);
	chmod(b->path, 0666);
	pid_t child = fork();
	if (child == 0) {
		bool fine = setgid(65534) == 0 && setuid(65534) == 0;
		client_ask(b, "tenant list\n", answer, sizeof(answer));
		_exit(fine && strstr(answer, "\"reason\":\"forbidden\"") && !strstr(answer, "true") ? 0 : 1);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		return "another user was not refused";
	client_ask(b, "tenant list\n", answer, sizeof(answer));
	return strcmp(answer, OKAY) == 0 ? NULL : "root was refused";
}

static void only_root_and_this_user(void **state)
{
	(void)state;
	struct bench b;
	if (geteuid() != 0) {
		print_message("only root can become somebody else: not tried\n");
		skip();
	}
	bench_run(&b, as_somebody_else);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_and_answers),
		cmocka_unit_test(help_lists_all),
		cmocka_unit_test(words_of_ten_kilobytes),
		cmocka_unit_test(a_million_rows_in_bounded_memory),
		cmocka_unit_test(slow_readers_hold_nobody_up),
		cmocka_unit_test(a_slow_reader_that_half_closed),
		cmocka_unit_test(four_slices_at_once),
		cmocka_unit_test(a_slice_that_fails),
		cmocka_unit_test(peers_that_hang_up),
		cmocka_unit_test(closing_with_all_under_way),
		cmocka_unit_test(only_root_and_this_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
