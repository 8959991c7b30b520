/* Prints rows. A row is one JSON object; a view says which of its members are
 * shown, and how, so that the same rows become a table, CSV or the JSON itself,
 * wherever they come from. Rows are printed as they arrive: a table in blocks
 * of TABLE_BLOCK rows, so that memory does not grow with a list. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdio.h>

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_CSV };
enum { TABLE_BLOCK = 2000, OUTPUT_CELL_MAX = 64 << 10 };

enum column_kind {
	COLUMN_TEXT,  /* a text; the items of an array are joined */
	COLUMN_STATE, /* a word of a state machine: no underscores, coloured on a terminal */
	COLUMN_COUNT, /* a number, to the right */
	COLUMN_TIME,  /* RFC 3339 text or Unix seconds: relative in a table, RFC 3339 in CSV */
	COLUMN_YES,   /* true and false */
};

/* How a column behaves where the terminal is too narrow. */
enum column_fit { FIT_WHOLE, FIT_CUT, FIT_WRAP };

struct column {
	const char *heading; /* in CSV in lower case, with underscores */
	const char *paths;   /* for value_at() */
	enum column_kind kind;
	enum column_fit fit;
};

struct view {
	const struct column *columns;
	size_t count;
};
#define VIEW(array) ((struct view){ array, sizeof(array) / sizeof(*(array)) })

struct table;

struct output {
	FILE *stream; /* borrowed */
	enum output_format format;
	bool terminal; /* columns are cut to `width` and states coloured */
	bool colour;
	bool endless; /* rows come by and by: one heading for all of them */
	unsigned width;
	int64_t now;
	/* of the view under way */
	struct view view;
	struct table *table;
	struct buf line;
	uint64_t rows;
	int why; /* the errno of the first thing that could not be written */
};

void output_init(struct output *o, FILE *stream);
void output_release(struct output *o);

/* `view` must outlive output_end(). All three: OK, E_NOMEM, or E_IO once the
 * stream takes no more (then the caller stops). */
int output_begin(struct output *o, struct view view);
int output_row(struct output *o, struct slice row);
int output_end(struct output *o);

/* Shows what has been given so far. */
int output_flush(struct output *o);

/* A sentence under or between tables, for people only: nothing in the other formats. */
void output_note(struct output *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a text of several lines, with an empty line above; nothing for "". */
void output_notes(struct output *o, const char *lines);
/* Whether the stream still takes something. */
int output_status(struct output *o);

/* Appends what a column shows of a value (SLICE_NONE: nothing). */
void output_cell(struct buf *out, const struct column *c, struct slice value, int64_t now,
		 enum output_format format);
