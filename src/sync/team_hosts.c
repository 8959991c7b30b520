#include "sync/team_hosts.h"

#include "base/mem.h"

#include <string.h>

enum { FIRST_CAPACITY = 16 };

/* Where the team stands, or has to. */
static uint32_t place_of(const struct team_hosts *t, uint64_t team)
{
	uint32_t low = 0, high = t->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (t->rows[middle].team < team)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int room_for_one(struct team_hosts *t)
{
	if (t->count == TEAM_HOSTS_MAX)
		return -1;
	if (t->count < t->capacity)
		return 0;
	uint32_t capacity = t->capacity ? 2 * t->capacity : FIRST_CAPACITY;
	struct team_hosts_row *rows = mem_realloc(t->rows, capacity * sizeof(*rows));
	if (!rows)
		return -1;
	t->rows = rows;
	t->capacity = capacity;
	return 0;
}

void team_hosts_add(struct team_hosts *t, uint64_t team)
{
	uint32_t at = place_of(t, team);
	if (at < t->count && t->rows[at].team == team) {
		t->rows[at].hosts++;
		return;
	}
	if (room_for_one(t))
		return;
	memmove(&t->rows[at + 1], &t->rows[at], (t->count - at) * sizeof(t->rows[0]));
	t->rows[at] = (struct team_hosts_row){ .team = team, .hosts = 1 };
	t->count++;
}

const uint64_t *team_hosts_listed(struct team_hosts *t, uint32_t *count)
{
	*count = 0;
	uint64_t *listed = t->count ? mem_realloc(t->listed, t->count * sizeof(*listed)) : NULL;
	if (!listed)
		return NULL;
	t->listed = listed;
	for (uint32_t i = 0; i < t->count; i++)
		if (t->rows[i].listed)
			listed[(*count)++] = t->rows[i].team;
	return listed;
}

void team_hosts_reset(struct team_hosts *t)
{
	t->count = 0;
}

void team_hosts_release(struct team_hosts *t)
{
	mem_free(t->rows);
	mem_free(t->listed);
	*t = (struct team_hosts){ 0 };
}
