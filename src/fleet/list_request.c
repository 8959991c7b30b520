#include "fleet/list_request.h"

#include <stdio.h>

enum { AIM_BYTES = 4 * 1024 * 1024, AIM_MS = 5000, CALM_MS = 1000 };

static const struct {
	unsigned bit;
	const char *name;
} features[] = {
	/* newest first: the order in which they are given up */
	{ LIST_DEVICE_STATUS, "include_device_status" },
	{ LIST_POLICIES, "populate_policies" },
	{ LIST_DEVICE_MAPPING, "device_mapping" },
};
enum { FEATURES = sizeof(features) / sizeof(features[0]) };

const char *const list_encryption_words[LIST_ENCRYPTION_WORDS] = {
	"removing_enforcement", "failed", "action_required", "enforcing", "verifying", "verified",
};

void list_request_init(struct list_request *r, enum list_order order, unsigned wanted, uint64_t after,
		       uint32_t page_hosts)
{
	*r = (struct list_request){
		.order = order,
		.features = wanted,
		.after = after,
		.per_page = page_hosts ? page_hosts : LIST_START_HOSTS,
		.fixed = page_hosts != 0,
		.shrink_only = order == LIST_BY_PAGE,
	};
}

unsigned list_features_of(const struct server_facts *f)
{
	bool unknown = f->major == 0;
	unsigned wanted = LIST_DEVICE_MAPPING;
	if (unknown || server_at_least(f, 4, 47))
		wanted |= LIST_POLICIES;
	if (unknown || server_at_least(f, 4, 80))
		wanted |= LIST_DEVICE_STATUS;
	return wanted;
}

const char *list_order_key(enum list_order o)
{
	return o == LIST_BY_H_ID ? "h.id" : "id";
}

void list_features_text(char *out, size_t size, unsigned wanted)
{
	size_t used = 0;
	out[0] = '\0';
	for (int i = FEATURES - 1; i >= 0; i--)
		if (wanted & features[i].bit && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s=true", used ? "&" : "",
						 features[i].name);
}

void list_request_path(struct buf *out, const struct list_request *r)
{
	char extra[128];
	list_features_text(extra, sizeof(extra), r->features);
	buf_printf(out, "/api/v1/fleet/hosts?per_page=%u&order_key=%s", r->per_page,
		   list_order_key(r->order));
	if (r->order == LIST_BY_PAGE)
		buf_printf(out, "&page=%u", r->page);
	else
		buf_printf(out, "&after=%llu", (unsigned long long)r->after);
	if (extra[0])
		buf_printf(out, "&%s", extra);
	if (!r->disk_encryption)
		return;
	/* without a team this filter means the hosts of none; the old name of the
	 * parameter works on all versions */
	if (r->team)
		buf_printf(out, "&team_id=%llu", (unsigned long long)r->team);
	buf_printf(out, "&os_settings_disk_encryption=%s", r->disk_encryption);
}

void list_request_advance(struct list_request *r, uint64_t last_id)
{
	if (last_id > r->after)
		r->after = last_id;
	r->page++;
}

void list_request_adapt(struct list_request *r, uint32_t hosts, uint64_t bytes, uint32_t took_ms)
{
	if (r->fixed || r->shrink_only || hosts == 0)
		return;
	/* what one host cost, scaled to the aims */
	uint64_t by_bytes = (uint64_t)AIM_BYTES * hosts / (bytes ? bytes : 1);
	uint64_t by_time = (uint64_t)AIM_MS * hosts / (took_ms ? took_ms : 1);
	uint64_t want = by_bytes < by_time ? by_bytes : by_time;
	if (want > 2 * (uint64_t)r->per_page)
		want = 2 * (uint64_t)r->per_page;
	/* large pages only where they are quick: back to what would have been,
	 * so that a steady server gets a steady size */
	if (want > LIST_CALM_HOSTS && took_ms >= CALM_MS) {
		uint64_t calm = (uint64_t)CALM_MS * hosts / took_ms;
		if (want > calm)
			want = calm > LIST_CALM_HOSTS ? calm : LIST_CALM_HOSTS;
	}
	if (want > LIST_MAX_HOSTS)
		want = LIST_MAX_HOSTS;
	if (want < LIST_MIN_HOSTS)
		want = LIST_MIN_HOSTS;
	r->per_page = (uint32_t)want;
}

void list_request_shrink(struct list_request *r)
{
	uint32_t half = r->per_page / 2;
	if (r->per_page <= LIST_MIN_HOSTS)
		return;
	if (r->order == LIST_BY_PAGE) {
		/* an odd size would move the offset of the pages to come */
		if (r->per_page % 2 || half < LIST_MIN_HOSTS)
			return;
		r->page *= 2;
	}
	r->per_page = half > LIST_MIN_HOSTS ? half : LIST_MIN_HOSTS;
}

bool list_request_drop_feature(struct list_request *r, struct slice body)
{
	for (int named = 1; named >= 0; named--)
		for (int i = 0; i < FEATURES; i++)
			if (r->features & features[i].bit &&
			    (!named || (body.n && memmem(body.p, body.n, features[i].name,
							 strlen(features[i].name))))) {
				r->features &= ~features[i].bit;
				return true;
			}
	return false;
}
