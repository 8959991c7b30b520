/* Addresses as people paste them, made into the one spelling that the rest of
 * the program uses. Pure. The messages never repeat the address, because it
 * may hold a password or a token; they continue the sentence `"url" ...`. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

/* What a repaired address may have, its NUL counted. */
enum { URL_BYTES = 256 };

/* The base of a Fleet server: "scheme://host[:port][/prefix]".
 * Mended: white space around it, a missing scheme (https), letter case of scheme
 * and host, the scheme's own port, doubled and trailing slashes, the API's path
 * and the path of a page of Fleet's web interface. Refused: other schemes, http
 * unless allowed, user and password, query, fragment, and what is no host. */
int url_repair(struct slice text, bool allow_http, char out[URL_BYTES], struct err *e);

/* An HTTP or SOCKS5 proxy: "scheme://[user:password@]host[:port]". The scheme
 * may be left out (http). */
int url_repair_proxy(struct slice text, char out[URL_BYTES], struct err *e);
