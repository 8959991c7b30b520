/* The control interface: faults, changes and counters, over plain HTTP. */
#pragma once

#include "reply.h"
#include "request.h"
#include "sim.h"

void control_answer(struct sim *s, struct request *r, struct reply *reply);
