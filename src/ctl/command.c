#include "ctl/command.h"

#include "base/suggest.h"

const struct command command_table[] = {
	{ "tenants", "", 0, 0, 0, true, "the tenants and how their last sync ended",
	  "One row a tenant: devices, server, the token's role, licence tier, the last sync and the state of "
	  "the walk.\n"
	  "Exits with 1 when the last sync of one of them failed.",
	  command_tenants },
	{ "summary", "[TENANT]", 0, 1, OPTION_STALE_AFTER, true,
	  "counts of compliance, encryption and management",
	  "Counts the devices of all tenants, or of one, by compliance, disk encryption and device "
	  "management, and\n"
	  "those that are online, stale or missing. Exits with 1 when the last sync of one of them failed.",
	  command_summary },
	{ "devices", "TENANT", 1, 1,
	  OPTION_STALE_AFTER | OPTION_STATE | OPTION_PLATFORM | OPTION_OWNER | OPTION_GROUP, true,
	  "the devices of a tenant",
	  "One row a device, in order of its id. Several filters must all match; case does not matter.",
	  command_devices },
	{ "device", "TENANT ID|SERIAL|UUID", 2, 2, OPTION_STALE_AFTER, true, "everything known of one device",
	  "A report of one device: who owns it, is it compliant and why not, is it encrypted and which "
	  "evidence says so.\n"
	  "The word is tried as the Fleet host id, then as serial number, then as hardware uuid.\n"
	  "Exits with 1 when there is no such device.",
	  command_device },
	{ "changes", "TENANT", 1, 1, OPTION_SINCE, true, "what changed, in order",
	  "The change feed of a tenant: created, changed (with the members that did), deleted, revived, "
	  "out_of_scope,\n"
	  "and one baseline event at the end of the first sync. --since gives only what is newer.",
	  command_changes },
	{ "deletions", "[TENANT]", 0, 1, 0, true, "devices that are missing, and deletions that are held",
	  "Without a name: each tenant that misses devices, and why their deletion is held. With one: these "
	  "devices.\n"
	  "A hold is accepted with the number shown: musterd --config FILE --once --accept-deletions "
	  "TENANT=N.",
	  command_deletions },
	{ "rejects", "TENANT", 1, 1, 0, true, "hosts that could not be read",
	  "One row a host that the server sent and Muster could not read, with the reason and a sample.",
	  command_rejects },
	{ "tombstones", "TENANT", 1, 1, 0, true, "devices that were deleted",
	  "One row a device that was deleted or went out of the token's scope, with the time.",
	  command_tombstones },
	{ "verify", "", 0, 0, 0, true, "check the store",
	  "Rebuilds every index and count from the devices and compares. Exits with 1 when something does "
	  "not agree.",
	  command_verify },
	{ "version", "", 0, 0, 0, false, "the version of this program",
	  "The version of this program and of the store format it reads.", command_version },
	{ "help", "[COMMAND]", 0, 1, 0, false, "this help, or that of one command",
	  "Lists the commands, or says more about one of them.", command_show_help },
};
const size_t command_count = sizeof(command_table) / sizeof(*command_table);

int command_find(const struct command **out, const char *name, struct err *e)
{
	const char *names[32];
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(command_table[i].name, name) == 0) {
			*out = &command_table[i];
			return OK;
		}
	}
	size_t count = 0;
	for (; count < command_count && count < 32; count++)
		names[count] = command_table[count].name;
	const char *near = suggest(name, names, count);
	if (near)
		return err_set(e, E_CONFIG, "unknown command \"%s\": did you mean \"%s\"?", name, near);
	return err_set(e, E_CONFIG, "unknown command \"%s\": \"musterctl help\" lists them", name);
}

int command_check(const struct command *cmd, const struct ctl_options *o, struct err *e)
{
	unsigned foreign = o->given & ~(cmd->options | OPTIONS_COMMON);
	size_t words = o->word_count - 1;
	for (size_t i = 0; i < option_count; i++)
		if (foreign & option_table[i].bit)
			return err_set(e, E_CONFIG,
				       "\"--%s\" does not belong to \"%s\": see \"musterctl help %s\"",
				       option_table[i].name, cmd->name, cmd->name);
	if (words < cmd->least)
		return err_set(e, E_CONFIG, "\"%s\" misses an argument: musterctl %s %s", cmd->name,
			       cmd->name, cmd->arguments);
	if (words > cmd->most)
		return err_set(e, E_CONFIG, "\"%s\" is one argument too many: musterctl %s %s",
			       o->words[cmd->most + 1], cmd->name, cmd->arguments);
	return OK;
}

static void help_options(FILE *out, unsigned bits)
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
	char label[40];
	fputs("Usage: musterctl [OPTIONS] COMMAND [ARGUMENTS]\n\nReads a store of Muster; the daemon need "
	      "not run.\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < command_count; i++) {
		snprintf(label, sizeof(label), "%s %s", command_table[i].name, command_table[i].arguments);
		fprintf(out, "  %-30s %s\n", label, command_table[i].summary);
	}
	fputs("\nOptions:\n", out);
	help_options(out, OPTIONS_COMMON);
	fputs("\n\"musterctl help COMMAND\" says more. Exit codes: 0 well, 1 a sync failed, nothing of that "
	      "name, or the store\n"
	      "is damaged, 2 wrong usage, 4 no store, 5 no memory or output, 6 another process holds it.\n",
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
	const char *name = ctl_word(c, 0);
	int rc = name ? command_find(&cmd, name, &c->err) : OK;
	if (!rc)
		command_help(cmd, c->output.stream);
	return rc;
}

int ctl_failed(struct ctl *c, int rc, const char *doing)
{
	if (rc && !c->err.code)
		err_set(&c->err, rc, "%s failed: %s", doing, err_meaning(rc));
	return rc;
}
