/* One HTTP/1.1 request as it came, and its query parameters. */
#pragma once

#include "base/buf.h"
#include "conn.h"

enum { REQUEST_PARAMS = 40, REQUEST_HEAD_BYTES = 64 * 1024, REQUEST_BODY_BYTES = 16 << 20 };

struct request_param {
	char *name, *value; /* percent-decoded, inside `decoded` */
};

struct request {
	char method[16];
	char *target; /* path and query as sent */
	char *path;   /* percent-decoded path */
	char *decoded;
	char *authorization; /* NULL when there is no such header */
	struct request_param params[REQUEST_PARAMS];
	int param_count;
	bool close;
	struct buf body;
};

/* False at the end of the connection or when it is not HTTP. */
bool request_read(struct request *r, struct conn *c);
void request_release(struct request *r);
/* Makes a request without a connection, of a target in two parts. */
void request_set_target(struct request *r, const char *path, const char *query);
/* The last value of a parameter; NULL when it is absent or empty. */
const char *request_param(const struct request *r, const char *name);
/* Present at all, even when empty. */
bool request_has(const struct request *r, const char *name);
