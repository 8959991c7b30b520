#include "ctl/ctl.h"

#include "ctl/command.h"
#include "ctl/link.h"
#include "ctl/place.h"
#include "ctl/text.h"
#include "muster/exit.h"

#include <errno.h>

static void complain(const struct ctl_surroundings *s, const struct err *e)
{
	struct buf text;
	buf_init(&text, 4 * sizeof(e->text));
	text_visible(&text, slice_of(e->text));
	fprintf(s->complaints, "musterctl: %s\n", text.failed ? "out of memory" : buf_cstr(&text));
	buf_release(&text);
}

/* A store only fails in ways that belong to it; a daemon answers with any code. */
static int exit_code(const struct ctl *c, int rc)
{
	if (rc && c->link && link_lost(c->link))
		return MUSTER_EXIT_UNREACHABLE;
	if (rc && c->exit)
		return c->exit;
	switch (rc) {
	case OK:
		return c->bad ? MUSTER_EXIT_FAILED : MUSTER_EXIT_OK;
	case E_NOT_FOUND:
		return MUSTER_EXIT_FAILED;
	case E_CONFIG:
		return MUSTER_EXIT_USAGE;
	case E_LOCKED:
		return MUSTER_EXIT_BUSY;
	case E_NOMEM:
	case E_LIMIT:
		return MUSTER_EXIT_SYSTEM;
	case E_IO:
	case E_DISK_FULL:
	case E_MAP_FULL:
	case E_CORRUPT:
	case E_NEWER_FORMAT:
		return MUSTER_EXIT_STORE;
	default:
		return c->link ? MUSTER_EXIT_FAILED : MUSTER_EXIT_STORE;
	}
}

/* A reader that went away ("| head") has seen enough; anything else is told. */
static int output_failed(const struct ctl_surroundings *s, int why)
{
	struct err e;
	if (why == EPIPE)
		return MUSTER_EXIT_OK;
	err_set(&e, E_IO, "the output could not be written: %s", strerror(why));
	complain(s, &e);
	return MUSTER_EXIT_SYSTEM;
}

static int run(struct ctl *c, const struct ctl_surroundings *s)
{
	int rc = place_open(c, s);
	if (rc) {
		complain(s, &c->err);
		return c->exit;
	}
	rc = c->command->run(c);
	fflush(s->out);
	if (output_status(&c->output))
		return output_failed(s, c->output.why);
	if (rc) {
		ctl_failed(c, rc, "the command");
		complain(s, &c->err);
	}
	return exit_code(c, rc);
}

static int find(struct ctl *c)
{
	static const char *const version[] = { "version" };
	const struct ctl_options *o = &c->options;
	size_t used = 0;
	if (o->given & OPTION_VERSION)
		return command_find(&c->command, version, 1, &used, &c->err);
	if (!o->word_count) {
		if (o->given & OPTION_HELP)
			return OK;
		return err_set(&c->err, E_CONFIG, "no command was given: \"musterctl help\" lists them");
	}
	int rc = command_find(&c->command, o->words, o->word_count, &used, &c->err);
	if (rc)
		return rc;
	for (size_t i = used; i < o->word_count; i++)
		c->words[c->word_count++] = o->words[i];
	return o->given & OPTION_HELP ? OK : command_check(c, &c->err);
}

static void begin_output(struct ctl *c, const struct ctl_surroundings *s)
{
	output_init(&c->output, s->out);
	c->output.format = c->options.format;
	c->output.terminal = s->terminal;
	c->output.colour = s->colour;
	c->output.width = s->width;
	c->output.now = s->now;
}

int ctl_run(int argc, char *const *argv, const struct ctl_surroundings *s)
{
	struct ctl c = { .now = s->now, .in = s->in, .complaints = s->complaints };
	int rc = options_parse(&c.options, argc, argv, &c.err);
	if (!rc)
		rc = find(&c);
	if (rc) {
		complain(s, &c.err);
		return MUSTER_EXIT_USAGE;
	}
	if (!c.command || c.options.given & OPTION_HELP) {
		command_help(c.command, s->out);
		return fflush(s->out) ? output_failed(s, errno) : MUSTER_EXIT_OK;
	}
	buf_init(&c.end, 1 << 20);
	begin_output(&c, s);
	int code = run(&c, s);
	output_release(&c.output);
	buf_release(&c.end);
	place_close(&c);
	return code;
}
