/* A Fleet version, and what depends on it. */
#pragma once

#include <stdbool.h>

struct fleet_version {
	unsigned major, minor;
	char text[48];
};

/* "4.93.0", "4.93.0-rc.1"; false when there is no "major.minor" in front. */
bool version_parse(const char *text, struct fleet_version *v);
bool version_at_least(const struct fleet_version *v, unsigned major, unsigned minor);

/* The list is compact and streamed, with the error in band. */
static inline bool version_streams(const struct fleet_version *v)
{
	return version_at_least(v, 4, 79);
}

/* Order keys are checked against a list; teams are also called fleets. */
static inline bool version_has_fleets(const struct fleet_version *v)
{
	return version_at_least(v, 4, 82);
}
