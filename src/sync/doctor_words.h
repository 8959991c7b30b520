/* How a finding gets its words; shared by the files doctor_*.c. */
#pragma once

#include "sync/doctor_findings.h"

void doctor_see(struct doctor_finding *f, enum doctor_step s, enum doctor_verdict v, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void doctor_advise(struct doctor_finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An error's sentence has its remedy behind a semicolon. */
void doctor_see_error(struct doctor_finding *f, enum doctor_step s, enum doctor_verdict v,
		      const struct err *e);
long doctor_days(int64_t until, int64_t now);
