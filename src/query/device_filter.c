#include "query/device_filter.h"

#include "query/value.h"

#include <string.h>
#include <strings.h>

static bool same_text(struct slice value, const char *wanted, struct buf *scratch)
{
	buf_reset(scratch);
	return value_text(scratch, value) && !scratch->failed && strlen(wanted) == scratch->len &&
	       strncasecmp(scratch->data, wanted, scratch->len) == 0;
}

static bool any_same(struct slice array, const char *wanted, struct buf *scratch)
{
	struct value_iter it;
	struct slice item;
	if (!value_open(&it, array))
		return false;
	while (value_next(&it, NULL, &item))
		if (same_text(item, wanted, scratch))
			return true;
	return false;
}

bool device_filter_same(struct slice record, const char *paths, const char *word, struct buf *scratch)
{
	return same_text(value_at(record, paths), word, scratch);
}

bool device_filter_matches(const struct device_filter *f, struct slice record, struct buf *scratch)
{
	if (f->state && !device_filter_same(record, "compliance.state", f->state, scratch))
		return false;
	if (f->platform && !device_filter_same(record, "os.family", f->platform, scratch) &&
	    !device_filter_same(record, "os.platform", f->platform, scratch))
		return false;
	if (f->owner && !device_filter_same(record, "owner.email", f->owner, scratch))
		return false;
	return !f->group || any_same(value_at(record, "access.groups"), f->group, scratch);
}
