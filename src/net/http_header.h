/* What is kept of an answer's header lines. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_headers {
	char content_type[64]; /* lower case, without parameters */
	char location[256];
	char retry_after[64];
	char encoding[32]; /* of the content or the transfer, when it is not as is */
	int64_t date;      /* Unix seconds, 0: none */
};

/* Takes one header line as it came, with or without its line end. Bytes that
 * do not print become '?', what is too long is cut. The first of several lines
 * of one name counts. */
void http_headers_take(struct http_headers *h, const char *line, size_t n);
/* Seconds to wait from now on, -1 when the server named none. A date counts
 * from the server's own clock where it sent that; a date gone by is 0. */
int64_t http_headers_retry_after_s(const struct http_headers *h, int64_t now_unix_s);
