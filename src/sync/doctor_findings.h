/* What a look at a tenant's server found, step by step, in words: what was seen
 * and what to do about it. Pure: what came in, findings out. doctor.h does the
 * looking. */
#pragma once

#include "conf/conf.h"
#include "fleet/list_request.h"
#include "net/reach.h"

/* In the order in which they are told. */
enum doctor_step {
	DOCTOR_ADDRESS, /* spelling and scheme, and whether the settings can be used */
	DOCTOR_NAME,
	DOCTOR_ALLOWED, /* the addresses that the name has */
	DOCTOR_CONNECTION,
	DOCTOR_TLS,
	DOCTOR_FLEET,
	DOCTOR_TOKEN,
	DOCTOR_ROLE,
	DOCTOR_LICENCE,
	DOCTOR_CLOCK,
	DOCTOR_HOSTS,
	DOCTOR_CURSOR,
	DOCTOR_LATENCY,
	DOCTOR_STEPS,
};
/* By rising weight: the worst one is the verdict on all. */
enum doctor_verdict { DOCTOR_SKIPPED, DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

struct doctor_finding {
	enum doctor_step step;
	enum doctor_verdict verdict;
	char saw[640];
	char remedy[480]; /* "": there is nothing to do */
};

/* "address", ...; "ok", "warning", "failed", "skipped" */
const char *doctor_step_name(enum doctor_step s);
const char *doctor_verdict_name(enum doctor_verdict v);

/* What an answer to a request came to. */
struct doctor_answer {
	int rc; /* E_TOKEN and E_FORBIDDEN may come from something in front of Fleet */
	const struct err *err;
	const struct http_result *http;
	bool from_fleet, allowlist; /* of a failure */
	bool wants_client;          /* the server asked for a client's certificate, and none is set */
};

/* `needed` is the step without which this one tells nothing. */
void doctor_skip(struct doctor_finding *f, enum doctor_step s, enum doctor_step needed);
void doctor_skip_for_proxy(struct doctor_finding *f, enum doctor_step s);
/* `rc` of making a connection's settings, OK: they can be used. */
void doctor_see_address(struct doctor_finding *f, const struct conf_tenant *t, int rc, const struct err *e);
/* DOCTOR_NAME to DOCTOR_TLS, as far as the look came: answers how many, the last
 * one failed when it is not four. */
unsigned doctor_see_way(struct doctor_finding f[4], const struct conf_tenant *t, const struct reach_result *r,
			int64_t now_unix_s);
/* Of /version. A refusal in Fleet's own form is a Fleet. */
void doctor_see_fleet(struct doctor_finding *f, const struct doctor_answer *a, const struct server_facts *s);
/* Of /version when the token was refused there, or of /me. */
void doctor_see_token(struct doctor_finding *f, const struct conf_tenant *t, const struct doctor_answer *a,
		      const struct server_facts *s);
/* Of /me, which was answered, or is not among the endpoints of the token. */
void doctor_see_role(struct doctor_finding *f, const struct server_facts *s);
/* Of /config. `expires` in Unix seconds, 0: not told. */
void doctor_see_licence(struct doctor_finding *f, const struct doctor_answer *a, const struct server_facts *s,
			int64_t expires, int64_t now_unix_s);
/* `server_date` 0: not told. */
void doctor_see_clock(struct doctor_finding *f, int64_t server_date, int64_t now_unix_s);
/* Of /hosts/count; `count` counts when a->rc is OK. */
void doctor_see_hosts(struct doctor_finding *f, const struct doctor_answer *a, const struct server_facts *s,
		      int64_t count);
/* `order` is the last one that was asked for; `after` the host that the second
 * page had to follow, 0: there was no second page. */
void doctor_see_cursor(struct doctor_finding *f, const struct doctor_answer *a, enum list_order order,
		       uint64_t after);
/* `hosts` of the page; `refused`: the server refuses the parameters of a sync's
 * pages, this one came without. */
void doctor_see_latency(struct doctor_finding *f, const struct doctor_answer *a, uint32_t hosts,
			bool refused);
