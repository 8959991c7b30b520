/* Which devices are wanted. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

/* What a device must have to be listed; NULL: anything. Compared without regard
 * to ASCII case. */
struct device_filter {
	const char *state;    /* compliance.state */
	const char *platform; /* os.family or os.platform */
	const char *owner;    /* owner.email */
	const char *group;    /* one of access.groups */
};

enum { DEVICE_FILTER_SCRATCH = 8 << 10 };
/* `record`: JSON. Texts are compared in `scratch`, whose memory
 * (DEVICE_FILTER_SCRATCH) the caller has reserved, so that comparing cannot
 * fail; a longer text is not the one that is wanted. */
bool device_filter_matches(const struct device_filter *f, struct slice record, struct buf *scratch);
/* Whether the text under one of the paths is that word. */
bool device_filter_same(struct slice record, const char *paths, const char *word, struct buf *scratch);
