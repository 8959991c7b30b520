#include "ctl/command.h"

#include "base/suggest.h"

enum { NAMES_MAX = 64, NAME_BYTES = 40 };

/* How many words the name has when the words begin with it, else 0. */
static size_t begins_with(const char *const *words, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strcspn(name, " ");
		if (strlen(words[i]) != n || memcmp(words[i], name, n) != 0)
			return 0;
		if (!name[n])
			return i + 1;
		name += n + 1;
	}
	return 0;
}

/* What goes on behind `group` in names of two words. */
static size_t continuations(const char *group, const char *names[NAMES_MAX])
{
	size_t n = strlen(group), count = 0;
	for (size_t i = 0; i < command_count && count < NAMES_MAX; i++) {
		const char *name = command_table[i].name;
		if (strncmp(name, group, n) == 0 && name[n] == ' ')
			names[count++] = name + n + 1;
	}
	return count;
}

static int unknown_of_group(const char *group, const char *second, const char *const *names, size_t count,
			    struct err *e)
{
	struct buf all;
	const char *near = second ? suggest(second, names, count) : NULL;
	if (near)
		return err_set(e, E_CONFIG, "unknown command \"%s %s\": did you mean \"%s %s\"?", group,
			       second, group, near);
	buf_init(&all, 1024);
	for (size_t i = 0; i < count; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
	if (second)
		err_set(e, E_CONFIG, "unknown command \"%s %s\": \"%s\" goes on with %s", group, second,
			group, buf_cstr(&all));
	else
		err_set(e, E_CONFIG, "\"%s\" alone is no command: it goes on with %s", group, buf_cstr(&all));
	buf_release(&all);
	return E_CONFIG;
}

/* A name of two words that is near the first two words given, else one whose
 * first word is near the first. */
static const char *nearest(const char *const *words, size_t count, char first[NAMES_MAX][NAME_BYTES])
{
	const char *names[NAMES_MAX];
	char line[2 * NAME_BYTES];
	size_t n = 0;
	for (; n < command_count && n < NAMES_MAX; n++)
		names[n] = command_table[n].name;
	if (count > 1) {
		snprintf(line, sizeof(line), "%s %s", words[0], words[1]);
		const char *near = suggest(line, names, n);
		if (near && strchr(near, ' '))
			return near;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = command_table[i].name;
		snprintf(first[i], NAME_BYTES, "%.*s", (int)strcspn(name, " "), name);
		names[i] = first[i];
	}
	return suggest(words[0], names, n);
}

int command_find(const struct command **out, const char *const *words, size_t count, size_t *used,
		 struct err *e)
{
	const char *names[NAMES_MAX];
	char first[NAMES_MAX][NAME_BYTES];
	*used = 0;
	for (size_t i = 0; i < command_count; i++) {
		size_t n = begins_with(words, count, command_table[i].name);
		if (n > *used) {
			*used = n;
			*out = &command_table[i];
		}
	}
	if (*used)
		return OK;
	size_t n = continuations(words[0], names);
	if (n)
		return unknown_of_group(words[0], count > 1 ? words[1] : NULL, names, n, e);
	const char *near = nearest(words, count, first);
	if (near && strchr(near, ' '))
		return err_set(e, E_CONFIG, "unknown command \"%s %s\": did you mean \"%s\"?", words[0],
			       words[1], near);
	if (near)
		return err_set(e, E_CONFIG, "unknown command \"%s\": did you mean \"%s\"?", words[0], near);
	return err_set(e, E_CONFIG, "unknown command \"%s\": \"musterctl help\" lists them", words[0]);
}

static int too_many(const struct ctl *c, struct err *e)
{
	const struct command *cmd = c->command;
	const char *names[NAMES_MAX];
	size_t n = strchr(cmd->name, ' ') ? 0 : continuations(cmd->name, names);
	const char *near = n ? suggest(c->words[0], names, n) : NULL;
	if (near)
		return err_set(e, E_CONFIG, "unknown command \"%s %s\": did you mean \"%s %s\"?", cmd->name,
			       c->words[0], cmd->name, near);
	return err_set(e, E_CONFIG, "\"%s\" is one argument too many: musterctl %s %s", c->words[cmd->most],
		       cmd->name, cmd->arguments);
}

int command_check(const struct ctl *c, struct err *e)
{
	const struct command *cmd = c->command;
	uint64_t foreign = c->options.given & ~(cmd->options | OPTIONS_COMMON);
	if (c->word_count > cmd->most)
		return too_many(c, e);
	for (size_t i = 0; i < option_count; i++)
		if (foreign & option_table[i].bit)
			return err_set(e, E_CONFIG,
				       "\"--%s\" does not belong to \"%s\": see \"musterctl help %s\"",
				       option_table[i].name, cmd->name, cmd->name);
	if (c->word_count < cmd->least)
		return err_set(e, E_CONFIG, "\"%s\" misses an argument: musterctl %s %s", cmd->name,
			       cmd->name, cmd->arguments);
	return OK;
}

static void help_options(FILE *out, uint64_t bits)
{
	char label[40];
	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];
		if (!(bits & o->bit))
			continue;
		snprintf(label, sizeof(label), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		fprintf(out, "  %-20s %s\n", label, o->help);
	}
}

static void help_all(FILE *out)
{
	char label[64];
	fputs("Usage: musterctl [OPTIONS] COMMAND [ARGUMENTS]\n\nAsks a running musterd, or reads its store "
	      "without it.\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < command_count; i++) {
		snprintf(label, sizeof(label), "%s %s", command_table[i].name, command_table[i].arguments);
		fprintf(out, "  %-36s %s\n", label, command_table[i].summary);
	}
	fputs("\nOptions:\n", out);
	help_options(out, OPTIONS_COMMON);
	fputs("\nWithout --store and --socket: $MUSTER_SOCKET, else $MUSTER_STORE, else the daemon at "
	      "./var/admin.sock\n"
	      "or /run/muster/admin.sock, else the store ./var/store.\n\n"
	      "\"musterctl help COMMAND\" says more. Exit codes: 0 well, 1 refused, a sync failed, nothing "
	      "of that name,\n"
	      "or the store is damaged, 2 wrong usage, 3 wrong configuration, 4 no store, 5 no memory or "
	      "output,\n"
	      "6 another process holds it, 7 no daemon.\n",
	      out);
}

void command_help(const struct command *cmd, FILE *out)
{
	if (!cmd) {
		help_all(out);
		return;
	}
	fprintf(out, "Usage: musterctl %s%s%s [OPTIONS]\n\n%s\n\nOptions:\n", cmd->name,
		*cmd->arguments ? " " : "", cmd->arguments, cmd->detail);
	help_options(out, cmd->options | OPTIONS_COMMON);
}

int command_show_help(struct ctl *c)
{
	const struct command *cmd = NULL;
	size_t used = 0;
	int rc = c->word_count ? command_find(&cmd, c->words, c->word_count, &used, &c->err) : OK;
	if (!rc && cmd && used < c->word_count)
		rc = err_set(&c->err, E_CONFIG, "\"%s\" is not part of a command's name: musterctl help %s",
			     c->words[used], cmd->name);
	if (!rc)
		command_help(cmd, c->output.stream);
	return rc;
}

static int print_row(void *arg, struct slice row)
{
	return output_row(arg, row);
}

int command_rows(struct ctl *c)
{
	int rc = output_begin(&c->output, c->command->view);
	if (!rc)
		rc = source_ask_daemon(c, NULL, print_row, &c->output);
	int end = output_end(&c->output);
	if (!rc && !end && !c->output.rows && c->command->none)
		output_note(&c->output, "%s", c->command->none);
	return ctl_failed(c, rc ? rc : end, "the command");
}

int ctl_failed(struct ctl *c, int rc, const char *doing)
{
	if (rc && !c->err.code)
		err_set(&c->err, rc, "%s failed: %s", doing, err_meaning(rc));
	return rc;
}
