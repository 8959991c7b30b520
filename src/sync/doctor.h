/* A look at one tenant's server for a person who asks why it does not work: every
 * step from the address to a page of hosts, each with what was seen and what to do.
 * It has connections of its own and touches neither the store nor a sync; each
 * step has its time limit, so it ends by itself. Runs on the loop's thread. */
#pragma once

#include "sync/doctor_findings.h"

struct doctor;

struct doctor_options {
	struct loop *loop;
	struct http_client *http;
	const struct conf_tenant *conf; /* held until the end */
	/* Each step of doctor_findings.h once, in their order; those that need one
	 * that failed are skipped. Must not cancel. */
	void (*found)(void *arg, const struct doctor_finding *f);
	/* Once, after the last step; the doctor is gone then. */
	void (*done)(void *arg, enum doctor_verdict worst);
	void *arg;
};

/* Nothing is called from inside. E_NOMEM. */
int doctor_start(struct doctor **out, const struct doctor_options *o);
/* Nothing is called any more; any callback but found() may call it. */
void doctor_cancel(struct doctor *d);
