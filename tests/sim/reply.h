/* An answer before it is sent: what to say, and how to say it badly. */
#pragma once

#include "base/buf.h"
#include "conn.h"
#include "jout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the transmission misbehaves; all zero is a good server. */
struct mishap {
	int64_t delay_ms; /* before the first byte */
	int64_t drip_bytes, drip_ms;
	int64_t split_bytes;   /* chunks of exactly that many bytes */
	int64_t cut_bytes;     /* -1: not; the body ends after that many */
	int64_t endless_bytes; /* more bytes after the body; -1 for ever */
	bool cut_by_reset;
	bool stall; /* never answers */
};

struct piece {
	const char *p;
	size_t n;
};

enum { REPLY_PIECES = 3, REPLY_BODY_BYTES = 0x7fffffff };

struct reply {
	int status;
	const char *type; /* Content-Type; NULL leaves it out */
	bool chunked;
	size_t chunk_bytes; /* 0: at `ends`, or all in one */
	struct buf headers; /* more lines, each with CRLF */
	struct buf body;
	/* a body that lies elsewhere; used when piece_count > 0 */
	struct piece pieces[REPLY_PIECES];
	int piece_count;
	/* where chunks end in `body`, ascending */
	size_t *ends;
	size_t end_count, end_capacity;
	struct mishap mishap;
	/* what holds the memory of the pieces */
	void *held;
	void (*let_go)(void *held);
};

void reply_init(struct reply *r);
void reply_release(struct reply *r);
void reply_chunk_ends_here(struct reply *r);
/* Fleet's error object, indented; name NULL leaves out `errors`. `decoding`
 * errors go out labelled as plain text, as Go's sniffing does. */
void reply_error(struct reply *r, int status, const char *message, const char *name, const char *reason,
		 bool decoding);
/* Starts an indented JSON body with status 200. */
void reply_json(struct reply *r, struct jout *o);
/* Ends a body that reply_json() began. */
void reply_json_end(struct reply *r, struct jout *o);

/* Writes it. False when the connection must not be used again; it is closed
 * (by reset if that was asked for) in that case. */
bool reply_send(struct reply *r, struct conn *c, bool keep_alive);
