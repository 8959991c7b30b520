/* A page as text, every fact of it, so that two ways of parsing can be compared. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "model/host.h"

static inline void dump_slice(struct buf *b, const char *name, struct slice s)
{
	if (s.p)
		buf_printf(b, " %s='%.*s'", name, (int)s.n, s.p);
}

static inline void dump_host(struct buf *b, const struct host *h)
{
#define I(m)                                                                                                 \
	if (h->m != HOST_NO_INT && h->m != 0)                                                                \
	buf_printf(b, " " #m "=%lld", (long long)h->m)
#define S(m) dump_slice(b, #m, h->m)
	I(seen);
	I(wrong_types);
	I(bad_utf8);
	I(created_at);
	I(last_enrolled_at);
	I(seen_time);
	I(last_restarted_at);
	I(detail_updated_at);
	I(policy_updated_at);
	I(software_updated_at);
	I(uptime_ns);
	I(memory_bytes);
	I(cores_physical);
	I(cores_logical);
	I(disk_total_bytes);
	I(disk_available_bytes);
	I(team_id);
	I(failing_policies_count);
	I(critical_vulnerabilities_count);
	I(mdm_connected_to_fleet);
	I(mdm_encryption_key_available);
	I(disk_encryption_enabled);
	S(hostname), S(uuid), S(serial), S(computer_name), S(display_name), S(platform), S(platform_like);
	S(os_version), S(build), S(code_name), S(cpu_type), S(cpu_brand), S(hardware_vendor),
		S(hardware_model);
	S(osquery_version), S(orbit_version), S(desktop_version), S(public_ip), S(primary_ip), S(primary_mac);
	S(team_name), S(mdm_enrollment_status), S(mdm_server_url), S(mdm_name), S(mdm_device_status);
	S(mdm_pending_action), S(os_settings_disk_encryption);
	for (uint32_t i = 0; i < h->policy_count; i++)
		buf_printf(b, " policy=%u:%u:%u", h->policies[i].id, h->policies[i].result,
			   h->policies[i].critical);
	for (uint32_t i = 0; i < h->mapping_count; i++) {
		dump_slice(b, "mapping", h->mapping[i].email);
		dump_slice(b, "from", h->mapping[i].source);
	}
	for (uint32_t i = 0; i < h->end_user_count; i++) {
		dump_slice(b, "end_user", h->end_users[i].email);
		dump_slice(b, "from", h->end_users[i].source);
	}
#undef I
#undef S
}

static inline void dump_page(struct buf *b, const struct page *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct page_element *e = &p->elements[i];
		buf_printf(b, "%llu:", (unsigned long long)e->id);
		if (e->host)
			dump_host(b, e->host);
		else
			buf_printf(b, " rejected: %s [%.*s]", e->reason, (int)e->sample.n, e->sample.p);
		buf_puts(b, "\n");
	}
	for (uint32_t i = 0; i < p->policy_count; i++) {
		buf_printf(b, "policy %u critical=%d", p->policies[i].id, p->policies[i].critical);
		dump_slice(b, "name", p->policies[i].name);
		buf_puts(b, "\n");
	}
}
