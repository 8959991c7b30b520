/* A report of one object: rows of a label and what a member of it says. */
#pragma once

#include "ctl/output.h"

enum report_kind {
	REPORT_SECTION,
	REPORT_TEXT,
	REPORT_STATE,
	REPORT_YES,
	REPORT_TIME,
	REPORT_BYTES,
	REPORT_SPAN,
	REPORT_OTHER, /* `write` says it */
};

/* A value that is not known is left out, unless that itself is worth saying:
 * then `absent` stands in its place. */
struct report_row {
	enum report_kind kind;
	const char *label, *paths, *absent;
	void (*write)(struct buf *out, struct slice value);
};

/* Several reports on one output have an empty line between them. */
int report_print(struct output *o, const char *title, const struct report_row *rows, size_t count,
		 struct slice object);
