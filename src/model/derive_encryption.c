#include "model/derive_rules.h"

const char *encryption_state_name(enum encryption_state v)
{
	static const char *const names[] = {
		[ENCRYPTION_UNKNOWN] = "unknown",
		[ENCRYPTION_ON] = "on",
		[ENCRYPTION_OFF] = "off",
		[ENCRYPTION_ENFORCING] = "enforcing",
		[ENCRYPTION_ACTION_REQUIRED] = "action_required",
		[ENCRYPTION_FAILED] = "failed",
		[ENCRYPTION_REMOVING] = "removing",
	};
	return names[v];
}

static const char by_flag[] = "disk_encryption_enabled", by_settings[] = "os_settings";

struct finding {
	enum encryption_state state;
	const char *evidence;
};

static struct finding from_flag(enum host_tristate enabled)
{
	switch (enabled) {
	case HOST_YES:
		return (struct finding){ ENCRYPTION_ON, by_flag };
	case HOST_NO:
		return (struct finding){ ENCRYPTION_OFF, by_flag };
	default:
		return (struct finding){ ENCRYPTION_UNKNOWN, NULL };
	}
}

/* Fleet's view of the setting it enforces, together with what the agent saw on
 * the disk. "on" is said only when nothing contradicts it. */
static struct finding from_settings(struct slice status, enum host_tristate enabled)
{
	enum { WORDS = 6 };
	static const struct {
		struct slice word;
		enum encryption_state flag_yes, flag_no, flag_unknown;
	} rows[WORDS] = {
		{ SLICE("verified"), ENCRYPTION_ON, ENCRYPTION_OFF, ENCRYPTION_ON },
		/* acknowledged by the device, not yet seen to be in effect */
		{ SLICE("verifying"), ENCRYPTION_ON, ENCRYPTION_ENFORCING, ENCRYPTION_ENFORCING },
		{ SLICE("enforcing"), ENCRYPTION_ENFORCING, ENCRYPTION_ENFORCING, ENCRYPTION_ENFORCING },
		{ SLICE("action_required"), ENCRYPTION_ACTION_REQUIRED, ENCRYPTION_ACTION_REQUIRED,
		  ENCRYPTION_ACTION_REQUIRED },
		{ SLICE("failed"), ENCRYPTION_FAILED, ENCRYPTION_FAILED, ENCRYPTION_FAILED },
		{ SLICE("removing_enforcement"), ENCRYPTION_REMOVING, ENCRYPTION_OFF, ENCRYPTION_REMOVING },
	};
	for (int i = 0; status.p && i < WORDS; i++) {
		if (!slice_eq(status, rows[i].word))
			continue;
		enum encryption_state state = enabled == HOST_YES  ? rows[i].flag_yes
					      : enabled == HOST_NO ? rows[i].flag_no
								   : rows[i].flag_unknown;
		return (struct finding){ state, state == ENCRYPTION_OFF ? by_flag : by_settings };
	}
	return from_flag(enabled);
}

static const char *method_of(enum os_family family)
{
	switch (family) {
	case OS_MACOS:
		return "filevault";
	case OS_WINDOWS:
		return "bitlocker";
	case OS_LINUX:
		return "luks";
	default:
		return NULL;
	}
}

/* The newest word of the setting. Where a list has since said another one than
 * the detail, what the detail saw on the disk is history. A host that is in no
 * list has no status any more; that does not change its disk. */
static struct slice newest_status(const struct host *list, const struct detail_facts *detail,
				  enum host_tristate *then)
{
	struct slice said = detail->os_settings_disk_encryption, listed = detail->listed_disk_encryption;
	*then = detail->disk_encryption_enabled;
	if (detail->listed_at > detail->fetched_at) {
		if (listed.p && !slice_eq(said, listed))
			*then = HOST_UNKNOWN;
		return listed.p ? listed : list->os_settings_disk_encryption;
	}
	return said.p ? said : list->os_settings_disk_encryption;
}

void derive_encryption(struct device *out, const struct host *list, const struct detail_facts *detail)
{
	enum host_tristate now = list->disk_encryption_enabled, then;
	struct slice status = newest_status(list, detail, &then);
	struct finding f;

	if (now != HOST_UNKNOWN && then != HOST_UNKNOWN && now != then)
		f = from_flag(now); /* the disk has changed since the detail: its status is history */
	else
		f = from_settings(status, now != HOST_UNKNOWN ? now : then);
	out->encryption = f.state;
	out->encryption_evidence = f.evidence;
	out->encryption_method =
		f.state == ENCRYPTION_UNKNOWN || f.state == ENCRYPTION_OFF ? NULL : method_of(out->family);
}
