#include "version.h"

#include <stdio.h>

bool version_parse(const char *text, struct fleet_version *v)
{
	struct fleet_version got = { 0 };
	if (sscanf(text, "%4u.%4u", &got.major, &got.minor) != 2)
		return false;
	snprintf(got.text, sizeof(got.text), "%s", text);
	*v = got;
	return true;
}

bool version_at_least(const struct fleet_version *v, unsigned major, unsigned minor)
{
	return v->major > major || (v->major == major && v->minor >= minor);
}
