#include "model/record.h"

#include "base/json.h"
#include "model/record_scan.h"

/* Both parts have the same members in the same order unless one was written by
 * another version of this program, so the look-up nearly always hits at once. */
static int find_member(struct member_walk *w, struct slice object, bool open_end, struct slice key,
		       struct slice *value)
{
	struct member_walk ahead = *w;
	struct slice k;
	int rc = member_next(&ahead, &k, value);
	if (rc > 0 && slice_eq(k, key)) {
		*w = ahead;
		return 1;
	}
	for (ahead = member_walk(object, open_end); (rc = member_next(&ahead, &k, value)) > 0;)
		if (slice_eq(k, key)) {
			*w = ahead;
			return 1;
		}
	return rc;
}

static void name_field(struct buf *out, struct slice outer, struct slice inner)
{
	char last = out->len ? out->data[out->len - 1] : '[';
	if (last != '[')
		buf_putc(out, ',');
	buf_putc(out, '"');
	buf_add(out, outer.p, outer.n);
	if (inner.p) {
		buf_putc(out, '.');
		buf_add(out, inner.p, inner.n);
	}
	buf_putc(out, '"');
}

static bool is_object(struct slice raw)
{
	return raw.n && *raw.p == '{';
}

/* Members of `after` that differ from `before` or are not in it. With `gone`
 * only those that are not in it, so that the second pass, with the two sides
 * swapped, adds what `before` alone had. */
static int compare_members(struct buf *out, struct slice before, struct slice after, struct slice outer,
			   bool gone)
{
	bool top = !outer.p;
	struct member_walk a = member_walk(after, top), b = member_walk(before, top);
	struct slice key, now, then;
	int rc;

	while ((rc = member_next(&a, &key, &now)) > 0) {
		int found = find_member(&b, before, top, key, &then);
		if (found < 0)
			return found;
		bool nested = found && top && is_object(now) && is_object(then);
		if (nested && !slice_eq(now, then)) {
			rc = compare_members(out, then, now, key, gone);
			if (rc)
				return rc;
		} else if (!found || (!gone && !slice_eq(now, then))) {
			name_field(out, top ? key : outer, top ? SLICE_NONE : key);
		}
	}
	return rc;
}

int record_changed_fields(struct buf *out, struct slice before, struct slice after)
{
	buf_putc(out, '[');
	int rc = compare_members(out, before, after, SLICE_NONE, false);
	if (rc == 0)
		rc = compare_members(out, after, before, SLICE_NONE, true);
	if (rc)
		return rc;
	buf_putc(out, ']');
	return out->failed;
}
