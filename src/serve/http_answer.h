/* Requests of libmicrohttpd answered from the table of routes. */
#pragma once

#include "serve/http.h"

#include <microhttpd.h>

/* Called for each request, twice: with its head, and when all of it has come. */
enum MHD_Result http_answer(const struct http_server_options *o, struct MHD_Connection *c, const char *url,
			    const char *method, size_t *upload_bytes, void **request);
