/* One request, start to end, on a loop of its own; what the tests of http.h
 * have in common. A world is a loop with a client; world_end() fails the test
 * unless the loop closed clean. */
#pragma once

#include "net/http.h"

struct liar;

struct world {
	struct loop *loop;
	struct http_client *client;
	struct http_origin *origin; /* of world_begin_at(); NULL after world_begin() */
};

/* A server over plain http for a whole group of tests: its set-up and tear-down. */
extern struct liar *plain_server;
int server_begin(void **state);
int server_end(void **state);

struct fetch {
	struct http_result result;
	int done;        /* times on_done came */
	uint64_t bytes;  /* counted by on_body */
	bool wrong;      /* a byte of an /ok body was not the right one */
	bool stop_loop;  /* stop when done */
	int answer;      /* what on_body returns */
	char text[4096]; /* the body's beginning */
	struct loop *loop;
	struct http_exchange *exchange;
};

void world_begin(struct world *w);
void world_end(struct world *w);
/* With an origin of lax_options(), which world_end() frees. */
struct http_origin *world_begin_at(struct world *w, const char *url);
/* Private addresses and plain http allowed, "secret-token" as the token, no CA. */
struct http_origin_options lax_options(const char *url);
struct http_origin *origin(struct world *w, const struct http_origin_options *o);
struct http_origin *lax_origin(struct world *w, const char *url);
/* GET with limits of 64 MiB, 2 s, 5 s, 10 s. */
struct http_request request(const char *path, struct fetch *f);
void fetch_start(struct world *w, struct http_origin *o, const struct http_request *r, struct fetch *f);
/* Starts it and runs the loop until it is done. */
void fetch_request(struct world *w, struct http_origin *o, const struct http_request *r, struct fetch *f);
void fetch(struct world *w, struct http_origin *o, const char *path, struct fetch *f);
