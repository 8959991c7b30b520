/* The small endpoints: version, me, config, teams, host_summary, policies, labels. */
#pragma once

#include "fault.h"

void meta_answer(struct tenant *t, enum endpoint ep, struct reply *reply);
