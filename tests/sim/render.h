/* Host objects and policies as JSON, as the tenant's version writes them. */
#pragma once

#include "facts.h"
#include "jout.h"

enum render_flags {
	RENDER_MAPPING = 1 << 0,
	RENDER_POLICIES = 1 << 1,
	RENDER_DEVICE_STATUS = 1 << 2,
	RENDER_NO_ISSUES = 1 << 3,
	RENDER_DETAIL = 1 << 4,
	RENDER_SOFTWARE = 1 << 5,
	RENDER_NULLS = 1 << 6,       /* every member but id is null */
	RENDER_WRONG_TYPES = 1 << 7, /* every member but id has a type it must not have */
	RENDER_NO_ID = 1 << 8,
};

/* One host object; the caller holds the tenant's lock. */
void render_host(struct jout *o, const struct tenant *t, const struct sim_host *h, unsigned flags);
/* [{"email","source"}], or null when there is none. */
void render_mapping(struct jout *o, const struct facts *f);
/* The members of a policy, without response. */
void render_policy(struct jout *o, const struct tenant *t, uint32_t policy);
const char *render_policy_name(uint32_t policy);
