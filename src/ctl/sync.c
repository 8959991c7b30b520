/* Syncs by hand, and waiting for them. */
#include "base/clock.h"
#include "ctl/command.h"
#include "ctl/link.h"
#include "ctl/meter.h"
#include "ctl/text.h"
#include "query/value.h"

static const struct column columns[] = {
	{ "TENANT", "done", COLUMN_TEXT, FIT_WHOLE },      { "RESULT", "result", COLUMN_STATE, FIT_WHOLE },
	{ "HOSTS", "hosts", COLUMN_COUNT, FIT_WHOLE },     { "CREATED", "created", COLUMN_COUNT, FIT_WHOLE },
	{ "CHANGED", "changed", COLUMN_COUNT, FIT_WHOLE }, { "DELETED", "deleted", COLUMN_COUNT, FIT_WHOLE },
	{ "TOOK MS", "took_ms", COLUMN_COUNT, FIT_WHOLE }, { "TEXT", "text", COLUMN_TEXT, FIT_WHOLE },
};

struct waiting {
	struct ctl *c;
	struct meter *meter; /* NULL unless for people */
	struct buf name, words;
	size_t done;
};

static uint64_t count_of(struct slice row, const char *path)
{
	int64_t v;
	return value_int(value_at(row, path), &v) && v > 0 ? (uint64_t)v : 0;
}

/* Into `out`, made visible. */
static const char *text_of(struct buf *out, struct slice value)
{
	struct buf raw;
	buf_init(&raw, OUTPUT_CELL_MAX);
	value_text(&raw, value);
	buf_reset(out);
	text_visible(out, buf_slice(&raw));
	buf_release(&raw);
	return buf_cstr(out);
}

static int print_progress(struct waiting *w, struct slice row)
{
	const char *name = text_of(&w->name, value_at(row, "progress"));
	const char *phase = text_of(&w->words, value_at(row, "phase"));
	return meter_update(w->meter, name, phase, count_of(row, "hosts"), count_of(row, "expected"),
			    clock_mono_ms());
}

/* "acme  ok  500 hosts, 2 created, 1 changed (1.2 s)" */
static int print_done(struct waiting *w, struct slice row)
{
	static const char *const counts[] = { "created", "changed", "deleted" };
	bool ok = slice_is(value_at(row, "result"), "\"ok\"");
	uint64_t took = count_of(row, "took_ms");
	const char *name = text_of(&w->name, value_at(row, "done"));
	const char *text = text_of(&w->words, value_at(row, ok ? "" : "text|result"));
	struct buf line;
	bool any = false;
	buf_init(&line, OUTPUT_CELL_MAX);
	buf_printf(&line, "%-20s %-10s ", name, ok ? "ok" : "failed");
	if (ok)
		buf_printf(&line, "%llu hosts", (unsigned long long)count_of(row, "hosts"));
	for (size_t i = 0; ok && i < 3; i++) {
		uint64_t n = count_of(row, counts[i]);
		if (n)
			buf_printf(&line, ", %llu %s", (unsigned long long)n, counts[i]);
		any |= n > 0;
	}
	if (ok)
		buf_printf(&line, "%s (%llu.%llu s)", any ? "" : ", nothing changed",
			   (unsigned long long)took / 1000, (unsigned long long)took / 100 % 10);
	else
		buf_puts(&line, text);
	w->done++;
	int rc = line.failed ? line.failed : OK;
	if (!rc)
		meter_done(w->meter, name, buf_cstr(&line));
	buf_release(&line);
	return rc;
}

static int print_for_people(struct waiting *w, struct slice row)
{
	struct output *o = &w->c->output;
	int rc = OK;
	if (value_at(row, "progress").p)
		rc = print_progress(w, row);
	else if (value_at(row, "done").p)
		rc = print_done(w, row);
	else if (value_at(row, "accepted").p)
		output_note(o, "%llu deletions of \"%s\" are accepted; a sync follows",
			    (unsigned long long)count_of(row, "accepted"),
			    text_of(&w->name, value_at(row, "tenant")));
	if (!rc && !link_pending(w->c->link))
		meter_draw(w->meter);
	return rc ? rc : output_status(o);
}

static int print(void *arg, struct slice row)
{
	struct waiting *w = arg;
	struct output *o = &w->c->output;
	if (o->format == OUTPUT_TABLE)
		return print_for_people(w, row);
	if (o->format == OUTPUT_CSV && !value_at(row, "done").p)
		return OK;
	int rc = output_row(o, row);
	return rc || link_pending(w->c->link) ? rc : output_flush(o);
}

static int ask(struct ctl *c, size_t *done)
{
	struct waiting w = { .c = c };
	struct output *o = &c->output;
	bool people = o->format == OUTPUT_TABLE;
	buf_init(&w.name, OUTPUT_CELL_MAX);
	buf_init(&w.words, OUTPUT_CELL_MAX);
	if (people && !(w.meter = meter_new(o->stream, o->terminal, o->width)))
		return ctl_failed(c, E_NOMEM, "waiting");
	int rc = people ? OK : output_begin(o, VIEW(columns));
	if (!rc)
		rc = source_ask_daemon(c, NULL, print, &w);
	meter_free(w.meter);
	int end = people ? output_status(o) : output_end(o);
	buf_release(&w.name);
	buf_release(&w.words);
	*done = w.done;
	return ctl_failed(c, rc ? rc : end, "waiting");
}

int command_sync(struct ctl *c)
{
	size_t done = 0;
	int rc = ask(c, &done);
	if (rc || done)
		return rc;
	if (source_end(c, "asked").p && !source_end_count(c, "asked"))
		output_note(&c->output, "there is no tenant that could be synced");
	else if (c->options.given & OPTION_ALL)
		output_note(&c->output, "%llu syncs begin; --wait shows how they end",
			    (unsigned long long)source_end_count(c, "asked"));
	else
		output_note(&c->output, "the sync of \"%s\" begins; --wait shows how it ends",
			    ctl_word(c, 0));
	return OK;
}

int command_wait(struct ctl *c)
{
	size_t done;
	return ask(c, &done);
}

int command_accept(struct ctl *c)
{
	size_t done;
	return ask(c, &done);
}
