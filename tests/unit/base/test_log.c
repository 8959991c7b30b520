#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int errors, in, out;
static char text[1 << 20];

/* Standard error is a pipe from here on, until restore(). */
static int redirect(void **state)
{
	int ends[2];
	(void)state;
	unsetenv("JOURNAL_STREAM");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	in = ends[0];
	out = ends[1];
	fcntl(in, F_SETFL, O_NONBLOCK);
	fflush(stderr);
	errors = dup(STDERR_FILENO);
	assert_true(dup2(out, STDERR_FILENO) >= 0);
	log_configure(LOG_NOTICE, 0);
	return 0;
}

static int restore(void **state)
{
	(void)state;
	log_flush();
	dup2(errors, STDERR_FILENO);
	close(errors);
	close(in);
	close(out);
	return 0;
}

/* What came since the last call. */
static const char *got(void)
{
	size_t n = 0;
	for (ssize_t r; n < sizeof(text) - 1 && (r = read(in, text + n, sizeof(text) - 1 - n)) > 0;)
		n += (size_t)r;
	text[n] = '\0';
	return text;
}

static size_t lines_of(const char *s)
{
	size_t n = 0;
	while ((s = strchr(s, '\n')))
		n++, s++;
	return n;
}

#define assert_ends_with(s, end)                                                                             \
	do {                                                                                                 \
		const char *s_ = (s);                                                                        \
		if (strlen(s_) < strlen(end) || strcmp(s_ + strlen(s_) - strlen(end), end) != 0)             \
			fail_msg("%s does not end with %s", s_, end);                                        \
	} while (0)

static void values_are_quoted(void **state)
{
	(void)state;
	log_event(LOG_NOTICE, "sync", "said", "tenant", LOG_S("acme"), "n", LOG_I(-5), "text",
		  LOG_S("a \"b\"\nc"), "bad", LOG_S("\xff"), "none", LOG_S(NULL));
	assert_ends_with(got(), "Z notice  sync   said tenant=acme n=-5 text=\"a \\\"b\\\"\\nc\" "
				"bad=\"\xef\xbf\xbd\" none=\"\"\n");
	log_configure(LOG_NOTICE, 1);
	log_event(LOG_ERROR, "store", "said", "tenant", LOG_S("a=b"), "n", LOG_I(7));
	const char *line = got();
	assert_int_equal(strncmp(line, "{\"time\":\"2", 10), 0);
	assert_ends_with(line, "Z\",\"level\":\"error\",\"group\":\"store\",\"event\":\"said\",\"tenant\":"
			       "\"a=b\",\"n\":7}\n");
}

static void groups_have_levels_of_their_own(void **state)
{
	struct err e;
	(void)state;
	assert_int_equal(log_set_level("net", LOG_DEBUG, &e), OK);
	log_event(LOG_DEBUG, "net", "one");
	log_event(LOG_DEBUG, "sync", "two");
	log_event(LOG_NOTICE, "sync", "three");
	const char *s = got();
	assert_non_null(strstr(s, " one\n"));
	assert_null(strstr(s, " two\n"));
	assert_non_null(strstr(s, " three\n"));
	assert_int_equal(log_level_of("net"), LOG_DEBUG);
	assert_int_equal(log_level_of("sync"), LOG_NOTICE);
	assert_int_equal(log_level_of(NULL), LOG_NOTICE);
	assert_int_equal(log_set_level(NULL, LOG_ERROR, &e), OK);
	assert_false(log_enabled(LOG_WARNING));
	assert_int_equal(log_level_of("net"), LOG_ERROR);
	for (size_t i = 0; log_group(i); i++)
		assert_int_equal(log_set_level(log_group(i), LOG_INFO, &e), OK);
	assert_true(log_enabled(LOG_INFO));
	assert_int_equal(log_level_of(NULL), LOG_ERROR);
	assert_int_equal(log_set_level("snyc", LOG_INFO, &e), E_NOT_FOUND);
	assert_string_equal(e.text, "no group of the log is called \"snyc\": did you mean \"sync\"?");
	assert_int_equal(log_set_level("xyzzyxyzzy", LOG_INFO, &e), E_NOT_FOUND);
}

static void events_are_counted_by_level(void **state)
{
	uint64_t warnings = log_count(LOG_WARNING), debugs = log_count(LOG_DEBUG);
	(void)state;
	log_event(LOG_WARNING, "sync", "counted");
	log_event(LOG_WARNING, "sync", "counted");
	log_event(LOG_DEBUG, "sync", "not taken");
	assert_int_equal(log_count(LOG_WARNING), warnings + 2);
	assert_int_equal(log_count(LOG_DEBUG), debugs);
}

static void repeats_are_said_once(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		log_event(LOG_NOTICE, "sync", "again", "tenant", LOG_S("a"), "why", LOG_S("x"));
		log_event(LOG_NOTICE, "sync", "again", "tenant", LOG_S("b"), "why", LOG_S("x"));
	}
	assert_int_equal(lines_of(got()), 2);
	log_event(LOG_NOTICE, "sync", "again", "tenant", LOG_S("a"), "why", LOG_S("y"));
	const char *s = got();
	assert_int_equal(lines_of(s), 2);
	assert_non_null(strstr(s, "again tenant=a why=x repeated=4\n"));
	log_settle();
	assert_int_equal(lines_of(got()), 0);
	log_flush();
	assert_ends_with(got(), "again tenant=b why=x repeated=4\n");
	log_configure(LOG_NOTICE, 1);
	log_event(LOG_NOTICE, "sync", "json");
	log_event(LOG_NOTICE, "sync", "json");
	log_flush();
	assert_ends_with(got(), "\"event\":\"json\",\"repeated\":1}\n");
}

static void a_line_is_cut_to_what_a_pipe_takes_whole(void **state)
{
	char long_text[2000];
	(void)state;
	memset(long_text, '\1', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (int json = 0; json < 2; json++) {
		log_configure(LOG_NOTICE, json);
		log_event(LOG_NOTICE, "sync", "long", "short", LOG_I(1), "a", LOG_S(long_text), "b",
			  LOG_S("behind"));
		assert_ends_with(got(), json ? ",\"short\":1,\"cut\":true}\n" : " short=1 cut=yes\n");
		memset(long_text, 'x', sizeof(long_text) - 1);
		log_event(LOG_NOTICE, "sync", "long", "a", LOG_S(long_text), "b", LOG_S(long_text), "c",
			  LOG_S(long_text), "d", LOG_S(long_text), "e", LOG_S(long_text), "f",
			  LOG_S(long_text), "g", LOG_I(3));
		const char *s = got();
		assert_true(strlen(s) <= PIPE_BUF && strlen(s) > 3000);
		assert_ends_with(s, json ? "\",\"cut\":true}\n" : "\" cut=yes\n");
		memset(long_text, '\1', sizeof(long_text) - 1);
	}
}

/* A full pipe loses lines, without waiting, and their number is said later. */
static void a_blocked_standard_error_does_not_stop_anybody(void **state)
{
	enum { EVENTS = 5000 };
	uint64_t lost = log_lost();
	size_t came;
	char want[80];
	(void)state;
	for (int i = 0; i < EVENTS; i++)
		log_event(LOG_NOTICE, "sync", "filling the pipe", "i", LOG_I(i), "tenant", LOG_S("acme"));
	lost = log_lost() - lost;
	came = lines_of(got());
	assert_true(lost > 0 && came > 100);
	assert_int_equal(came + lost, EVENTS);
	log_event(LOG_NOTICE, "sync", "after");
	const char *s = got();
	assert_int_equal(lines_of(s), 2);
	snprintf(want, sizeof(want), "warning base   log lines lost count=%llu\n", (unsigned long long)lost);
	assert_non_null(strstr(s, want));
	assert_ends_with(s, " after\n");
	/* leaving waits for a moment only, counted lines or not */
	for (int i = 0; i < EVENTS; i++)
		log_event(LOG_NOTICE, "sync", "filling again", "i", LOG_I(i));
	for (int i = 0; i < 3; i++)
		for (int n = 0; n < 2; n++)
			log_event(LOG_NOTICE, "sync", "counted", "tenant", LOG_S(i ? "a" : "b"));
	log_flush();
	got();
}

static void the_journal_gets_priorities(void **state)
{
	char stream[64];
	struct stat st;
	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_configure(LOG_DEBUG, 0);
	log_event(LOG_WARNING, "sync", "said", "n", LOG_I(1));
	assert_string_equal(got(), "<4>sync   said n=1\n");
	log_configure(LOG_DEBUG, 1);
	log_event(LOG_DEBUG, "sync", "said");
	assert_int_equal(strncmp(got(), "<7>{\"time\":\"", 12), 0);
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_configure(LOG_DEBUG, 0);
	log_event(LOG_WARNING, "sync", "said", "n", LOG_I(1));
	assert_true(got()[0] != '<');
	unsetenv("JOURNAL_STREAM");
}

enum { THREADS = 4, EACH = 2000 };

static void *shout(void *arg)
{
	for (int i = 0; i < EACH; i++)
		log_event(LOG_INFO, "store", "shouted", "tenant", LOG_S(arg), "i", LOG_I(i / 4));
	return NULL;
}

static uint64_t events_in(const char *s)
{
	uint64_t n = 0;
	for (; *s; s = strchr(s, '\n') + 1) {
		const char *end = strchr(s, '\n'), *repeated = strstr(s, "repeated=");
		assert_non_null(end);
		assert_non_null(strstr(s, "shouted tenant=t"));
		n += repeated && repeated < end ? strtoull(repeated + 9, NULL, 10) : 1;
	}
	return n;
}

static void threads_do_not_tear_lines(void **state)
{
	pthread_t threads[THREADS];
	static char names[THREADS][4] = { "t0", "t1", "t2", "t3" };
	char path[] = "/tmp/muster-log-XXXXXX";
	int file = mkstemp(path);
	(void)state;
	assert_true(file >= 0 && unlink(path) == 0);
	dup2(file, STDERR_FILENO);
	log_configure(LOG_INFO, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shout, names[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_flush();
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);
	close(file);
	assert_true(n > 0 && (size_t)n < sizeof(text) - 1);
	text[n] = '\0';
	assert_int_equal(events_in(text), THREADS * EACH);
}

#define with_pipe(f) cmocka_unit_test_setup_teardown(f, redirect, restore)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_pipe(values_are_quoted),
		with_pipe(groups_have_levels_of_their_own),
		with_pipe(events_are_counted_by_level),
		with_pipe(repeats_are_said_once),
		with_pipe(a_line_is_cut_to_what_a_pipe_takes_whole),
		with_pipe(a_blocked_standard_error_does_not_stop_anybody),
		with_pipe(the_journal_gets_priorities),
		with_pipe(threads_do_not_tear_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
