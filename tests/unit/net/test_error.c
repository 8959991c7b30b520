/* What curl 7.88 with OpenSSL 3 says, and what a person gets to read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "net/http_error.h"

static const struct {
	CURLcode code;
	long verify;
	const char *text, *name, *part;
	bool answered, looking_up, proxied;
} rows[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, 0, "", "dns", "\"fleet.example\" could not be resolved", 0, 0, 0 },
	{ CURLE_COULDNT_RESOLVE_HOST, 0, "getaddrinfo() thread failed to start", "dns", "descriptor is left",
	  0, 0, 0 },
	{ CURLE_COULDNT_RESOLVE_PROXY, 0, "", "dns", "proxy", 0, 0, 1 },
	{ CURLE_COULDNT_CONNECT, 0, "", "connect", "Connection refused", 0, 0, 0 },
	{ CURLE_COULDNT_CONNECT, 0, "", "connect", "check proxy", 0, 0, 1 },
	{ CURLE_OPERATION_TIMEDOUT, 0, "", "dns", "within 700 ms", 0, 1, 0 },
	{ CURLE_OPERATION_TIMEDOUT, 0, "", "connect", "within 700 ms", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 10, "SSL certificate problem: certificate has expired", "tls",
	  "expired", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 9, "", "tls", "not valid yet", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 18, "", "tls", "self-signed", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 19, "", "tls", "set ca_file", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 20, "", "tls", "\"/ca.pem\"", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 68, "", "tls", "too weak", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 1,
	  "SSL: no alternative certificate subject name matches target host name 'fleet.example'", "tls",
	  "DNS:other.example", 0, 0, 0 },
	{ CURLE_PEER_FAILED_VERIFICATION, 99, "SSL certificate problem: odd", "tls", "odd", 0, 0, 0 },
	{ CURLE_SSL_CONNECT_ERROR, 1, "error:0A00010B:SSL routines::wrong version number", "tls",
	  "does not speak TLS", 0, 0, 0 },
	{ CURLE_SSL_CONNECT_ERROR, 1, "OpenSSL SSL_connect: Connection reset by peer in connection to x",
	  "connect", "cut", 0, 0, 0 },
	{ CURLE_SSL_CONNECT_ERROR, 1, "error:0A000126:SSL routines::unexpected eof while reading", "connect",
	  "cut", 0, 0, 0 },
	{ CURLE_SSL_CONNECT_ERROR, 1, "error:0A00042E:SSL routines::tlsv1 alert protocol version", "tls",
	  "TLS 1.2", 0, 0, 0 },
	{ CURLE_SSL_CONNECT_ERROR, 1, "error:0A000102:SSL routines::unsupported protocol", "tls", "TLS 1.2",
	  0, 0, 0 },
	{ CURLE_SSL_CONNECT_ERROR, 1, "error:0A000410:SSL routines::sslv3 alert handshake failure", "tls",
	  "client_cert", 0, 0, 0 },
	{ CURLE_RECV_ERROR, 0,
	  "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required", "tls",
	  "client_cert", 0, 0, 0 },
	{ CURLE_RECV_ERROR, 0, "OpenSSL SSL_read: error:0A000418:SSL routines::tlsv1 alert unknown ca", "tls",
	  "client certificate was refused", 0, 0, 0 },
	{ CURLE_RECV_ERROR, 0, "Recv failure: Connection reset by peer", "truncated", "cut short", 1, 0, 0 },
	{ CURLE_RECV_ERROR, 0, "Recv failure: Connection reset by peer", "connect", "lost before", 0, 0, 0 },
	{ CURLE_RECV_ERROR, 0, "Received HTTP code 403 from proxy after CONNECT", "connect", "403", 0, 0, 1 },
	{ CURLE_PARTIAL_FILE, 0, "transfer closed with 5 bytes remaining to read", "truncated", "5 bytes", 1,
	  0, 0 },
	{ CURLE_GOT_NOTHING, 0, "Empty reply from server", "connect", "without an answer", 0, 0, 0 },
	{ CURLE_FILESIZE_EXCEEDED, 0, "", "limit", "4096 bytes", 1, 0, 0 },
	{ CURLE_UNSUPPORTED_PROTOCOL, 0, "Received HTTP/0.9 when not allowed", "not_fleet", "HTTP", 0, 0, 0 },
	{ CURLE_WEIRD_SERVER_REPLY, 0, "", "not_fleet", "HTTP", 0, 0, 0 },
	{ CURLE_SSL_CACERT_BADFILE, 0, "", "tls", "check ca_file", 0, 0, 0 },
	{ CURLE_SSL_CERTPROBLEM, 0, "could not load PEM", "tls", "check client_cert", 0, 0, 0 },
	{ CURLE_OUT_OF_MEMORY, 0, "", "nomem", "memory", 0, 0, 0 },
	{ CURLE_URL_MALFORMAT, 0, "", "config", "url", 0, 0, 0 },
	{ CURLE_FTP_ACCEPT_FAILED, 0, "", "connect", "fleet.example", 0, 0, 0 },
};

static void every_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_failure f = { .code = rows[i].code,
					  .text = rows[i].text,
					  .verify = rows[i].verify,
					  .os_errno = ECONNREFUSED,
					  .host = "fleet.example",
					  .names = "DNS:other.example",
					  .ca_file = "/ca.pem",
					  .looking_up = rows[i].looking_up,
					  .proxied = rows[i].proxied,
					  .answered = rows[i].answered,
					  .connect_ms = 700,
					  .max_body_bytes = 4096 };
		struct err e = { 0 };
		int rc = http_failure_explain(&f, &e);
		assert_int_equal(rc, e.code);
		if (strcmp(err_name(rc), rows[i].name) != 0 || !strstr(e.text, rows[i].part))
			fail_msg("row %zu: %s \"%s\"", i, err_name(rc), e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_failure) };
	return cmocka_run_group_tests_name("net/error", tests, NULL, NULL);
}
