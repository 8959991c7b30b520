#include "fleet.h"

#include "base/random.h"
#include "grab.h"

#include <string.h>

static const char *const team_names[TEAMS_MAX] = {
	"Unassigned",     "Workstations", "Servers", "Executives", "Engineering", "Sales",
	"Field & Retail", "Contractors",  "Kiosks",  "Research",   "Compliance",  "Support",
	"Warehouse",      "Finance",      "Legal",   "Lab <test>",
};

const char *fleet_team_name(uint32_t team)
{
	return team_names[team % TEAMS_MAX];
}

uint64_t fleet_mix(uint64_t a, uint64_t b, uint64_t c)
{
	struct random r = { a * 0x9e3779b97f4a7c15u ^ b * 0xd1342543de82ef95u ^ c * 0xaf251af3b0f025b5u };
	random_next(&r);
	return random_next(&r);
}

uint32_t fleet_upper(const struct tenant *t, uint64_t after)
{
	uint32_t low = 0, high = t->count;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (t->hosts[mid].id > after)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

struct sim_host *fleet_find(struct tenant *t, uint64_t id)
{
	if (id == 0)
		return NULL;
	uint32_t at = fleet_upper(t, id - 1);
	return at < t->count && t->hosts[at].id == id ? &t->hosts[at] : NULL;
}

struct sim_host *fleet_add(struct tenant *t, uint64_t machine)
{
	if (t->count == t->capacity) {
		t->capacity = t->capacity ? t->capacity * 2 : 64;
		t->hosts = regrab(t->hosts, t->capacity * sizeof(t->hosts[0]));
	}
	uint64_t gap = fleet_mix(t->seed, t->next_id, 1) % 8;
	t->next_id += gap == 0 ? 3 : 1;
	if (!machine)
		machine = ++t->next_machine;
	struct sim_host *h = &t->hosts[t->count++];
	*h = (struct sim_host){ .id = t->next_id, .machine = machine };
	return h;
}

static void forget_overrides(struct sim_host *h)
{
	while (h->overrides) {
		struct override *o = h->overrides;
		h->overrides = o->next;
		mem_free(o->key);
		mem_free(o->raw);
		mem_free(o);
	}
}

void fleet_delete(struct tenant *t, uint32_t index)
{
	forget_overrides(&t->hosts[index]);
	memmove(&t->hosts[index], &t->hosts[index + 1], (t->count - index - 1) * sizeof(t->hosts[0]));
	t->count--;
}

void fleet_override(struct sim_host *h, const char *key, const char *raw)
{
	struct override *o = h->overrides;
	while (o && strcmp(o->key, key) != 0)
		o = o->next;
	if (!o) {
		o = grab(sizeof(*o));
		o->key = grab_text(key);
		o->next = h->overrides;
		h->overrides = o;
	}
	mem_free(o->raw);
	o->raw = grab_text(raw);
}

uint32_t fleet_team_of(const struct tenant *t, const struct sim_host *h)
{
	if (!t->premium || !t->teams)
		return 0;
	uint64_t first = fleet_mix(t->seed, h->machine, 2) % (t->teams + 1);
	return (uint32_t)((first + h->rev[FIELD_TEAM]) % (t->teams + 1));
}

bool fleet_visible(const struct tenant *t, const struct sim_host *h)
{
	if (!t->scope.scoped)
		return true;
	uint32_t team = fleet_team_of(t, h);
	for (uint32_t i = 0; i < t->scope.count; i++)
		if (team && t->scope.teams[i] == team)
			return true;
	return false;
}

void fleet_fill(struct tenant *t, uint32_t hosts)
{
	for (uint32_t i = 0; i < hosts; i++)
		fleet_add(t, 0);
}

void fleet_release(struct tenant *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		forget_overrides(&t->hosts[i]);
	mem_free(t->hosts);
	mem_free(t->token);
	mem_free(t->endpoints);
	pthread_mutex_destroy(&t->lock);
}
