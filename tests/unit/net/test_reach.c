/* The way to a server, step by step. This program brings its own getaddrinfo(),
 * so that names can have any address, or hang. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/reach.h"
#include "unit/net/fetch.h"
#include "unit/net/liar.h"

static atomic_bool let_go;
static atomic_int hanging;

static struct addrinfo *address(const char *ip, const char *port, struct addrinfo *next)
{
	struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in));
	struct sockaddr_in *in = (struct sockaddr_in *)(a + 1);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)strtol(port, NULL, 10));
	inet_pton(AF_INET, ip, &in->sin_addr);
	a->ai_family = AF_INET;
	a->ai_socktype = SOCK_STREAM;
	a->ai_addrlen = sizeof(*in);
	a->ai_addr = (struct sockaddr *)in;
	a->ai_next = next;
	return a;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	(void)hints;
	*out = NULL;
	if (strcmp(name, "127.0.0.1") == 0 || strcmp(name, "localhost") == 0 ||
	    strcmp(name, "192.0.2.1") == 0)
		*out = address(strcmp(name, "localhost") == 0 ? "127.0.0.1" : name, service, NULL);
	else if (strcmp(name, "two.example") == 0)
		*out = address("127.0.0.2", service, address("127.0.0.1", service, NULL));
	else if (strcmp(name, "mixed.example") == 0)
		*out = address("10.1.2.3", service, address("192.168.0.1", service, NULL));
	if (*out)
		return 0;
	if (strcmp(name, "hangs.example") != 0)
		return EAI_NONAME;
	hanging++;
	while (!let_go)
		usleep(5000);
	hanging--;
	return EAI_AGAIN;
}

void freeaddrinfo(struct addrinfo *a)
{
	while (a) {
		struct addrinfo *next = a->ai_next;
		free(a);
		a = next;
	}
}

struct look {
	struct world w;
	struct reach *reach;
	struct reach_result r;
	int done;
};

static void on_done(void *arg, const struct reach_result *r)
{
	struct look *l = arg;
	l->r = *r;
	l->done++;
	loop_stop(l->w.loop);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static struct reach_options at(const char *url)
{
	return (struct reach_options){ .url = url, .name = "acme", .allow_private = true, .step_ms = 2000 };
}

static void start(struct look *l, const struct reach_options *o)
{
	struct err e = { 0 };
	int before = l->done;
	if (reach_start(&l->reach, l->w.client, o, on_done, l, &e))
		fail_msg("%s", e.text);
	assert_int_equal(l->done, before);
}

static const struct reach_result *see(struct look *l, const struct reach_options *o)
{
	memset(l, 0, sizeof(*l));
	world_begin(&l->w);
	start(l, o);
	loop_run(l->w.loop);
	assert_int_equal(l->done, 1);
	world_end(&l->w);
	const struct reach_result *r = &l->r;
	print_message("resolve \"%s\" connect \"%s\" handshake \"%s\" verify \"%s\"\n", r->resolve.err.text,
		      r->connect.err.text, r->handshake.err.text, r->verify.err.text);
	return r;
}

static void names(void **state)
{
	(void)state;
	static struct look l;
	struct reach_options o = at("https://nowhere.example");
	const struct reach_result *r = see(&l, &o);
	assert_string_equal(err_name(r->resolve.err.code), "dns");
	assert_int_equal(r->addresses, 0);
	assert_false(r->connect.tried);

	o = at("https://mixed.example");
	o.allow_private = false;
	r = see(&l, &o);
	assert_string_equal(err_name(r->resolve.err.code), "address");
	assert_int_equal(r->addresses, 2);
	assert_string_equal(r->address[0].ip, "10.1.2.3");
	assert_string_equal(r->address[1].refused, "a private address");
	assert_false(r->address[0].connect.tried);
	assert_false(r->connect.tried);

	o = at("https://hangs.example");
	o.step_ms = 150;
	memset(&l, 0, sizeof(l));
	world_begin(&l.w);
	start(&l, &o);
	loop_run(l.w.loop);
	assert_int_equal(l.done, 1);
	assert_string_equal(err_name(l.r.resolve.err.code), "dns");
	assert_non_null(strstr(l.r.resolve.err.text, "150 ms"));
	assert_in_range(l.r.resolve.ms, 140, 1500);
	/* Several that are cancelled while they hang take nothing from others. */
	for (int i = 0; i < 10; i++) {
		start(&l, &o);
		reach_cancel(l.reach);
	}
	assert_int_equal(l.done, 1);
	o = at("http://nowhere.example");
	start(&l, &o);
	loop_run(l.w.loop);
	assert_int_equal(l.done, 2);
	assert_non_null(strstr(l.r.resolve.err.text, "could not be resolved"));
	world_end(&l.w); /* does not wait for them */
	assert_true(hanging > 5);
	let_go = true;
	for (int i = 0; i < 400 && hanging; i++)
		usleep(5000);
	assert_int_equal(hanging, 0);
	usleep(50000);
	let_go = false;
}

static void connections(void **state)
{
	(void)state;
	static struct look l;
	char url[64];
	snprintf(url, sizeof(url), "http://two.example:%d", liar_port(plain_server));
	struct reach_options o = at(url);
	const struct reach_result *r = see(&l, &o);
	assert_int_equal(r->resolve.err.code, OK);
	assert_int_equal(r->addresses, 2);
	assert_int_equal(r->port, liar_port(plain_server));
	assert_string_equal(err_name(r->address[0].connect.err.code), "connect");
	assert_non_null(strstr(r->address[0].connect.err.text, "Connection refused"));
	assert_int_equal(r->address[1].connect.err.code, OK);
	assert_int_equal(r->connect.err.code, OK);
	assert_int_equal(r->connected, 1);
	assert_false(r->handshake.tried);

	o = at("https://localhost:1");
	r = see(&l, &o);
	assert_string_equal(err_name(r->connect.err.code), "connect");
	assert_int_equal(r->connected, -1);
	assert_false(r->handshake.tried);

	/* A documentation address: unreachable, or silent until the time is up. */
	o = at("http://192.0.2.1");
	o.step_ms = 200;
	r = see(&l, &o);
	assert_string_equal(err_name(r->connect.err.code), "connect");
	assert_in_range(r->connect.ms, 0, 1500);
}

static void certificates(void **state)
{
	(void)state;
	static const struct {
		enum liar_certificate kind;
		bool with_ca, unknown_issuer, name_matches, wants_client;
		long code;
		const char *text;
	} rows[] = {
		{ LIAR_GOOD, true, false, true, false, 0, NULL },
		{ LIAR_GOOD, false, true, true, false, 20, "issuer" },
		{ LIAR_EXPIRED, true, false, true, false, 10, "has expired" },
		{ LIAR_NOT_YET, true, false, true, false, 9, "not valid yet" },
		{ LIAR_SELF_SIGNED, true, true, true, false, 18, "self-signed" },
		{ LIAR_WRONG_NAME, true, false, false, false, 0, "other.example, www.other.example" },
		{ LIAR_WANTS_CLIENT, true, false, true, true, 0, NULL },
	};
	static struct look l;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct liar *s = liar_start(rows[i].kind);
		char url[64];
		snprintf(url, sizeof(url), "https://%s:%d", i % 2 ? "localhost" : "127.0.0.1", liar_port(s));
		struct reach_options o = at(url);
		o.ca_file = rows[i].with_ca ? liar_ca_file() : NULL;
		const struct reach_result *r = see(&l, &o);
		assert_int_equal(r->handshake.err.code, OK);
		assert_string_equal(r->protocol, "TLSv1.3");
		assert_true(strlen(r->cipher) > 4);
		assert_true(r->verify.tried);
		assert_int_equal(r->verify_code, rows[i].code);
		assert_int_equal(r->unknown_issuer, rows[i].unknown_issuer);
		assert_int_equal(r->name_matches, rows[i].name_matches);
		assert_int_equal(r->wants_client, rows[i].wants_client);
		assert_int_equal(r->verify.err.code, rows[i].text ? E_TLS : OK);
		if (rows[i].text)
			assert_non_null(strstr(r->verify.err.text, rows[i].text));
		/* That one sends the CA's certificate too. */
		assert_int_equal(r->certificates, rows[i].wants_client ? 2 : 1);
		assert_string_equal(r->chain[0].subject,
				    rows[i].kind == LIAR_SELF_SIGNED ? "CN=self" : "CN=leaf");
		assert_string_equal(r->chain[0].issuer,
				    rows[i].kind == LIAR_SELF_SIGNED ? "CN=self" : "CN=Test CA");
		assert_true(r->chain[0].not_after > r->chain[0].not_before);
		assert_int_equal(r->chain[0].not_after < clock_unix_s(), rows[i].kind == LIAR_EXPIRED);
		assert_int_equal(r->names, 2);
		/* Nothing was asked of the server. */
		assert_int_equal(liar_requests(s), 0);
		liar_stop(s);
	}
}

static void handshakes_that_fail(void **state)
{
	(void)state;
	static struct look l;
	char url[64];
	snprintf(url, sizeof(url), "https://localhost:%d", liar_port(plain_server));
	struct reach_options o = at(url);
	const struct reach_result *r = see(&l, &o);
	assert_string_equal(err_name(r->handshake.err.code), "tls");
	assert_non_null(strstr(r->handshake.err.text, "does not speak TLS"));
	assert_false(r->verify.tried);

	/* Somebody who takes the connection and never says a word. */
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(url, sizeof(url), "https://localhost:%d", ntohs(a.sin_port));
	o = at(url);
	o.step_ms = 200;
	r = see(&l, &o);
	assert_string_equal(err_name(r->handshake.err.code), "timeout");
	assert_in_range(r->handshake.ms, 190, 1500);
	/* And one that hangs up. */
	memset(&l, 0, sizeof(l));
	world_begin(&l.w);
	o.step_ms = 2000;
	start(&l, &o);
	struct timer *t;
	assert_int_equal(timer_new(&t, l.w.loop, stop_loop, l.w.loop), OK);
	timer_arm(t, 100);
	loop_run(l.w.loop);
	/* The first is the one that waited in vain. */
	for (int i = 0; i < 2; i++)
		close(accept(fd, NULL, NULL));
	loop_run(l.w.loop);
	timer_free(t);
	assert_int_equal(l.done, 1);
	assert_string_equal(err_name(l.r.handshake.err.code), "connect");
	world_end(&l.w);
	close(fd);
}

static void cancelled_in_every_step(void **state)
{
	(void)state;
	static struct look l;
	struct liar *s = liar_start(LIAR_GOOD);
	char url[64];
	snprintf(url, sizeof(url), "https://localhost:%d", liar_port(s));
	struct reach_options o = at(url);
	for (unsigned wait_ms = 0; wait_ms < 12; wait_ms++) {
		memset(&l, 0, sizeof(l));
		world_begin(&l.w);
		start(&l, &o);
		struct timer *t;
		assert_int_equal(timer_new(&t, l.w.loop, stop_loop, l.w.loop), OK);
		timer_arm(t, wait_ms / 2);
		if (wait_ms)
			loop_run(l.w.loop);
		timer_free(t);
		int done = l.done;
		if (!done)
			reach_cancel(l.reach);
		world_end(&l.w);
		assert_int_equal(l.done, done);
	}
	liar_stop(s);
}

static void refused_at_once(void **state)
{
	(void)state;
	static const char *const urls[] = { "fleet.example", "ftp://fleet.example", "https://", "" };
	static struct look l;
	struct err e = { 0 };
	world_begin(&l.w);
	for (int i = 0; i < 4; i++) {
		struct reach_options o = at(urls[i]);
		assert_int_equal(reach_start(&l.reach, l.w.client, &o, on_done, &l, &e), E_CONFIG);
		assert_non_null(strstr(e.text, "acme"));
	}
	struct reach_options o = at("https://localhost:1");
	o.ca_pem = "none";
	assert_int_equal(reach_start(&l.reach, l.w.client, &o, on_done, &l, &e), E_CONFIG);
	world_end(&l.w);
	/* The n-th allocation fails: refused, or told in a step. */
	struct liar *s = liar_start(LIAR_GOOD);
	char url[64];
	int refused = 0, told = 0;
	snprintf(url, sizeof(url), "https://localhost:%d", liar_port(s));
	o = at(url);
	o.ca_file = liar_ca_file();
	for (unsigned long n = 1; n < 20; n++) {
		memset(&l, 0, sizeof(l));
		world_begin(&l.w);
		mem_fail_at(n, 0);
		int rc = reach_start(&l.reach, l.w.client, &o, on_done, &l, &e);
		if (rc == OK)
			loop_run(l.w.loop);
		mem_fail_at(0, 0);
		assert_int_equal(l.done, rc == OK);
		refused += rc != OK;
		told += rc == OK && l.r.handshake.err.code == E_NOMEM;
		if (rc)
			assert_string_equal(err_name(rc), "nomem");
		world_end(&l.w);
	}
	print_message("refused %d, told %d\n", refused, told);
	assert_true(refused > 3 && told > 1);
	liar_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(connections),
		cmocka_unit_test(certificates),
		cmocka_unit_test(handshakes_that_fail),
		cmocka_unit_test(cancelled_in_every_step),
		cmocka_unit_test(refused_at_once),
	};
	return cmocka_run_group_tests_name("net/reach", tests, server_begin, server_end);
}
