#include "ctl/command.h"

#define DEVICE_FILTERS (OPTION_STATE | OPTION_PLATFORM | OPTION_OWNER | OPTION_GROUP)
#define CONNECTION                                                                                           \
	(OPTION_TOKEN_FILE | OPTION_TOKEN_STDIN | OPTION_CA_FILE | OPTION_CERT_FILE | OPTION_KEY_FILE |      \
	 OPTION_HEADER | OPTION_NO_CHECK)
#define SETTINGS                                                                                             \
	(OPTION_URL | OPTION_INTERVAL | OPTION_MAP_USERS | OPTION_MAP_TEAMS | OPTION_ALLOW_HTTP |            \
	 OPTION_ALLOW_PRIVATE | OPTION_SET)
#define NO_VIEW                                                                                              \
	{                                                                                                    \
		NULL, 0                                                                                      \
	}
#define SHOWN(array)                                                                                         \
	{                                                                                                    \
		array, sizeof(array) / sizeof(*(array))                                                      \
	}

static const struct column state_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "STATE", "state", COLUMN_STATE, FIT_WHOLE },
};
static const struct column checked_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },    { "VERSION", "version", COLUMN_TEXT, FIT_CUT },
	{ "ROLE", "role", COLUMN_TEXT, FIT_CUT },          { "TIER", "tier", COLUMN_TEXT, FIT_CUT },
	{ "HOSTS", "hosts", COLUMN_COUNT, FIT_WHOLE },     { "CHANGED", "changed", COLUMN_TEXT, FIT_WRAP },
	{ "WARNINGS", "warnings", COLUMN_TEXT, FIT_WRAP },
};
static const struct column set_columns[] = {
	{ "TENANT", "tenant", COLUMN_TEXT, FIT_WHOLE },
	{ "CHANGED", "changed", COLUMN_TEXT, FIT_WRAP },
	{ "NEW BASELINE", "new_baseline", COLUMN_YES, FIT_WHOLE },
	{ "WARNINGS", "warnings", COLUMN_TEXT, FIT_WRAP },
};
static const struct column key_columns[] = {
	{ "KEY", "key_id", COLUMN_TEXT, FIT_WHOLE },
	{ "SEALED", "sealed", COLUMN_COUNT, FIT_WHOLE },
};
static const struct column step_columns[] = {
	{ "STEP", "step", COLUMN_TEXT, FIT_WHOLE },
	{ "VERDICT", "verdict", COLUMN_STATE, FIT_WHOLE },
	{ "SAW", "saw", COLUMN_TEXT, FIT_WRAP },
	{ "REMEDY", "remedy", COLUMN_TEXT, FIT_WRAP },
};
static const struct column reload_columns[] = {
	{ "WHAT", "what", COLUMN_STATE, FIT_WHOLE },
	{ "NAME", "name", COLUMN_TEXT, FIT_WHOLE },
	{ "SETTINGS", "settings", COLUMN_TEXT, FIT_WRAP },
	{ "TEXT", "text", COLUMN_TEXT, FIT_WRAP },
};
static const struct column level_columns[] = {
	{ "LEVEL", "level", COLUMN_TEXT, FIT_WHOLE },
	{ "GROUP", "group", COLUMN_TEXT, FIT_WHOLE },
};
static const struct column copy_columns[] = {
	{ "PATH", "path", COLUMN_TEXT, FIT_WRAP },
	{ "BYTES", "bytes", COLUMN_COUNT, FIT_WHOLE },
	{ "TOOK MS", "took_ms", COLUMN_COUNT, FIT_WHOLE },
};

const struct command command_table[] = {
	{ "status", "", 0, 0, 0, FROM_DAEMON, "the daemon, its loop, store and queues",
	  "A report of the daemon: since when it runs, with which configuration, how quick it is, and how "
	  "many "
	  "tenants are\nin which state.",
	  command_status, NO_VIEW, NULL },
	{ "tenants", "", 0, 0, 0, FROM_EITHER, "the tenants and how their last sync ended",
	  "One row a tenant: devices, server, the token's role, licence tier, the last sync and the state of "
	  "the walk.\n"
	  "Exits with 1 when the last sync of one of them failed.",
	  command_tenants, NO_VIEW, NULL },
	{ "tenant list", "", 0, 0, 0, FROM_DAEMON, "tenants with their state and next sync",
	  "One row a tenant: what it does now, when it syncs next, and where it comes from: \"file\" is the "
	  "configuration,\n\"runtime\" was added by command, \"store\" is no longer configured.",
	  command_tenant_list, NO_VIEW, NULL },
	{ "tenant show", "TENANT", 1, 1, 0, FROM_DAEMON, "everything about one tenant but its secrets",
	  "A report of one tenant: its settings, its server, its schedule, and what its syncs did.",
	  command_tenant_show, NO_VIEW, NULL },
	{ "tenant add", "TENANT --url URL", 1, 1, CONNECTION | SETTINGS, FROM_DAEMON, "one more tenant",
	  "The server is asked first whether it takes the token. The token comes from --token-file or "
	  "--token-stdin; files are\nread here and their contents sent, so the daemon needs no access to "
	  "them.",
	  command_tenant_settings, SHOWN(checked_columns), NULL },
	{ "tenant set", "TENANT", 1, 1, (CONNECTION & ~OPTION_NO_CHECK) | SETTINGS, FROM_DAEMON,
	  "other settings for a tenant",
	  "Only what is given changes. A tenant of the configuration file is changed there, then \"reload\".",
	  command_tenant_settings, SHOWN(set_columns), NULL },
	{ "tenant rotate-token", "TENANT", 1, 1, OPTION_TOKEN_FILE | OPTION_TOKEN_STDIN | OPTION_NO_CHECK,
	  FROM_DAEMON, "another API token for a tenant",
	  "The server is asked first whether it takes the new token; if not, the old one stays.",
	  command_tenant_settings, SHOWN(checked_columns), NULL },
	{ "tenant pause", "TENANT", 1, 1, 0, FROM_DAEMON, "no sync begins by itself",
	  "Holds also after a restart, until \"tenant resume\".", command_rows, SHOWN(state_columns), NULL },
	{ "tenant resume", "TENANT", 1, 1, 0, FROM_DAEMON, "the end of a pause",
	  "An overdue sync begins at once.", command_rows, SHOWN(state_columns), NULL },
	{ "tenant remove", "TENANT --yes", 1, 1, OPTION_YES | OPTION_KEEP_DEVICES, FROM_DAEMON,
	  "takes a tenant out, with all its devices",
	  "A tenant of the configuration file is taken out there; one that is in the store only can be "
	  "removed "
	  "here.",
	  command_tenant_remove, NO_VIEW, NULL },
	{ "sync", "TENANT|--all", 0, 1, OPTION_ALL | OPTION_WAIT, FROM_DAEMON,
	  "a sync now, or the one that runs",
	  "With --wait its progress is shown until it has ended. Exits with 1 when it failed.", command_sync,
	  NO_VIEW, NULL },
	{ "wait", "TENANT synced|idle", 2, 2, 0, FROM_DAEMON, "until the sync has ended",
	  "\"synced\" exits with 1 when that sync failed; \"idle\" does not look at the result.",
	  command_wait, NO_VIEW, NULL },
	{ "summary", "[TENANT]", 0, 1, OPTION_STALE_AFTER, FROM_EITHER,
	  "counts of compliance, encryption and management",
	  "Counts the devices of all tenants, or of one, by compliance, disk encryption and device "
	  "management, and\n"
	  "those that are online, stale or missing. Exits with 1 when the last sync of one of them failed.",
	  command_summary, NO_VIEW, NULL },
	{ "devices", "TENANT", 1, 1, OPTION_STALE_AFTER | DEVICE_FILTERS, FROM_EITHER,
	  "the devices of a tenant",
	  "One row a device, in order of its id. Several filters must all match; case does not matter.",
	  command_devices, NO_VIEW, NULL },
	{ "device", "TENANT ID|SERIAL|UUID", 2, 2, OPTION_STALE_AFTER, FROM_EITHER,
	  "everything known of one device",
	  "A report of one device: who owns it, is it compliant and why not, is it encrypted and which "
	  "evidence says so.\n"
	  "The word is tried as the Fleet host id, then as serial number, then as hardware uuid.\n"
	  "Exits with 1 when there is no such device.",
	  command_device, NO_VIEW, NULL },
	{ "changes", "TENANT", 1, 1, OPTION_SINCE | OPTION_FOLLOW, FROM_EITHER, "what changed, in order",
	  "The change feed of a tenant: created, changed (with the members that did), deleted, revived, "
	  "out_of_scope,\n"
	  "and one baseline event at the end of the first sync. --since gives only what is newer; --follow "
	  "goes on with\nwhat changes from now on, and needs the daemon.",
	  command_changes, NO_VIEW, NULL },
	{ "deletions", "[TENANT]", 0, 1, 0, FROM_EITHER,
	  "devices that are missing, and deletions that are held",
	  "Without a name: each tenant that misses devices, and why their deletion is held. With one: these "
	  "devices.\n"
	  "A hold is accepted with the number shown: musterctl deletions accept TENANT --count N, or without "
	  "a daemon\nmusterd --config FILE --once --accept-deletions TENANT=N.",
	  command_deletions, NO_VIEW, NULL },
	{ "deletions show", "[TENANT]", 0, 1, 0, FROM_EITHER, "the same", "The same as \"deletions\".",
	  command_deletions, NO_VIEW, NULL },
	{ "deletions accept", "TENANT --count N", 1, 1, OPTION_COUNT | OPTION_WAIT, FROM_DAEMON,
	  "lets what is held go",
	  "Refused when N is not the number that is held. A sync follows, which asks the server for each "
	  "device before it\nis deleted.",
	  command_accept, NO_VIEW, NULL },
	{ "rejects", "TENANT", 1, 1, 0, FROM_EITHER, "hosts that could not be read",
	  "One row a host that the server sent and Muster could not read, with the reason and a sample.",
	  command_rejects, NO_VIEW, NULL },
	{ "tombstones", "TENANT", 1, 1, 0, FROM_EITHER, "devices that were deleted",
	  "One row a device that was deleted or went out of the token's scope, with the time.",
	  command_tombstones, NO_VIEW, NULL },
	{ "doctor", "TENANT", 1, 1, 0, FROM_DAEMON, "what is wrong with the way to a server",
	  "Goes the way to the server step by step, and says of each what was seen and what to do. Exits "
	  "with "
	  "1 when a step\nfailed.",
	  command_doctor, SHOWN(step_columns), NULL },
	{ "secrets rotate", "", 0, 0, 0, FROM_DAEMON, "seals all secrets under a new key",
	  "Every secret that the daemon keeps is opened and sealed again.", command_rows, SHOWN(key_columns),
	  NULL },
	{ "reload", "", 0, 0, 0, FROM_DAEMON, "the daemon reads its configuration again",
	  "One row a difference. A configuration with errors changes nothing; exits with 3 then.",
	  command_reload, SHOWN(reload_columns), "nothing is different" },
	{ "log", "LEVEL [GROUP]", 1, 2, 0, FROM_DAEMON, "how much the daemon logs",
	  "The level is error, warning, notice, info or debug, of one group or of all; until the end of the "
	  "daemon or a\nreload.",
	  command_rows, SHOWN(level_columns), NULL },
	{ "backup", "PATH", 1, 1, 0, FROM_DAEMON, "a consistent copy of the store",
	  "The daemon writes it, while it runs. PATH must not exist. Tenants that were added at run time, "
	  "and "
	  "their tokens,\nare not in it.",
	  command_copy, SHOWN(copy_columns), NULL },
	{ "compact", "PATH", 1, 1, 0, FROM_DAEMON, "the same without free pages",
	  "As \"backup\", but smaller and slower.", command_copy, SHOWN(copy_columns), NULL },
	{ "verify", "", 0, 0, 0, FROM_EITHER, "check the store",
	  "Rebuilds every index and count from the devices and compares. Exits with 1 when something does "
	  "not agree.",
	  command_verify, NO_VIEW, NULL },
	{ "shutdown", "", 0, 0, 0, FROM_DAEMON, "ends the daemon",
	  "Syncs under way stop where they are and go on after the next start.", command_rows, NO_VIEW,
	  "the daemon ends" },
	{ "version", "", 0, 0, 0, FROM_NOTHING, "the version of this program",
	  "The version of this program and of the store format it reads.", command_version, NO_VIEW, NULL },
	{ "help", "[COMMAND]", 0, 2, 0, FROM_NOTHING, "this help, or that of one command",
	  "Lists the commands, or says more about one of them.", command_show_help, NO_VIEW, NULL },
};
const size_t command_count = sizeof(command_table) / sizeof(*command_table);
