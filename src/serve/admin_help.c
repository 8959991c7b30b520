/* The command that every table has: what there is, from the rows themselves. */
#include "base/json.h"
#include "serve/admin_state.h"

#include <string.h>

static void options(struct buf *b, const struct admin_option *o)
{
	json_k(b, "options");
	json_open(b, '[');
	for (; o && o->name; o++) {
		json_open(b, '{');
		json_k(b, "name");
		json_text(b, slice_of(o->name));
		json_k(b, "value");
		json_text(b, slice_of(o->value));
		json_k(b, "help");
		json_text(b, slice_of(o->help));
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void row(struct admin_call *call, const struct admin_command *c, bool all)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	json_open(&b, '{');
	json_k(&b, "command");
	json_text(&b, slice_of(c->name));
	json_k(&b, "arguments");
	json_text(&b, slice_of(c->arguments));
	json_k(&b, "summary");
	json_text(&b, slice_of(c->summary));
	if (all) {
		json_k(&b, "detail");
		json_text(&b, slice_of(c->detail));
		options(&b, c->options);
	}
	json_close(&b, '}');
	if (!b.failed)
		admin_row(call, buf_slice(&b));
	buf_release(&b);
}

/* Rows whose name begins with these words; none: every row. */
static size_t rows(struct admin_call *call, const struct admin_table *t, const char *group)
{
	size_t n = strlen(group), found = 0;
	for (size_t i = 0; i < t->count; i++) {
		const char *name = t->commands[i].name;
		if (n && (strncmp(name, group, n) != 0 || name[n] != ' '))
			continue;
		row(call, &t->commands[i], false);
		found++;
	}
	return found;
}

static void help(struct admin_call *call)
{
	struct call *c = (struct call *)call;
	const struct admin_table *t = &c->admin->table;
	struct word at[4];
	struct words asked = { .at = at };
	struct err e = { 0 };
	size_t used;
	for (; asked.count < call->word_count; asked.count++) {
		const char *text = call->words[asked.count];
		at[asked.count] = (struct word){ text, (uint32_t)strlen(text), false };
	}
	const struct admin_command *found = admin_find(t, &asked, &used);
	int rc = OK;
	if (found && used == asked.count)
		row(call, found, true);
	else if (asked.count == 0)
		rows(call, t, "");
	else if (asked.count > 1 || !rows(call, t, at[0].text))
		rc = admin_unknown(t, &asked, &e);
	admin_end(call, rc, e.text);
}

const struct admin_command admin_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.most = 4,
	.summary = "lists the commands, or shows one with its options",
	.run = help,
};
