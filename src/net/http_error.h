/* What curl says about a failed transfer, as one of our codes and a sentence a
 * person can act on. Pure. */
#pragma once

#include "base/err.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct http_failure {
	CURLcode code;
	const char *text; /* curl's error buffer, "" when empty */
	long verify;      /* CURLINFO_SSL_VERIFYRESULT */
	long os_errno;    /* of the last try to connect, 0: none */
	const char *host;
	const char *names; /* what the certificate was issued for, "" when not known */
	const char *ca_file, *client_cert;
	bool looking_up; /* no address was known yet */
	bool proxied;
	bool answered; /* a status had come */
	uint32_t connect_ms;
	uint64_t max_body_bytes;
};

/* Fills `e`, returns its code; never OK. */
int http_failure_explain(const struct http_failure *f, struct err *e);
