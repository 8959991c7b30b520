/* How many hosts of each team a walk has listed. Owned by whoever holds it; of
 * very many teams only the first TEAM_HOSTS_MAX seen are counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TEAM_HOSTS_MAX = 1024 };

struct team_hosts {
	struct team_hosts_row {
		uint64_t team; /* 0: hosts of no team */
		uint64_t hosts;
		bool listed; /* since by each word of disk encryption, to the end */
	} * rows;            /* ascending by team */
	uint32_t count, capacity;
	uint64_t *listed; /* of team_hosts_listed() */
};

/* One more host. Without memory the team is not counted. */
void team_hosts_add(struct team_hosts *t, uint64_t team);
/* The teams marked as listed, ascending; valid until the next call. Without
 * memory there are none. */
const uint64_t *team_hosts_listed(struct team_hosts *t, uint32_t *count);
/* Forgets all; the memory is kept. */
void team_hosts_reset(struct team_hosts *t);
void team_hosts_release(struct team_hosts *t);
