/* GET /hosts. */
#pragma once

#include "fault.h"

/* Under the tenant's lock; fills `reply` with a page or an error. */
void list_answer(struct tenant *t, const struct request *r, const struct effect *e, struct reply *reply);
/* GET /hosts/count. */
void count_answer(struct tenant *t, const struct request *r, struct reply *reply);
