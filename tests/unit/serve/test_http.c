#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "unit/serve/http_bench.h"

/* What is freed would otherwise be kept from use, and memory seem to grow. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1";
}

#define STANDARD ((struct http_server_options){ 0 })
#define TAIL     " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static char answer[1 << 16];

static const struct {
	const char *request, *first_line, *contains, *lacks;
} talks[] = {
	{ "GET /small" TAIL, "HTTP/1.1 200 OK\r\n", "Content-Type: text/x-small\r\n", NULL },
	{ "GET /small" TAIL, "HTTP/1.1 200 ", "Transfer-Encoding: chunked\r\n", NULL },
	{ "GET /small" TAIL, "HTTP/1.1 200 ", "\r\n\r\n6\r\nhello\n\r\n0\r\n\r\n", NULL },
	{ "GET /small HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nhello\n", "chunked" },
	{ "GET /small?a=b" TAIL, "HTTP/1.1 200 ", "hello", NULL },
	{ "GET /sm%61ll" TAIL, "HTTP/1.1 200 ", "hello", NULL },
	{ "HEAD /small" TAIL, "HTTP/1.1 200 ", "text/x-small\r\n", "hello" },
	{ "GET /status" TAIL, "HTTP/1.1 503 ", "not ready\n", NULL },
	{ "GET /empty" TAIL, "HTTP/1.1 200 ", "\r\n\r\n0\r\n\r\n", NULL },
	{ "GET /refused" TAIL, "HTTP/1.1 500 ", "\r\n\r\nthe store is damaged\n", NULL },
	{ "GET /wrong" TAIL, "HTTP/1.1 200 ", "first\n", "\r\n0\r\n" },
	{ "GET /" TAIL, "HTTP/1.1 404 ", "what there is:\n/small\n/status\n/rows\n", NULL },
	{ "GET /small/" TAIL, "HTTP/1.1 404 ", "text/plain; charset=utf-8", "hello" },
	{ "HEAD /none" TAIL, "HTTP/1.1 404 ", "Content-Length: ", "what there is" },
	{ "DELETE /small" TAIL, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n", "hello" },
	{ "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nabc", "HTTP/1.1 405 ",
	  "Allow: GET, HEAD\r\n", "hello" },
	{ "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
	  "HTTP/1.1 200 ", "hello", NULL },
	{ "GET /small HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "", "hello" },
	/* what is no HTTP gets no answer */
	{ "nonsense\r\n\r\n", "", "", "HTTP" },
	/* two on one connection */
	{ "GET /small HTTP/1.1\r\nHost: x\r\n\r\nGET /status" TAIL, "HTTP/1.1 200 ", "HTTP/1.1 503 ", NULL },
};

static const char *talk(struct http_bench *b)
{
	static char wrong[sizeof(answer) + 100];
	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		http_ask(b, talks[i].request, answer, sizeof(answer));
		if (strncmp(answer, talks[i].first_line, strlen(talks[i].first_line)) != 0 ||
		    !strstr(answer, talks[i].contains) ||
		    (talks[i].lacks && strstr(answer, talks[i].lacks))) {
			snprintf(wrong, sizeof(wrong), "row %zu: %s", i, answer);
			return wrong;
		}
	}
	return NULL;
}

static void requests_and_answers(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, STANDARD, talk);
	assert_string_not_equal(b.address, "127.0.0.1:0");
}

static const char *too_long(struct http_bench *b)
{
	static char request[1 << 17];
	static const struct {
		size_t path, header;
		const char *status;
	} rows[] = { { 1000, 0, " 404 " },
		     { 1100, 0, " 414 " },
		     { 100000, 0, " 414 " },
		     { 10, 20000, " 404 " },
		     { 10, 60000, " 431 " } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = (size_t)snprintf(request, sizeof(request), "GET /");
		memset(request + n, 'a', rows[i].path);
		n += rows[i].path;
		n += (size_t)snprintf(request + n, sizeof(request) - n, " HTTP/1.1\r\nHost: x\r\nX: ");
		memset(request + n, 'b', rows[i].header);
		n += rows[i].header;
		snprintf(request + n, sizeof(request) - n, "\r\nConnection: close\r\n\r\n");
		http_ask(b, request, answer, sizeof(answer));
		if (strncmp(answer, "HTTP/1.1", 8) != 0 || strncmp(answer + 8, rows[i].status, 5) != 0) {
			snprintf(request, sizeof(request), "row %zu: %.200s", i, answer);
			return request;
		}
	}
	return NULL;
}

static void long_paths_and_headers(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, STANDARD, too_long);
}

/* ---- long bodies ---- */

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

static const char *a_million(struct http_bench *b)
{
	static char piece[1 << 16];
	long begin = rss_anon_kib(), most = begin;
	int fd = http_connect(b);
	unsigned lines = 0;
	char last[8] = { 0 };
	if (!http_send(fd, "GET /rows" TAIL))
		return "nothing was sent";
	for (size_t n, i = 0; (n = http_read(fd, piece, sizeof(piece))); i++) {
		for (size_t k = 0; k < n; k++)
			lines += piece[k] == 'r' && k + 3 < n && memcmp(piece + k, "row ", 4) == 0;
		if (n >= 7)
			memcpy(last, piece + n - 7, 7);
		if (i % 50 == 0)
			usleep(20000);
		long now = rss_anon_kib();
		most = now > most ? now : most;
	}
	close(fd);
	printf("%u rows in %d slices, RssAnon at most %ld KiB more\n", lines, b->slices, most - begin);
	/* some are cut by the pieces that are read, and by chunks */
	if (lines < 995000 || strcmp(last, "\r\n0\r\n\r\n") != 0)
		return "the answer is not whole";
	if (most - begin > 12 << 10)
		return "memory grew with the answer";
	return b->slice_most_bytes <= HTTP_SLICE_BYTES + 100 ? NULL : "a slice was long";
}

static void a_million_rows_in_bounded_memory(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, STANDARD, a_million);
}

/* No slice is made for a while: what the kernel holds for the readers is full. */
static bool still(const struct http_bench *b)
{
	for (int i = 0; i < 50; i++) {
		int before = b->slices;
		usleep(200000);
		if (b->slices == before)
			return true;
	}
	return false;
}

static const char *stand_still(struct http_bench *b)
{
	enum { STILL = 10 };
	int fd[STILL];
	for (int i = 0; i < STILL; i++) {
		fd[i] = http_connect(b);
		if (!http_send(fd[i], "GET /endless" TAIL) || read(fd[i], answer, 100) <= 0)
			return "no answer came";
	}
	if (!still(b))
		return "slices were made that nobody takes";
	int64_t begin = clock_mono_ms();
	http_ask(b, "GET /small" TAIL, answer, sizeof(answer));
	if (!strstr(answer, "hello") || clock_mono_ms() - begin > 2000)
		return "the others had to wait";
	/* half of them hang up in the middle, the others when the server ends */
	for (int i = 0; i < STILL; i += 2)
		close(fd[i]);
	for (int i = 0; i < 1000 && b->ended < 6; i++)
		usleep(5000);
	return b->ended == 6 ? NULL : "an answer goes on whose peer has gone";
}

static void slow_readers_and_hang_ups(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, STANDARD, stand_still);
	assert_int_equal(b.ended, 11);
}

/* One that takes all it can get leaves turns for the others. */
static const char *greedy(struct http_bench *b)
{
	int fd = http_connect(b);
	if (!http_send(fd, "GET /endless" TAIL))
		return "nothing was sent";
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 50; i++) {
		while (read(fd, answer, sizeof(answer)) > 0)
			;
		http_ask(b, "GET /small" TAIL, answer, sizeof(answer));
		if (!strstr(answer, "hello"))
			return "the others got nothing";
	}
	close(fd);
	return NULL;
}

static void a_greedy_reader(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, STANDARD, greedy);
}

/* ---- limits ---- */

static bool closed_within(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, ms) > 0 && read(fd, answer, sizeof(answer)) <= 0;
}

static const char *too_many(struct http_bench *b)
{
	int fd[8];
	for (int i = 0; i < 4; i++) {
		fd[i] = http_connect(b);
		http_send(fd[i], "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
		if (read(fd[i], answer, sizeof(answer)) <= 0)
			return "within the limit was refused";
	}
	/* the fifth waits until one of them leaves */
	fd[4] = http_connect(b);
	http_send(fd[4], "GET /small" TAIL);
	struct pollfd p = { .fd = fd[4], .events = POLLIN };
	if (poll(&p, 1, 300) != 0)
		return "over the limit was answered";
	close(fd[0]);
	if (!http_read(fd[4], answer, sizeof(answer)) || !strstr(answer, "hello"))
		return "it still waits when there is room";
	for (int i = 1; i < 5; i++)
		close(fd[i]);
	return b->connections <= 4 ? NULL : "there were more connections than the limit";
}

static void connections_in_all(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, (struct http_server_options){ .connections = 4 }, too_many);
}

static const char *too_many_of_one(struct http_bench *b)
{
	int fd[3];
	for (int i = 0; i < 2; i++) {
		fd[i] = http_connect(b);
		http_send(fd[i], "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
		if (read(fd[i], answer, sizeof(answer)) <= 0)
			return "within the limit was refused";
	}
	fd[2] = http_connect(b);
	if (!closed_within(fd[2], 5000))
		return "over the limit stays open";
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	return NULL;
}

static void connections_of_one_address(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, (struct http_server_options){ .connections_of_address = 2 }, too_many_of_one);
}

static const char *idle(struct http_bench *b)
{
	int silent = http_connect(b), half = http_connect(b), reader = http_connect(b);
	int64_t begin = clock_mono_ms();
	http_send(half, "GET /small HT");
	http_send(reader, "GET /endless" TAIL);
	if (!closed_within(silent, 6000) || !closed_within(half, 6000))
		return "an idle connection stays open";
	if (clock_mono_ms() - begin < 700)
		return "an idle connection was closed too soon";
	for (int i = 0; i < 1000 && !b->ended; i++)
		usleep(5000);
	close(silent);
	close(half);
	close(reader);
	return b->ended ? NULL : "a reader that stands still was never given up";
}

static void idle_connections_end(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, (struct http_server_options){ .timeout_s = 1 }, idle);
}

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* No descriptor is left: the peer waits, nothing turns in circles, and it goes
 * on when there is one. */
static const char *no_descriptors(struct http_bench *b)
{
	struct rlimit old, few;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	close(fd);
	int client = http_connect(b); /* takes the number `fd` here, and one more in the server */
	http_send(client, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
	if (read(client, answer, sizeof(answer)) <= 0)
		return "the first one was not answered";
	int waiting = http_connect(b);
	if (read(client, answer, 0) < 0 || waiting < 0)
		return "no connection";
	http_send(waiting, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
	if (read(waiting, answer, sizeof(answer)) <= 0)
		return "the second one was not answered";
	getrlimit(RLIMIT_NOFILE, &old);
	int last = socket(AF_INET, SOCK_STREAM, 0);
	few = old;
	few.rlim_cur = (rlim_t)last + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	getpeername(waiting, (struct sockaddr *)&a, &n);
	double before = cpu_s();
	if (connect(last, (struct sockaddr *)&a, n) || !http_send(last, "GET /small" TAIL))
		return "no connection while there is no descriptor";
	struct pollfd p = { .fd = last, .events = POLLIN };
	int came = poll(&p, 1, 600);
	double used = cpu_s() - before;
	setrlimit(RLIMIT_NOFILE, &old);
	if (came)
		return "it was answered or closed without a descriptor";
	if (used > 0.3)
		return "it turned in circles";
	http_read(last, answer, sizeof(answer));
	close(last);
	close(client);
	close(waiting);
	return strstr(answer, "hello") ? NULL : "it did not go on";
}

static void out_of_descriptors(void **state)
{
	(void)state;
	struct http_bench b;
	http_bench_run(&b, STANDARD, no_descriptors);
}

/* ---- where it listens ---- */

static const struct {
	const char *address;
	int rc;
	const char *contains;
} bad[] = {
	{ "", E_CONFIG, "is no address" },
	{ "9418", E_CONFIG, "is no address" },
	{ ":9418", E_CONFIG, "is no address" },
	{ "127.0.0.1", E_CONFIG, "is no address" },
	{ "127.0.0.1:", E_CONFIG, "is no address" },
	{ "127.0.0.1:http", E_CONFIG, "is no address" },
	{ "127.0.0.1:-1", E_CONFIG, "is no address" },
	{ "127.0.0.1: 80", E_CONFIG, "is no address" },
	{ "127.0.0.1:65536", E_CONFIG, "ports go from 1 to 65535" },
	{ "127.0.0.1:123456", E_CONFIG, "is no address" },
	{ "localhost:0", E_CONFIG, "is no address" },
	{ "127.0.0.999:0", E_CONFIG, "is no address" },
	{ "::1:0", E_CONFIG, "is no address" },
	{ "[127.0.0.1]:0", E_CONFIG, "is no address" },
	{ "[]:0", E_CONFIG, "is no address" },
	{ "[::1:0", E_CONFIG, "is no address" },
	{ "192.0.2.1:0", E_CONFIG, "no such address" },
	{ "unix:", E_CONFIG, "is empty" },
	{ "unix:/proc/self/status", E_CONFIG, "is not a socket" },
	{ "unix:/tmp/muster-no-such-folder/http.sock", E_IO, "no folder" },
};

static void bad_addresses(void **state)
{
	(void)state;
	struct loop *l;
	struct http_server *s = NULL;
	assert_int_equal(loop_new(&l, NULL), OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = { 0 };
		int rc =
			http_server_new(&s, l, &(struct http_server_options){ .listen = bad[i].address }, &e);
		if (rc != bad[i].rc || !strstr(e.text, bad[i].contains))
			fail_msg("row %zu: %s: %s", i, err_name(rc), e.text);
		assert_null(s);
	}
	assert_int_equal(loop_free(l), OK);
}

static void a_port_in_use_and_free_again(void **state)
{
	(void)state;
	struct loop *l;
	struct http_server *s, *second = NULL;
	struct err e = { 0 };
	char address[64];
	assert_int_equal(loop_new(&l, NULL), OK);
	assert_int_equal(http_server_new(&s, l, &(struct http_server_options){ .listen = "127.0.0.1:0" }, &e),
			 OK);
	snprintf(address, sizeof(address), "%s", http_server_address(s));
	struct http_server_options same = { .listen = address };
	assert_int_equal(http_server_new(&second, l, &same, &e), E_LOCKED);
	assert_non_null(strstr(e.text, "listens on \"127.0.0.1:"));
	http_server_free(s);
	assert_int_equal(http_server_new(&second, l, &same, &e), OK);
	assert_string_equal(http_server_address(second), address);
	http_server_free(second);
	assert_int_equal(loop_free(l), OK);
}

static void a_port_without_the_right(void **state)
{
	(void)state;
	struct loop *l;
	struct http_server *s = NULL;
	struct err e = { 0 };
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	int first = 1024, fields = f ? fscanf(f, "%d", &first) : 0;
	if (f)
		fclose(f);
	if (fields != 1 || first <= 81 || (geteuid() == 0 && seteuid(65534))) {
		print_message("any user may take any port here: not tried\n");
		skip();
	}
	assert_int_equal(loop_new(&l, NULL), OK);
	int rc = http_server_new(&s, l, &(struct http_server_options){ .listen = "127.0.0.1:81" }, &e);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, E_CONFIG);
	assert_non_null(strstr(e.text, "this user may not"));
	assert_int_equal(loop_free(l), OK);
}

static void over_ipv6(void **state)
{
	(void)state;
	struct http_bench b;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0 || access("/proc/net/if_inet6", R_OK)) {
		print_message("there is no IPv6 here: not tried\n");
		skip();
	}
	close(fd);
	http_bench_run(&b, (struct http_server_options){ .listen = "[::1]:0" }, talk);
	assert_int_equal(strncmp(b.address, "[::1]:", 6), 0);
}

static const char *by_file(struct http_bench *b)
{
	struct stat st;
	if (stat(b->address + 5, &st) || (st.st_mode & 0777) != 0660)
		return "the socket's rights are not 0660";
	return talk(b);
}

static void over_a_unix_socket(void **state)
{
	(void)state;
	struct http_bench b;
	char folder[] = "/tmp/muster-http-XXXXXX", address[64];
	mode_t old = umask(077);
	assert_non_null(mkdtemp(folder));
	snprintf(address, sizeof(address), "unix:%s/http.sock", folder);
	http_bench_run(&b, (struct http_server_options){ .listen = address }, by_file);
	assert_string_equal(b.address, address);
	/* one that was left behind is replaced */
	assert_int_equal(mknod(address + 5, S_IFSOCK | 0600, 0), 0);
	http_bench_run(&b, (struct http_server_options){ .listen = address }, by_file);
	umask(old);
	assert_int_equal(rmdir(folder), 0);
}

static void without_memory(void **state)
{
	(void)state;
	struct loop *l;
	struct http_server *s = NULL;
	struct err e;
	int rc = E_NOMEM, failed = 0;
	assert_int_equal(loop_new(&l, NULL), OK);
	for (unsigned long n = 1; rc && n < 30; n++) {
		mem_fail_at(n, 1);
		rc = http_server_new(&s, l, &(struct http_server_options){ .listen = "127.0.0.1:0" }, &e);
		mem_fail_at(0, 0);
		failed += rc != OK;
		assert_true(rc == OK || rc == E_NOMEM);
	}
	assert_int_equal(failed, 5);
	http_server_free(s);
	assert_int_equal(loop_free(l), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_answers),
		cmocka_unit_test(long_paths_and_headers),
		cmocka_unit_test(a_million_rows_in_bounded_memory),
		cmocka_unit_test(slow_readers_and_hang_ups),
		cmocka_unit_test(a_greedy_reader),
		cmocka_unit_test(connections_in_all),
		cmocka_unit_test(connections_of_one_address),
		cmocka_unit_test(idle_connections_end),
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(a_port_in_use_and_free_again),
		cmocka_unit_test(a_port_without_the_right),
		cmocka_unit_test(over_ipv6),
		cmocka_unit_test(over_a_unix_socket),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
