/* What files of this folder share about the loop; nobody else includes it. */
#pragma once

#include "net/loop.h"

#include <sys/queue.h>
#include <uv.h>

/* Something whose owner let go of it and that goes on for a moment by itself. */
struct loop_lingering {
	TAILQ_ENTRY(loop_lingering) link;
	/* The loop is being freed: close at once and leave the list. */
	void (*end)(struct loop_lingering *x);
};
TAILQ_HEAD(loop_lingerings, loop_lingering);

struct loop {
	uv_loop_t uv;
	struct loop_lingerings lingering;
};
