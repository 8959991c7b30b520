#include "daemon/commands.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/suggest.h"

const struct admin_command service_commands[] = {
	{ "status", "", NULL, 0, 0, "the daemon, its loop, store and queues", NULL, command_status },
	{ "tenant list", "", NULL, 0, 0, "tenants with their state and next sync", NULL,
	  command_tenant_list },
	{ "tenant show", "T", NULL, 1, 1, "everything about one tenant but its secrets", NULL,
	  command_tenant_show },
	{ "tenant add", "T --url URL --token TOKEN", add_options, 1, 1,
	  "a tenant from now on, kept over restarts",
	  "The connection is tried first. Secrets are kept sealed under the master key.",
	  command_tenant_add },
	{ "tenant set", "T --set JSON", set_options, 1, 1, "changes a tenant that was added at run time",
	  "What is given takes the place of what there was; an empty text takes it out. Another server needs "
	  "the token again; the devices of the old one are removed.",
	  command_tenant_set },
	{ "tenant rotate-token", "T --token TOKEN", rotate_options, 1, 1,
	  "another token for a tenant that was added at run time", NULL, command_tenant_rotate_token },
	{ "tenant pause", "T", NULL, 1, 1, "no sync begins by itself, also after a restart", NULL,
	  command_tenant_pause },
	{ "tenant resume", "T", NULL, 1, 1, "the end of a pause; an overdue sync begins at once", NULL,
	  command_tenant_resume },
	{ "tenant remove", "T --yes", remove_options, 1, 1, "takes a tenant out, with all its devices",
	  "A tenant of the configuration file is taken out there; one that is in the store only can be "
	  "removed here.",
	  command_tenant_remove },
	{ "sync", "T|--all", sync_options, 0, 1, "a sync now, or the one that runs",
	  "With --wait rows of progress come until it has ended.", command_sync },
	{ "wait", "T synced|idle", NULL, 2, 2, "until the sync has ended",
	  "\"synced\" fails when that sync failed; \"idle\" does not look at the result.", command_wait },
	{ "tenants", "", NULL, 0, 0, "the tenants of the store and how their last sync ended", NULL,
	  command_tenants },
	{ "summary", "[T]", stale_options, 0, 1, "counts of compliance, encryption and management", NULL,
	  command_summary },
	{ "devices", "T", device_options, 1, 1, "the devices of a tenant", NULL, command_devices },
	{ "device", "T ID|SERIAL|UUID", stale_options, 2, 2, "everything known of one device", NULL,
	  command_device },
	{ "changes", "T", changes_options, 1, 1, "what changed, in order", NULL, command_changes },
	{ "deletions", "[T]", NULL, 0, 1, "devices that are missing, and deletions that are held", NULL,
	  command_deletions },
	{ "deletions show", "[T]", NULL, 0, 1, "the same", NULL, command_deletions },
	{ "deletions accept", "T --count N", accept_options, 1, 1, "lets what is held go",
	  "Refused when N is not the number that is held. A sync follows, which asks for each of them "
	  "before it deletes.",
	  command_accept },
	{ "rejects", "T", NULL, 1, 1, "hosts that could not be read", NULL, command_rejects },
	{ "tombstones", "T", NULL, 1, 1, "devices that were deleted", NULL, command_tombstones },
	{ "verify", "", NULL, 0, 0, "check the store", NULL, command_verify },
	{ "doctor", "T", NULL, 1, 1, "looks at the way to a tenant's server, step by step",
	  "What was seen at each step, and what to do. Nothing is synced or stored.", command_doctor },
	{ "reload", "", NULL, 0, 0, "reads the configuration again",
	  "A configuration with errors changes nothing; the errors are in the answer.", command_reload },
	{ "log", "LEVEL [GROUP]", NULL, 1, 2, "how much is logged, until the end or a reload", NULL,
	  command_log },
	{ "secrets rotate", "", NULL, 0, 0, "seals all secrets under a new master key",
	  "Keep a copy of the new key file.", command_secrets_rotate },
	{ "backup", "PATH", NULL, 1, 1, "a consistent copy of the store, while it runs",
	  "PATH must not exist. Tenants that were added at run time, and their tokens, are not in it.",
	  command_backup },
	{ "compact", "PATH", NULL, 1, 1, "the same without free pages", NULL, command_compact },
	{ "version", "", NULL, 0, 0, "the version of the daemon", NULL, command_version },
	{ "shutdown", "", NULL, 0, 0, "ends the daemon", NULL, command_shutdown },
};
const size_t service_command_count = sizeof(service_commands) / sizeof(*service_commands);

enum { ROW_CEILING = 1 << 20 };

struct buf *command_row(struct buf *row)
{
	buf_init(row, ROW_CEILING);
	json_open(row, '{');
	return row;
}

void command_send(struct admin_call *call, struct buf *row)
{
	json_close(row, '}');
	if (!row->failed)
		admin_row(call, buf_slice(row));
	buf_release(row);
}

struct tenant *command_tenant(struct admin_call *call, size_t i)
{
	struct service *s = command_service(call);
	const char *name = call->words[i], *const * names;
	struct tenant *t = tenants_find(s->tenants, name);
	struct err e;
	size_t count;
	if (t)
		return t;
	if (tenants_names(s->tenants, &names, &count) != OK) {
		admin_end(call, E_NOMEM, NULL);
		return NULL;
	}
	const char *near = suggest(name, names, count);
	if (near)
		err_set(&e, E_NOT_FOUND, "no tenant is called \"%s\": did you mean \"%s\"?", name, near);
	else
		err_set(&e, E_NOT_FOUND, "no tenant is called \"%s\": \"tenant list\" lists them", name);
	mem_free((void *)names);
	admin_end(call, E_NOT_FOUND, e.text);
	return NULL;
}

void json_count(struct buf *b, const char *key, uint64_t v)
{
	json_key(b, key, strlen(key));
	json_int(b, (int64_t)v);
}

void json_word(struct buf *b, const char *key, const char *text)
{
	json_key(b, key, strlen(key));
	json_text(b, text && *text ? slice_of(text) : SLICE_NONE);
}

void json_when(struct buf *b, const char *key, int64_t unix_s)
{
	char text[CLOCK_RFC3339_BYTES];
	clock_format_rfc3339(unix_s, text);
	json_word(b, key, unix_s ? text : NULL);
}
