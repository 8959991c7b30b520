/* Where a socket stands, who gets in, and how many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "unit/net/talk.h"

static void stop(void *arg)
{
	loop_stop(arg);
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
	place_begin(&p);
	mode_t before = umask(0);
	place_listen(&p);
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
	place_end(&p);
}

static void refused(struct place *p, int code, const char *text)
{
	struct listener *l = NULL;
	struct err e = { 0 };
	assert_string_equal(err_name(listener_new(&l, p->loop, p->path, place_took, p, &e)), err_name(code));
	print_message("%s\n", e.text);
	assert_null(l);
	assert_non_null(strstr(e.text, text));
}

static void place_that_is_taken(void **state)
{
	(void)state;
	struct place p;
	place_begin(&p);
	place_listen(&p);
	refused(&p, E_LOCKED, "listens");
	int fd = place_client(&p); /* the refused one did not remove the other's */
	close(fd);
	listener_free(p.listener);
	p.listener = NULL;
	place_run(&p, 5);

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
	place_listen(&p);
	close(place_client(&p));
	place_run(&p, 10);
	assert_int_equal(p.accepted, 1);
	stream_free(p.streams[0]);
	place_end(&p);
}

static void place_that_cannot_be(void **state)
{
	(void)state;
	struct place p;
	place_begin(&p);
	char kept[96];
	memcpy(kept, p.path, sizeof(kept));
	struct listener *l = NULL;
	struct err e = { 0 };
	char long_path[200];
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(listener_new(&l, p.loop, long_path, place_took, &p, &e), E_CONFIG);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(listener_new(&l, p.loop, "", place_took, &p, &e), E_CONFIG);
	snprintf(p.path, sizeof(p.path), "%s/no/admin.sock", p.folder);
	refused(&p, E_IO, "folder");
	memcpy(p.path, kept, sizeof(kept));
	place_end(&p);
}

static void leaves_anothers_socket(void **state)
{
	(void)state;
	struct place p;
	place_begin(&p);
	place_listen(&p);
	struct listener *first = p.listener;
	unlink(p.path);
	place_listen(&p);
	listener_free(first);
	assert_int_equal(access(p.path, F_OK), 0);
	place_end(&p);
}

static void too_many(void **state)
{
	(void)state;
	struct place p;
	int fd[LISTENER_STREAMS + 1];
	place_begin(&p);
	place_listen(&p);
	for (int i = 0; i <= LISTENER_STREAMS; i++)
		fd[i] = place_client(&p);
	place_run(&p, 20);
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
	place_run(&p, 5);
	close(fd[0]);
	fd[0] = place_client(&p);
	place_run(&p, 10);
	assert_int_equal(p.accepted, LISTENER_STREAMS + 1);
	/* Streams go on without their listener. */
	listener_free(p.listener);
	p.listener = NULL;
	place_run(&p, 5);
	stream_write(p.streams[1], "hello", 5);
	assert_int_equal(recv(fd[1], got, sizeof(got), 0), 5);
	for (int i = 1; i <= LISTENER_STREAMS; i++)
		stream_free(p.streams[i]);
	for (int i = 0; i <= LISTENER_STREAMS; i++)
		close(fd[i]);
	place_end(&p);
}

static void no_descriptors(void **state)
{
	(void)state;
	struct place p;
	struct rlimit was, low;
	int taken[256], n = 0;
	place_begin(&p);
	place_listen(&p);
	int fd = place_client(&p);
	getrlimit(RLIMIT_NOFILE, &was);
	low = was;
	low.rlim_cur = 128;
	setrlimit(RLIMIT_NOFILE, &low);
	while (n < 256 && (taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	place_run(&p, 600);
	assert_int_equal(p.accepted, 0);
	while (n)
		close(taken[--n]);
	setrlimit(RLIMIT_NOFILE, &was);
	place_run(&p, 600);
	assert_int_equal(p.accepted, 1);
	stream_free(p.streams[0]);
	close(fd);
	place_end(&p);
}

static void without_memory(void **state)
{
	(void)state;
	struct place p;
	place_begin(&p);
	int rc = E_NOMEM, failed = 0;
	for (unsigned long n = 1; n < 30 && rc; n++) {
		struct listener *l = NULL;
		struct err e = { 0 };
		mem_fail_at(n, 1);
		rc = listener_new(&l, p.loop, p.path, place_took, &p, &e);
		mem_fail_at(0, 0);
		assert_true(rc == OK || rc == E_NOMEM);
		assert_int_equal(access(p.path, F_OK), rc ? -1 : 0);
		failed += rc != OK;
		p.listener = l;
	}
	assert_true(failed > 2);
	/* A connection that there is no memory for is closed, the next one is taken. */
	int fd = place_client(&p);
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
	talk_say(fd, "a\n");
	mem_fail_at(1, 1);
	stream_write(k.s, "b", 1);
	assert_int_equal(timer_new(&t, p.loop, stop, p.loop), E_NOMEM);
	mem_fail_at(0, 0);
	place_run(&p, 10);
	assert_string_equal(k.lines, "a|");
	stream_free(k.s);
	close(fd);
	place_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_of_its_owner),
		cmocka_unit_test(place_that_is_taken),
		cmocka_unit_test(place_that_cannot_be),
		cmocka_unit_test(leaves_anothers_socket),
		cmocka_unit_test(too_many),
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests_name("net/listener", tests, NULL, NULL);
}
