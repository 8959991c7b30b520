/* Reads JSON text where it stands, without building a tree. A value is a slice
 * of the text, from its first to its last character. Made for the rows of a
 * store, which are well-formed; on other text it finds nothing, or a part, but
 * never reads outside of the slice. Keys are compared as they are written. */
#pragma once

#include "base/buf.h"

struct value_iter {
	const char *p, *end;
	bool object;
};

/* Begins with the members of an object or the items of an array; false when the
 * value is neither. */
bool value_open(struct value_iter *it, struct slice value);
/* The next item; `key` (may be NULL) is the text between the quotes, SLICE_NONE
 * in an array. False at the end. */
bool value_next(struct value_iter *it, struct slice *key, struct slice *item);

/* The member under a dotted path ("os.name"), several separated by '|' are tried
 * in turn. SLICE_NONE when it is absent, null or an empty text. */
struct slice value_at(struct slice object, const char *paths);

/* The members of one object, found once, for a reader that asks for many of
 * them: a record is walked through once and not once for each column. Members
 * beyond the first VALUE_MEMBERS_MAX are looked for in the object itself. */
enum { VALUE_MEMBERS_MAX = 32 };
struct value_members {
	struct slice object;
	struct slice keys[VALUE_MEMBERS_MAX], values[VALUE_MEMBERS_MAX];
	size_t count;
};
void value_members(struct value_members *m, struct slice object);
/* As value_at(). */
struct slice value_pick(const struct value_members *m, const char *paths);

/* Appends the text that a string value stands for. False when it is no string;
 * then nothing was appended. */
bool value_text(struct buf *out, struct slice value);
/* The integer that the value is; false when it is none, or beyond 64 bits. */
bool value_int(struct slice value, int64_t *out);
bool value_true(struct slice value);
