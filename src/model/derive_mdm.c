#include "model/derive_rules.h"

const char *mdm_enrollment_name(enum mdm_enrollment v)
{
	static const char *const names[] = {
		[MDM_UNKNOWN] = "unknown",   [MDM_AUTOMATIC] = "automatic", [MDM_MANUAL] = "manual",
		[MDM_PERSONAL] = "personal", [MDM_PENDING] = "pending",     [MDM_OFF] = "off",
	};
	return names[v];
}

static enum mdm_enrollment enrollment_of(struct slice status)
{
	static const struct {
		struct slice text;
		enum mdm_enrollment is;
	} rows[] = {
		{ SLICE("On (automatic)"), MDM_AUTOMATIC },
		{ SLICE("On (manual)"), MDM_MANUAL },
		{ SLICE("On (personal)"), MDM_PERSONAL },
		{ SLICE("Pending"), MDM_PENDING },
		{ SLICE("Off"), MDM_OFF },
	};
	if (status.p)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			if (text_is_folded(status, rows[i].text))
				return rows[i].is;
	return MDM_UNKNOWN;
}

/* Servers before 4.53 do not say whether a host talks to their own MDM; the
 * solution's name does, once the host is enrolled at all. */
static enum host_tristate managed_by_fleet(const struct device *d, enum host_tristate connected)
{
	if (connected != HOST_UNKNOWN)
		return connected;
	if (d->enrollment == MDM_OFF || d->enrollment == MDM_PENDING)
		return HOST_NO;
	if (!d->mdm_vendor.p)
		return HOST_UNKNOWN;
	return slice_is(d->mdm_vendor, "Fleet") ? HOST_YES : HOST_NO;
}

/* The list's word when it was asked to say it (include_device_status), else
 * the detail's. "" means that nothing is pending, which is not "unknown". */
static void device_status(struct device *out, const struct host *list, const struct detail_facts *detail)
{
	bool said = list->seen & HOST_SEEN_DEVICE_STATUS;
	struct slice pending = said ? list->mdm_pending_action : detail->pending_action;

	out->device_status = text_trim(said ? list->mdm_device_status : detail->device_status);
	out->pending_action = text_trim(pending);
	if (pending.p && !out->pending_action.p)
		out->pending_action = SLICE("none");
}

/* A key that is there is a fact. That there is none means something only for
 * devices whose encryption Fleet manages. Lists have said "none" of hosts whose
 * detail knew better, so a detail that says yes wins. */
static enum host_tristate key_escrowed(const struct device *d, enum host_tristate list,
				       enum host_tristate detail)
{
	if (list == HOST_YES || detail == HOST_YES)
		return HOST_YES;
	if (list == HOST_UNKNOWN && detail == HOST_UNKNOWN)
		return HOST_UNKNOWN;
	return d->managed_by_fleet == HOST_YES ? HOST_NO : HOST_UNKNOWN;
}

void derive_mdm(struct device *out, const struct host *list, const struct detail_facts *detail)
{
	out->enrollment = enrollment_of(list->mdm_enrollment_status);
	out->mdm_vendor = text_trim(list->mdm_name);
	out->mdm_server_url = text_trim(list->mdm_server_url);
	out->managed_by_fleet = managed_by_fleet(out, list->mdm_connected_to_fleet);
	out->key_escrowed =
		key_escrowed(out, list->mdm_encryption_key_available, detail->encryption_key_available);
	device_status(out, list, detail);
}
