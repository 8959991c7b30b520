/* A listening socket in a folder of its own, and what a test's peer hears and
 * says; what the tests of stream.h have in common. */
#pragma once

#include "net/stream.h"

enum { STREAMS = 80 };

struct place {
	struct loop *loop;
	struct listener *listener;
	struct stream *streams[STREAMS];
	int accepted;
	char folder[64], path[96];
};

/* The events of one stream, counted. */
struct talk {
	struct stream *s;
	char lines[4096]; /* each followed by '|' */
	int count, gone, ended, drained;
	char why[64];
	bool pause_each, free_at_line, free_at_gone, ignores_end;
};

void place_begin(struct place *p);
/* Fails the test unless the loop closed clean and nothing is left in the folder. */
void place_end(struct place *p);
void place_listen(struct place *p);
/* What place_listen() gives to the listener: keeps each stream. */
void place_took(void *arg, struct stream *s);
void place_run(struct place *p, uint64_t ms);
/* A peer that is connected and does not block. */
int place_client(const struct place *p);
/* The same with its stream, started. */
int talk_begin(struct place *p, struct talk *t);
void talk_say(int fd, const char *text);
