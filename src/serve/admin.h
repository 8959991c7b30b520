/* The engine of the admin protocol: a UNIX socket, one command a line in, JSON
 * objects a line out, the last one of an answer saying `ok`. It knows the form of
 * commands, not what they do: those are rows of one table that the owner gives.
 *
 * Peers must be root or the user of this process. One command at a time runs on
 * a connection; lines behind it wait. Of a command only its name and the peer's
 * process id are logged. Everything belongs to the loop's thread, but the slices
 * of admin_read(). */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"
#include "net/work.h"

#include <stdbool.h>
#include <stddef.h>

struct admin;
struct admin_call;

struct admin_option {
	const char *name;  /* without the dashes; NULL ends the rows */
	const char *value; /* what the value is called in the help; NULL: takes none */
	const char *help;
	bool repeats; /* may be given more than once */
};

struct admin_command {
	const char *name;      /* one word or several: "tenant add"; the longest that fits is taken */
	const char *arguments; /* as shown behind the name: "T --url URL"; "" for none */
	const struct admin_option *options; /* NULL: none */
	unsigned least, most;               /* words behind the name, options not counted */
	const char *summary;                /* one line */
	const char *detail;                 /* more, or NULL */
	/* Begins the command, or does all of it. admin_end() must follow. */
	void (*run)(struct admin_call *call);
};

/* One command under way; it is gone after admin_end(). */
struct admin_call {
	const struct admin_command *command;
	const char *const *words; /* behind the name */
	size_t word_count;
	void *owner; /* `arg` of the engine's options */
	void *state; /* for the command to use; NULL at first */
};

struct admin_options {
	const char *path;                     /* of the socket; see net/stream.h */
	const struct admin_command *commands; /* outlive the engine; "help" is built in */
	size_t count;
	struct work_queue *work; /* where slices run */
	void *arg;
};

/* The errors of listener_new(). */
int admin_new(struct admin **out, struct loop *l, const struct admin_options *o, struct err *e);
/* Stops listening and hangs up on everybody, as if every peer had gone; what was
 * answered is still sent. `closed` comes once, from the loop, when no call is
 * under way any more; then admin_free(). */
void admin_close(struct admin *a, void (*closed)(void *arg), void *arg);
/* Only when closed, or when nobody ever connected. NULL is fine. */
void admin_free(struct admin *a);
size_t admin_calls(const struct admin *a); /* under way */
size_t admin_connections(const struct admin *a);

/* The value of an option, NULL when it was not given; of one that repeats, the
 * i-th. The option must be in the command's rows. Good until admin_end(). */
const char *admin_value(const struct admin_call *call, const char *option);
const char *admin_value_at(const struct admin_call *call, const char *option, size_t i);
bool admin_flag(const struct admin_call *call, const char *option);

/* One JSON object without its line end, or whole lines. Nothing happens when the
 * peer has gone. */
void admin_row(struct admin_call *call, struct slice row);
void admin_rows(struct admin_call *call, struct slice lines);
/* The object that ends the answer, under way behind `ok`: members put in with
 * base/json.h are sent with it. */
struct buf *admin_members(struct admin_call *call);
/* Enough is queued for the peer: wait. */
bool admin_full(const struct admin_call *call);
/* Calls `drained` once, from the loop, when there is room again. When the peer
 * goes first, the function of admin_on_gone() comes instead; without one it is
 * this one. Only while admin_full(). */
void admin_when_drained(struct admin_call *call, void (*drained)(struct admin_call *call));
/* Calls `gone` once when the peer goes before admin_end(): the command stops,
 * and still calls admin_end(), at once or later. Without it the command just
 * goes on. To be set from run(). */
void admin_on_gone(struct admin_call *call, void (*gone)(struct admin_call *call));
bool admin_gone(const struct admin_call *call);
/* Ends the answer, exactly once, from run() or later: {"ok":true}, or with an
 * error code {"ok":false,"error":text,"reason":err_name(rc)}; NULL is what the code
 * means. No admin_read() may be under way. */
void admin_end(struct admin_call *call, int rc, const char *text);

struct admin_read {
	/* On another thread: appends whole rows, each with its line feed, about
	 * ADMIN_SLICE_BYTES of them, possibly none; `more`: it is to be called again. */
	int (*slice)(void *arg, struct buf *rows, bool *more, struct err *e);
	/* On the loop, exactly once, never from inside admin_read(): all was given
	 * out, a slice failed, or E_CANCELLED: the peer has gone (the function of
	 * admin_on_gone() is not called then). admin_end(), or another admin_read(). */
	void (*done)(struct admin_call *call, void *arg, int rc, const struct err *e);
	void *arg;
};
enum { ADMIN_SLICE_BYTES = 64 << 10, ADMIN_READERS = 4 };
/* A long reply: slices run one after another, each when the peer took what came
 * before. At most ADMIN_READERS slices run at once, the others wait in order; a
 * reader whose peer is slow holds no place. One at a time for a call. */
void admin_read(struct admin_call *call, const struct admin_read *read);
