/* Tells the service manager how the daemon is, by the protocol of sd_notify(3).
 * Without a service manager ($NOTIFY_SOCKET not set) all of it does nothing.
 * What cannot be sent is dropped: the watchdog ends who is not heard of. */
#pragma once

#include <stdint.h>

/* All is set up; also the end of a reload. */
void notify_ready(const char *status);
/* A reload begins; notify_ready() ends it. */
void notify_reloading(void);
/* The end begins, and may take that long before the service manager loses patience. */
void notify_stopping(uint64_t within_ms);
/* One line for `systemctl status`. */
void notify_status(const char *status);

/* How often notify_alive() is wanted, half of what the service manager allows;
 * 0 when it watches nobody. The loop calls it from a timer of its own, so that a
 * loop that stands still is not heard. */
uint64_t notify_alive_every_ms(void);
void notify_alive(void);
