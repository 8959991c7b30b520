/* Tables on a terminal: the one place that knows libsmartcols. A table belongs
 * to whoever called table_new(). Text given to it must be visible (text.h). */
#pragma once

#include "ctl/output.h"

struct table *table_new(const struct output *o, struct view view);
void table_free(struct table *t);
/* `cells` are `view.count` texts, copied. E_NOMEM. */
int table_add(struct table *t, const char *const *cells);
/* Prints what was added since the last time; headings stand above the first
 * block, on a terminal above each one. */
int table_flush(struct table *t);

/* A report: lines of a label and a text that wraps, in sections. */
struct table *report_new(const struct output *o);
int report_section(struct table *t, const char *title);
/* `state`: coloured like COLUMN_STATE. */
int report_line(struct table *t, const char *label, const char *text, bool state);
