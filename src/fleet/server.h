/* What a Fleet server says about itself and about the token: /version, /me and
 * /config (fleet-api 1.3 and 4). Pure: bodies in, facts out. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum server_scope {
	SCOPE_UNKNOWN, /* /me is not among the endpoints the token may call: nothing may be deleted */
	SCOPE_GLOBAL,
	SCOPE_TEAMS, /* sees only the hosts of its teams */
	SCOPE_NONE,  /* neither a global role nor a team */
};

struct server_facts {
	char version[48];
	int major, minor; /* 0.0 when the text is not understood */
	int64_t user_id;  /* 0: unknown */
	char role[32];    /* the global role, or the first team's that may list hosts */
	enum server_scope scope;
	bool session_token; /* an ordinary user's: it expires */
	/* "2:observer,5:maintainer" by ascending id; of very many only the first,
	 * then '+' and a digest of all */
	char teams[512];
	char tier[16]; /* "free", "premium", ... or "" when not known */
	bool premium;
};

/* E_NOT_FLEET when the body is not the answer of that endpoint, or E_NOMEM. */
int server_read_version(struct server_facts *f, struct slice body, struct err *e);
int server_read_me(struct server_facts *f, struct slice body, struct err *e);
/* A reduced /config (not an admin) is fine; only the licence is read. */
int server_read_config(struct server_facts *f, struct slice body, struct err *e);

bool server_at_least(const struct server_facts *f, int major, int minor);
/* E_FORBIDDEN with a sentence when hosts cannot be listed with this role (gitops). */
int server_check_role(const struct server_facts *f, struct err *e);

/* What must stay the same for a walk to go on or to count (invariant 3):
 * "url=..;role=..;teams=..|user=..;tier=..;version=..;order=..;params=..". The part
 * before '|' is the scope: when it changes, devices vanish that were not deleted. */
void server_fingerprint(char *out, size_t size, const struct server_facts *f, const char *url,
			const char *order_key, const char *params);
/* Same scope part; false when one of them is cut before its end. */
bool server_same_scope(const char *fingerprint_a, const char *fingerprint_b);
