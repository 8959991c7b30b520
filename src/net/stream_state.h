/* What listener.c and stream.c share; nobody else includes it. */
#pragma once

#include "net/loop_state.h"
#include "net/stream.h"

/* How many connections of a listener are open; the last that knows it frees it. */
struct stream_slots {
	unsigned used, references;
};

/* The descriptor stays the caller's when it fails. */
int stream_new(struct stream **out, struct loop *l, int fd, struct stream_slots *slots);
void stream_slots_release(struct stream_slots *slots);
