/* A small seeded generator (splitmix64) for jitter and spreading, never for
 * secrets. State is the caller's, so a test can replay it. */
#pragma once

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Uniform in [0, n); 0 for n == 0. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return n ? (uint64_t)(((unsigned __int128)random_next(r) * n) >> 64) : 0;
}

/* A seed from the kernel. */
uint64_t random_seed(void);
