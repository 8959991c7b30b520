/* What the files of the admin engine share. */
#pragma once

#include "net/stream.h"
#include "serve/admin.h"
#include "serve/admin_match.h"

struct call;

struct connection {
	struct admin *admin;
	struct stream *stream;
	struct call *call; /* under way */
	pid_t pid;
	bool ending; /* the peer sends nothing more: closed once all is sent */
	struct connection *prev, *next;
};

enum reader_state { READER_NONE, READER_WAITS, READER_RUNS, READER_DRAINS, READER_ENDS };

struct reader {
	struct work work;
	struct admin_read read;
	enum reader_state state;
	struct buf rows;
	bool more;
	int rc;
	struct err err;
	struct reader *prev, *next; /* in the list of its state: WAITS or ENDS */
};

struct call {
	struct admin_call pub; /* first */
	struct admin *admin;
	struct connection *connection; /* NULL: the peer has gone */
	struct words line;
	struct admin_match match;
	void (*on_gone)(struct admin_call *call);
	void (*on_drained)(struct admin_call *call);
	struct buf members;
	struct reader reader;
	struct call *prev, *next;
};

struct admin {
	struct admin_options options;
	struct admin_command *commands; /* the owner's and "help" */
	struct admin_table table;
	struct listener *listener;
	struct timer *turn;  /* what must not come from inside a call */
	struct timer *sweep; /* over connections that are ending */
	struct connection *connections;
	struct call *calls;
	size_t connection_count, call_count;
	struct reader *waiting, *ending;
	unsigned running; /* slices */
	void (*closed)(void *arg);
	void *closed_arg;
};

/* What is queued for the peer is below the mark again. */
void reader_drained(struct reader *r);
/* The peer has gone; done() comes now, or when the slice that runs returns. */
void reader_cancel(struct reader *r);
/* Calls done() of those that ended without a slice. */
void readers_settle(struct admin *a);

extern const struct admin_command admin_help;
