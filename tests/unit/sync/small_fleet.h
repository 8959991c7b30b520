/* A Fleet server small enough for a unit test: plain HTTP on 127.0.0.1, a
 * thread per connection, a handful of hosts, two to a page whatever was asked
 * for. It answers /version, /me, /config, the list and the details, as version
 * 4.93 would. */
#pragma once

#include <stdint.h>

enum { SMALL_FLEET_HOSTS = 5 };

struct small_fleet;

struct small_fleet *small_fleet_start(void);
void small_fleet_stop(struct small_fleet *f);
/* "http://127.0.0.1:PORT"; valid as long as the server. */
const char *small_fleet_url(const struct small_fleet *f);
/* From now on: another state of every host's stable members, and the host of
 * that id is gone (0: none). */
void small_fleet_set(struct small_fleet *f, unsigned variant, uint64_t gone);
/* Requests so far for what is no endpoint of Fleet's. */
unsigned small_fleet_strays(const struct small_fleet *f);
