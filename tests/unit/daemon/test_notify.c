#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager;
static char heard[1000];

/* A service manager's socket, of an abstract name so that no file is left. */
static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	char name[64];
	(void)state;
	int n = snprintf(name, sizeof(name), "@muster-test-notify-%d", (int)getpid());
	memcpy(address.sun_path, name, (size_t)n);
	address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(manager >= 0);
	assert_int_equal(setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, length), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static const char *hear(void)
{
	ssize_t n = recv(manager, heard, sizeof(heard) - 1, 0);
	assert_true(n > 0);
	heard[n] = '\0';
	return heard;
}

static void each_state_is_told(void **state)
{
	(void)state;
	notify_ready("5000 tenants");
	assert_string_equal(hear(), "READY=1\nSTATUS=5000 tenants");
	notify_status("two\nREADY=0");
	assert_string_equal(hear(), "STATUS=two");
	notify_status("100 %s of 5 %");
	assert_string_equal(hear(), "STATUS=100 %s of 5 %");
	notify_stopping(30000);
	assert_string_equal(hear(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000");
	notify_alive();
	assert_string_equal(hear(), "WATCHDOG=1");
}

static void a_reload_says_when_it_began(void **state)
{
	long long before = clock_mono_ns() / 1000, usec = 0;
	(void)state;
	notify_reloading();
	assert_int_equal(sscanf(hear(), "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
	assert_true(usec >= before && usec <= clock_mono_ns() / 1000);
}

static void the_watchdog_wants_half_of_its_time(void **state)
{
	static const struct {
		const char *usec;
		int pid_differs;
		uint64_t want_ms;
	} rows[] = {
		{ "30000000", 0, 15000 }, { "3000", 0, 1 }, { "1", 0, 1 },
		{ "30000000", 1, 0 },     { "x", 0, 0 },    { "0", 0, 0 },
	};
	char pid[24];
	(void)state;
	assert_int_equal(notify_alive_every_ms(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(pid, sizeof(pid), "%d", rows[i].pid_differs ? 1 : (int)getpid());
		setenv("WATCHDOG_PID", pid, 1);
		setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (notify_alive_every_ms() != rows[i].want_ms)
			fail_msg("row %zu: %llu", i, (unsigned long long)notify_alive_every_ms());
	}
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_alive_every_ms(), 15000);
}

static void nobody_to_tell_is_fine(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_ready("");
	notify_alive();
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	notify_ready("");
	notify_stopping(1);
}

#define managed(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		managed(each_state_is_told),
		managed(a_reload_says_when_it_began),
		managed(the_watchdog_wants_half_of_its_time),
		managed(nobody_to_tell_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
