#include "daemon/notify.h"

#include "base/clock.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

/* A status with a line break would be read as another assignment. */
static int first_line(const char *s)
{
	int n = 0;
	while (s[n] && s[n] != '\n')
		n++;
	return n;
}

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%.*s", first_line(status), status);
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_ns() / 1000);
}

void notify_stopping(uint64_t within_ms)
{
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64, within_ms * 1000);
}

void notify_status(const char *status)
{
	sd_notifyf(0, "STATUS=%.*s", first_line(status), status);
}

uint64_t notify_alive_every_ms(void)
{
	uint64_t usec = 0;
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return usec / 2000 ? usec / 2000 : 1;
}

void notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}
