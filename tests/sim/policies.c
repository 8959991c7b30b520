#include "render.h"

struct policy_text {
	const char *name, *query, *description, *resolution;
	bool critical;
};

/* Numbered from 1. The short form of these keeps a listed host with 12 of them
 * near 5.3 kB; real ones are longer (policy_text=full adds the length). */
static const struct policy_text policies[POLICIES_MAX] = {
	{ "Full disk encryption enabled", "SELECT 1 FROM disk_encryption WHERE encrypted=1;",
	  "The disk is encrypted.", "Turn on disk encryption.", true },
	{ "Firewall enabled", "SELECT 1 FROM alf WHERE global_state >= 1;", "The host firewall is on.",
	  "Turn on the firewall.", true },
	{ "Screen lock after 5 minutes", "SELECT 1 FROM screenlock WHERE grace_period <= 300;",
	  "Locks when idle.", "Set the screen lock.", false },
	{ "Operating system up to date", "SELECT 1 FROM os_version WHERE major >= 14;",
	  "A supported system runs.", "Install updates.", true },
	{ "Automatic updates on", "SELECT 1 FROM preferences WHERE value=1;",
	  "Updates install by themselves.", "Turn them on.", false },
	{ "Antivirus healthy", "SELECT 1 FROM processes WHERE name='edr-agent';", "The EDR agent runs.",
	  "Reinstall the agent.", true },
	{ "Guest account disabled", "SELECT 1 FROM users WHERE NOT guest;", "Nobody works as guest.",
	  "Disable the account.", false },
	{ "No unencrypted SSH keys", "SELECT 1 FROM user_ssh_keys WHERE encrypted='1';",
	  "Keys have a passphrase.", "Add a passphrase.", false },
	{ "Password manager installed", "SELECT 1 FROM programs WHERE name LIKE 'Vault%';", "It is there.",
	  "Install it.", false },
	{ "Remote login disabled", "SELECT 1 FROM sharing WHERE remote_login=0;", "No inbound SSH.",
	  "Turn remote login off.", false },
	{ "MDM profile present", "SELECT 1 FROM mdm WHERE enrolled='true';", "The host is managed.",
	  "Enrol the host again.", false },
	{ "Browser up to date", "SELECT 1 FROM apps WHERE version_major >= 128;", "A current browser.",
	  "Restart the browser.", false },
	{ "Secure boot enabled", "SELECT 1 FROM secureboot WHERE secure_boot=1;", "Starts verified.",
	  "Turn it on.", true },
	{ "No developer certificates", "SELECT 1 FROM certificates WHERE ca=0;", "No test roots.",
	  "Remove them.", false },
	{ "Time is synchronised", "SELECT 1 FROM time WHERE unix_time > 0;", "The clock is right.",
	  "Use the time server.", false },
	{ "Bluetooth sharing off", "SELECT 1 FROM sharing WHERE bluetooth=0;", "No sharing.", "Turn it off.",
	  false },
	{ "USB storage blocked", "SELECT 1 FROM usb WHERE removable=0;", "No sticks.", "Remove the stick.",
	  false },
	{ "Backup in 7 days", "SELECT 1 FROM backups WHERE age_d < 7;", "There is a backup.",
	  "Start a backup.", false },
	{ "VPN client present", "SELECT 1 FROM apps WHERE name='vpn';", "It is there.", "Install it.",
	  false },
	{ "Disk has free space", "SELECT 1 FROM mounts WHERE free > 5;", "Room for updates.",
	  "Free some space.", false },
	{ "Local admins: \"it\" & <ops> only", "SELECT 1 FROM groups WHERE gid<>80;", "Few admins.",
	  "Remove rights.", false },
	{ "Certificates not expiring", "SELECT 1 FROM certificates;", "None ends soon.", "Renew them.",
	  false },
	{ "Location services off", "SELECT 1 FROM location_services;", "Off.", "Turn it off.", false },
	{ "No root processes listening", "SELECT 1 FROM listening_ports;", "None.", "Stop them.", false },
};

static const char long_query[] =
	"SELECT score FROM (SELECT CASE WHEN COUNT(*) = 2 THEN 1 ELSE 0 END AS score FROM plist WHERE "
	"(key = 'Version' AND path = '/Library/Example/Info.plist' AND value >= 2162) OR (key = 'Other' AND "
	"path = '/Library/Example/Other.plist' AND value >= 1.93)) WHERE score == 1;";

const char *render_policy_name(uint32_t policy)
{
	return policies[(policy - 1) % POLICIES_MAX].name;
}

static void author(struct jout *o)
{
	jout_ki(o, "author_id", 2);
	jout_kt(o, "author_name", "Policy Author");
	jout_kt(o, "author_email", "author@example.com");
}

void render_policy(struct jout *o, const struct tenant *t, uint32_t policy)
{
	const struct policy_text *p = &policies[(policy - 1) % POLICIES_MAX];
	jout_ki(o, "id", policy);
	jout_kt(o, "name", p->name);
	jout_kt(o, "query", t->full_policies ? long_query : p->query);
	if (version_at_least(&t->version, 4, 25))
		jout_kb(o, "critical", t->premium && p->critical);
	jout_kt(o, "description", p->description);
	if (t->full_policies)
		author(o);
	jout_kn(o, "team_id");
	jout_kt(o, "resolution", p->resolution);
	jout_kt(o, "platform", "darwin,windows,linux,chrome");
	if (!t->full_policies)
		return;
	if (version_at_least(&t->version, 4, 53))
		jout_kb(o, "calendar_events_enabled", false);
	if (version_at_least(&t->version, 4, 69))
		jout_kb(o, "conditional_access_enabled", false);
	jout_key(o, "created_at");
	jout_time(o, 1691617559, 0);
	jout_key(o, "updated_at");
	jout_time(o, 1691617559 + policy, 0);
}
