/* How many hosts of each team a walk has listed. Owned by whoever holds it; of
 * very many teams only the first TEAM_HOSTS_MAX seen are counted. */
#pragma once

#include <stdint.h>

enum { TEAM_HOSTS_MAX = 1024 };

struct team_hosts {
	struct team_hosts_row {
		uint64_t team; /* 0: hosts of no team */
		uint64_t hosts;
	} * rows; /* ascending by team */
	uint32_t count, capacity;
};

/* One more host. Without memory the team is not counted. */
void team_hosts_add(struct team_hosts *t, uint64_t team);
/* Forgets all; the memory is kept. */
void team_hosts_reset(struct team_hosts *t);
void team_hosts_release(struct team_hosts *t);
