#include "ctl/table.h"

#include "base/mem.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>

struct table {
	struct libscols_table *grid;
	struct view view;
	size_t waiting;
	bool printed, terminal;
};

/* Words worth a colour; the rest stay plain. */
static const char *state_colour(const char *word)
{
	static const struct {
		const char *word, *colour;
	} colours[] = {
		{ "compliant", "green" },  { "on", "green" },        { "ok", "green" },
		{ "noncompliant", "red" }, { "off", "red" },         { "failed", "red" },
		{ "enforcing", "yellow" }, { "removing", "yellow" }, { "action required", "yellow" },
		{ "held", "yellow" },      { "paused", "yellow" },   { "warning", "yellow" },
		{ "ready", "green" },      { "auth failed", "red" },
	};
	for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++)
		if (strcmp(word, colours[i].word) == 0)
			return colours[i].colour;
	return NULL;
}

static struct table *grid_new(const struct output *o)
{
	struct table *t = mem_zalloc(sizeof(*t));
	if (!t)
		return NULL;
	t->grid = scols_new_table();
	if (!t->grid) {
		mem_free(t);
		return NULL;
	}
	t->terminal = o->terminal && !o->endless;
	scols_table_set_stream(t->grid, o->stream);
	scols_table_set_termforce(t->grid, o->terminal ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (o->terminal)
		scols_table_set_termwidth(t->grid, o->width);
	scols_table_enable_colors(t->grid, o->terminal && o->colour);
	return t;
}

static int column_flags(const struct column *c)
{
	return (c->kind == COLUMN_COUNT ? SCOLS_FL_RIGHT : 0) | (c->fit == FIT_CUT ? SCOLS_FL_TRUNC : 0) |
	       (c->fit == FIT_WRAP ? SCOLS_FL_WRAP : 0);
}

struct table *table_new(const struct output *o, struct view view)
{
	struct table *t = grid_new(o);
	if (!t)
		return NULL;
	t->view = view;
	for (size_t i = 0; i < view.count; i++) {
		const struct column *c = &view.columns[i];
		if (!scols_table_new_column(t->grid, c->heading, 0, column_flags(c))) {
			table_free(t);
			return NULL;
		}
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->grid);
	mem_free(t);
}

static int set_cell(struct libscols_line *line, size_t i, const char *text, bool state)
{
	if (scols_line_set_data(line, i, text))
		return E_NOMEM;
	const char *colour = state ? state_colour(text) : NULL;
	if (colour)
		scols_cell_set_color(scols_line_get_cell(line, i), colour);
	return OK;
}

int table_add(struct table *t, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(t->grid, NULL);
	if (!line)
		return E_NOMEM;
	for (size_t i = 0; i < t->view.count; i++) {
		int rc = set_cell(line, i, cells[i], t->view.columns[i].kind == COLUMN_STATE);
		if (rc)
			return rc;
	}
	if (++t->waiting == TABLE_BLOCK)
		return table_flush(t);
	return OK;
}

int table_flush(struct table *t)
{
	if (!t->waiting)
		return OK;
	if (t->printed && !t->terminal)
		scols_table_enable_noheadings(t->grid, 1);
	int rc = scols_print_table(t->grid);
	scols_table_remove_lines(t->grid);
	t->waiting = 0;
	t->printed = true;
	return rc == -ENOMEM ? E_NOMEM : rc ? E_IO : OK;
}

struct table *report_new(const struct output *o)
{
	struct table *t = grid_new(o);
	if (!t)
		return NULL;
	scols_table_enable_noheadings(t->grid, 1);
	if (!scols_table_new_column(t->grid, "label", 0, 0) ||
	    !scols_table_new_column(t->grid, "text", 0, SCOLS_FL_WRAP)) {
		table_free(t);
		return NULL;
	}
	t->printed = true;
	return t;
}

int report_section(struct table *t, const char *title)
{
	struct libscols_line *line = scols_table_new_line(t->grid, NULL);
	if (!line || scols_line_set_data(line, 0, title))
		return E_NOMEM;
	scols_cell_set_color(scols_line_get_cell(line, 0), "bold");
	t->waiting++;
	return OK;
}

int report_line(struct table *t, const char *label, const char *text, bool state)
{
	struct libscols_line *line = scols_table_new_line(t->grid, NULL);
	char indented[40];
	snprintf(indented, sizeof(indented), "  %s", label);
	if (!line || scols_line_set_data(line, 0, indented))
		return E_NOMEM;
	t->waiting++;
	return set_cell(line, 1, text, state);
}
