/* Certificates and keys given as texts, what is seen of a connection, and what
 * stays of secrets in memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/net/fetch.h"
#include "unit/net/liar.h"

static void read_text(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	size_t n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	fclose(f);
}

static char ca[4096], client[4096];

static int texts_begin(void **state)
{
	read_text(liar_ca_file(), ca, sizeof(ca));
	read_text(liar_client_file(), client, sizeof(client));
	return server_begin(state);
}

static void texts_are_as_good_as_files(void **state)
{
	(void)state;
	const struct {
		enum liar_certificate kind;
		const char *ca, *cert, *key;
		int rc;
	} rows[] = {
		{ LIAR_GOOD, ca, NULL, NULL, OK },
		{ LIAR_GOOD, client, NULL, NULL, E_TLS },
		{ LIAR_SELF_SIGNED, ca, NULL, NULL, E_TLS },
		{ LIAR_WANTS_CLIENT, ca, NULL, NULL, E_TLS },
		{ LIAR_WANTS_CLIENT, ca, client, client, OK },
		{ LIAR_WANTS_CLIENT, ca, client, NULL, OK },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct liar *server = liar_start(rows[i].kind);
		struct world w;
		struct fetch f;
		world_begin(&w);
		struct http_origin_options opt = lax_options(liar_url(server));
		opt.ca_pem = rows[i].ca;
		opt.client_cert_pem = rows[i].cert;
		opt.client_key_pem = rows[i].key;
		struct http_origin *o = origin(&w, &opt);
		fetch(&w, o, "/ok/100", &f);
		print_message("%zu: %s\n", i, f.result.err.text);
		assert_string_equal(err_name(f.result.rc), err_name(rows[i].rc));
		assert_int_equal(liar_requests(server), rows[i].rc ? 0 : 1);
		http_origin_free(o);
		world_end(&w);
		liar_stop(server);
	}
}

static void texts_that_are_none(void **state)
{
	(void)state;
	static char broken[4096];
	memcpy(broken, ca, sizeof(ca));
	memset(strchr(broken, '\n') + 20, '!', 10);
	const struct {
		const char *ca, *cert, *key, *text;
	} rows[] = {
		{ "", NULL, NULL, "ca_file" },
		{ "Zebra-Stripes", NULL, NULL, "no certificate" },
		{ broken, NULL, NULL, "damaged" },
		{ NULL, "Zebra-Stripes", client, "client_cert holds no certificate" },
		{ NULL, ca, NULL, "client_key holds no key" },
		{ NULL, ca, client, "client_key is not the key of client_cert" },
		{ NULL, NULL, client, "client_key needs" },
	};
	struct world w;
	world_begin(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_origin_options opt = lax_options("https://fleet.example");
		struct http_origin *o = NULL;
		struct err e = { 0 };
		opt.ca_pem = rows[i].ca;
		opt.client_cert_pem = rows[i].cert;
		opt.client_key_pem = rows[i].key;
		int rc = http_origin_new(&o, w.client, &opt, &e);
		print_message("%s\n", e.text);
		assert_string_equal(err_name(rc), "config");
		assert_non_null(strstr(e.text, rows[i].text));
		assert_non_null(strstr(e.text, "\"acme\""));
		assert_null(strstr(e.text, "Zebra"));
	}
	world_end(&w);
}

/* A text as long as a system's bundle is parsed once, not for each connection. */
static void long_texts_are_parsed_once(void **state)
{
	(void)state;
	enum { COPIES = 400, ROUNDS = 10 };
	size_t n = strlen(ca);
	char *many = malloc(n * COPIES + 1);
	assert_non_null(many);
	for (int i = 0; i < COPIES; i++)
		memcpy(many + (size_t)i * n, ca, n + 1);
	struct world w;
	world_begin(&w);
	int64_t first_us = 0, quickest_us = INT64_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		struct http_origin_options opt = lax_options("https://fleet.example");
		opt.ca_pem = many;
		int64_t before = clock_mono_ns();
		http_origin_free(origin(&w, &opt));
		int64_t us = (clock_mono_ns() - before) / 1000;
		if (!i)
			first_us = us;
		else if (us < quickest_us)
			quickest_us = us;
	}
	print_message("first %lld us, then %lld us\n", (long long)first_us, (long long)quickest_us);
	assert_true(quickest_us < first_us / 4);
	world_end(&w);
	free(many);
}

static void what_is_seen_of_a_connection(void **state)
{
	(void)state;
	struct liar *server = liar_start(LIAR_GOOD);
	struct world w;
	struct fetch f;
	char url[64];
	world_begin(&w);
	snprintf(url, sizeof(url), "https://localhost:%d", liar_port(server));
	struct http_origin_options opt = lax_options(url);
	opt.ca_pem = ca;
	struct http_origin *o = origin(&w, &opt);
	int64_t in_nine_days = clock_unix_s() + 9 * 24 * 3600;
	for (int again = 0; again < 2; again++) {
		fetch(&w, o, "/ok/1", &f);
		assert_string_equal(f.result.err.text, "");
		assert_int_equal(f.result.reused, again);
		assert_string_equal(f.result.peer, "127.0.0.1");
		assert_string_equal(f.result.http_version, "1.1");
		assert_string_equal(f.result.tls_version, "TLSv1.3");
		assert_in_range(f.result.certificate_expires, in_nine_days - 600, in_nine_days + 60);
		assert_int_equal(f.result.tls_ms > 0, !again);
		assert_in_range(f.result.dns_ms + f.result.connect_ms + f.result.tls_ms, 0, 2000);
	}
	struct http_origin *plain = lax_origin(&w, liar_url(plain_server));
	fetch(&w, plain, "/ok/1", &f);
	assert_string_equal(f.result.tls_version, "");
	assert_int_equal(f.result.certificate_expires, 0);
	assert_int_equal(f.result.tls_ms, 0);
	assert_string_equal(f.result.peer, "127.0.0.1");
	http_origin_free(plain);
	http_origin_free(o);
	world_end(&w);
	liar_stop(server);
}

/* How often a word stands in this program's writable memory; mappings that are
 * only reserved (a sanitizer's) are passed over. */
static int in_memory(const char *word, size_t n)
{
	enum { MOST = 256 << 20, PIECE = 1 << 20 };
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), found = 0;
	static char piece[PIECE];
	char line[512];
	assert_true(maps && mem >= 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char rights[8];
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[1] != 'w' ||
		    to - from > MOST)
			continue;
		for (unsigned long at = from; at < to; at += PIECE - n) {
			if (at <= (uintptr_t)piece && (uintptr_t)piece < to)
				break;
			ssize_t got = pread(mem, piece, PIECE, (off_t)at);
			for (char *p = piece; got > 0 && (p = memmem(p, (size_t)(piece + got - p), word, n));
			     p++)
				found++;
		}
	}
	memset(piece, 0, sizeof(piece));
	fclose(maps);
	close(mem);
	return found;
}

/* Made when it is needed, so that it does not stand in the program itself; the
 * part that is looked for is not all of it, so that a look does not find itself. */
static void make_token(char out[41])
{
	for (int i = 0; i < 40; i++)
		out[i] = (char)('A' + (i * 7 + 3) % 26);
	out[40] = '\0';
}

static void ask_with_token(const char *url)
{
	char token[41];
	struct world w;
	static struct fetch f;
	make_token(token);
	world_begin(&w);
	struct http_origin_options opt = lax_options(url);
	opt.token = token;
	opt.ca_pem = ca;
	struct http_origin *o = origin(&w, &opt);
	fetch(&w, o, "/ok/1", &f);
	assert_string_equal(f.result.err.text, "");
	char word[32];
	memcpy(word, token, 32);
	/* The caller's, the origin's, the word itself. */
	assert_in_range(in_memory(word, sizeof(word)), 3, 100);
	/* The next request, refused by nobody there, leaves its copies too. */
	memset(&f, 0, sizeof(f));
	struct http_request r = request("/silent", &f);
	r.first_byte_ms = 50;
	fetch_request(&w, o, &r, &f);
	http_origin_free(o);
	world_end(&w);
	explicit_bzero(token, sizeof(token));
	explicit_bzero(word, sizeof(word));
}

/* A server in a process of its own, because what it reads stays in memory. */
static pid_t server_apart(enum liar_certificate kind, char url[64], int *stop)
{
	int told[2], wait[2];
	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(wait), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char c;
		close(wait[1]);
		struct liar *l = liar_start(kind);
		snprintf(url, 64, "%s", liar_url(l));
		if (write(told[1], url, 64) == 64)
			(void)!read(wait[0], &c, 1);
		_exit(0);
	}
	assert_true(pid > 0);
	close(told[1]);
	close(wait[0]);
	assert_int_equal(read(told[0], url, 64), 64);
	close(told[0]);
	*stop = wait[1];
	return pid;
}

static void nothing_stays_of_a_token(void **state)
{
	(void)state;
	static const enum liar_certificate kinds[] = { LIAR_PLAIN, LIAR_GOOD };
#ifdef __SANITIZE_THREAD__
	skip(); /* a process that was forked off has no threads there */
#endif
	for (int i = 0; i < 2; i++) {
		char token[41], url[64];
		int stop;
		pid_t pid = server_apart(kinds[i], url, &stop);
		ask_with_token(url);
		make_token(token);
		int found = in_memory(token, 32);
		explicit_bzero(token, sizeof(token));
		print_message("found %d times\n", found);
		close(stop);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(found, 1); /* this function's own */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_as_good_as_files), cmocka_unit_test(texts_that_are_none),
		cmocka_unit_test(long_texts_are_parsed_once), cmocka_unit_test(what_is_seen_of_a_connection),
		cmocka_unit_test(nothing_stays_of_a_token),
	};
	return cmocka_run_group_tests_name("net/contents", tests, texts_begin, server_end);
}
