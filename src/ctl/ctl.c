#include "ctl/ctl.h"

#include "ctl/command.h"
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

static int exit_code(const struct ctl *c, int rc)
{
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
	default:
		return MUSTER_EXIT_STORE;
	}
}

static int open_store(struct ctl *c, const char *fallback)
{
	struct store_options o = { .path = c->options.store ? c->options.store : fallback,
				   .read_only = true };
	int rc = store_open(&c->store, &o, &c->err);
	if (rc && !c->err.text[0])
		err_set(&c->err, rc, "the store \"%s\" could not be opened: %s", o.path, err_meaning(rc));
	return rc;
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

static int run(struct ctl *c, const struct command *cmd, const struct ctl_surroundings *s)
{
	int rc = cmd->needs_store ? open_store(c, s->store) : OK;
	if (rc) {
		complain(s, &c->err);
		return rc == E_LOCKED  ? MUSTER_EXIT_BUSY
		       : rc == E_NOMEM ? MUSTER_EXIT_SYSTEM
				       : MUSTER_EXIT_STORE;
	}
	rc = cmd->run(c);
	fflush(s->out);
	if (output_status(&c->output))
		return output_failed(s, c->output.why);
	if (rc) {
		ctl_failed(c, rc, "the command");
		complain(s, &c->err);
	}
	return exit_code(c, rc);
}

static int find(struct ctl *c, const struct command **cmd)
{
	const struct ctl_options *o = &c->options;
	if (o->given & OPTION_VERSION)
		return command_find(cmd, "version", &c->err);
	if (!o->word_count) {
		if (o->given & OPTION_HELP)
			return OK;
		return err_set(&c->err, E_CONFIG, "no command was given: \"musterctl help\" lists them");
	}
	int rc = command_find(cmd, o->words[0], &c->err);
	if (rc || o->given & OPTION_HELP)
		return rc;
	return command_check(*cmd, o, &c->err);
}

int ctl_run(int argc, char *const *argv, const struct ctl_surroundings *s)
{
	struct ctl c = { .now = s->now };
	const struct command *cmd = NULL;
	int code;
	int rc = options_parse(&c.options, argc, argv, &c.err);
	if (!rc)
		rc = find(&c, &cmd);
	if (rc) {
		complain(s, &c.err);
		return MUSTER_EXIT_USAGE;
	}
	if (!cmd || c.options.given & OPTION_HELP) {
		command_help(cmd, s->out);
		return fflush(s->out) ? output_failed(s, errno) : MUSTER_EXIT_OK;
	}
	buf_init(&c.end, 64 << 10);
	output_init(&c.output, s->out);
	c.output.format = c.options.format;
	c.output.terminal = s->terminal;
	c.output.colour = s->colour;
	c.output.width = s->width;
	c.output.now = s->now;
	code = run(&c, cmd, s);
	output_release(&c.output);
	buf_release(&c.end);
	store_close(c.store);
	return code;
}
