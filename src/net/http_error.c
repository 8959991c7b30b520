#include "net/http_error.h"

#include <string.h>

/* OpenSSL's numbers of what was wrong with a certificate (X509_V_ERR_*). They
 * are part of its stable interface; its headers stay out of this folder. */
enum {
	VERIFY_OK = 0,
	VERIFY_UNSPECIFIED = 1, /* curl's start value: the chain was fine or never seen */
	VERIFY_NO_ISSUER = 2,
	VERIFY_NOT_YET_VALID = 9,
	VERIFY_EXPIRED = 10,
	VERIFY_SELF_SIGNED = 18,
	VERIFY_SELF_SIGNED_IN_CHAIN = 19,
	VERIFY_NO_LOCAL_ISSUER = 20,
	VERIFY_NO_SIGNATURE = 21,
	VERIFY_REVOKED = 23,
	VERIFY_WRONG_PURPOSE = 26,
	VERIFY_WEAK_KEY = 66,
	VERIFY_WEAK_CA = 67,
	VERIFY_WEAK_DIGEST = 68,
};

static int has(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

static int explain_certificate(const struct http_failure *f, struct err *e)
{
	const char *h = f->host;
	switch (f->verify) {
	case VERIFY_EXPIRED:
		return err_set(e, E_TLS,
			       "the certificate of \"%s\" has expired; the server's owner has to renew it",
			       h);
	case VERIFY_NOT_YET_VALID:
		return err_set(
			e, E_TLS,
			"the certificate of \"%s\" is not valid yet; compare the clocks of both machines", h);
	case VERIFY_SELF_SIGNED:
		return err_set(e, E_TLS,
			       "the certificate of \"%s\" is self-signed; if that is intended, set ca_file "
			       "to a copy of "
			       "it",
			       h);
	case VERIFY_SELF_SIGNED_IN_CHAIN:
	case VERIFY_NO_ISSUER:
	case VERIFY_NO_LOCAL_ISSUER:
	case VERIFY_NO_SIGNATURE:
		return err_set(e, E_TLS,
			       "the certificate of \"%s\" comes from an issuer that \"%s\" does not hold; "
			       "set ca_file to "
			       "the private CA, or let the server send its whole chain",
			       h, f->ca_file);
	case VERIFY_REVOKED:
		return err_set(e, E_TLS,
			       "the certificate of \"%s\" was revoked; the server's owner has to renew it",
			       h);
	case VERIFY_WRONG_PURPOSE:
		return err_set(e, E_TLS, "the certificate of \"%s\" was not issued for a server", h);
	case VERIFY_WEAK_KEY:
	case VERIFY_WEAK_CA:
	case VERIFY_WEAK_DIGEST:
		return err_set(e, E_TLS, "the certificate of \"%s\" uses a key or digest that is too weak",
			       h);
	}
	if (!has(f->text, "host name") && !has(f->text, "certificate subject name") &&
	    !has(f->text, "no alternative"))
		return err_set(e, E_TLS, "the certificate of \"%s\" was refused: %s", h, f->text);
	if (*f->names)
		return err_set(e, E_TLS,
			       "the certificate was issued for other names than \"%s\": %s; use one of them "
			       "in the url, "
			       "or renew the certificate",
			       h, f->names);
	return err_set(e, E_TLS,
		       "the certificate was not issued for the name \"%s\"; correct the url or renew it", h);
}

/* A handshake that the network cut is worth another try, unlike one that a side
 * refused. */
static int is_cut(const char *text)
{
	return has(text, "unexpected eof") || has(text, "SSL_ERROR_SYSCALL") ||
	       has(text, "Connection reset") || has(text, "Broken pipe") ||
	       has(text, "Connection timed out") || has(text, "SSL_ERROR_ZERO_RETURN");
}

static int explain_alert(const struct http_failure *f, struct err *e)
{
	if (has(f->text, "certificate required") || (has(f->text, "handshake failure") && !f->client_cert))
		return err_set(e, E_TLS,
			       "the handshake was refused by \"%s\"; it may ask for a client certificate: "
			       "set client_cert "
			       "and client_key",
			       f->host);
	if (has(f->text, "alert unknown ca") || has(f->text, "bad certificate") ||
	    has(f->text, "certificate expired") || has(f->text, "certificate unknown") ||
	    has(f->text, "certificate revoked"))
		return err_set(e, E_TLS, "the client certificate was refused by \"%s\"; check client_cert",
			       f->host);
	if (has(f->text, "protocol version"))
		return err_set(e, E_TLS,
			       "no common TLS version with \"%s\"; it has to offer TLS 1.2 or later",
			       f->host);
	return err_set(e, E_TLS, "the handshake was refused by \"%s\": %s", f->host, f->text);
}

static int explain_handshake(const struct http_failure *f, struct err *e)
{
	if (has(f->text, "wrong version number") || has(f->text, "http request") ||
	    has(f->text, "packet length"))
		return err_set(e, E_TLS, "\"%s\" does not speak TLS on this port; check the port in the url",
			       f->host);
	if (has(f->text, "alert"))
		return explain_alert(f, e);
	if (is_cut(f->text) || !*f->text)
		return err_set(e, E_CONNECT, "the connection to \"%s\" was cut during the TLS handshake",
			       f->host);
	if (has(f->text, "unsupported protocol") || has(f->text, "no protocols"))
		return err_set(e, E_TLS,
			       "no common TLS version with \"%s\"; it has to offer TLS 1.2 or later",
			       f->host);
	if (has(f->text, "too small") || has(f->text, "too weak"))
		return err_set(e, E_TLS, "\"%s\" uses a key that is too weak; its owner has to renew it",
			       f->host);
	return err_set(e, E_TLS, "the TLS handshake with \"%s\" failed: %s", f->host, f->text);
}

static int explain_receive(const struct http_failure *f, struct err *e)
{
	if (has(f->text, "hexadecimal") || has(f->text, "malformed encoding"))
		return err_set(e, E_SYNTAX, "the chunks of the answer of \"%s\" are malformed", f->host);
	if (has(f->text, "alert"))
		return explain_alert(f, e);
	if (has(f->text, "from proxy after CONNECT"))
		return err_set(e, E_CONNECT, "the proxy refused the way to \"%s\": %s; check proxy", f->host,
			       f->text);
	if (f->answered)
		return err_set(e, E_TRUNCATED, "the answer of \"%s\" was cut short%s%s", f->host,
			       *f->text ? ": " : "", f->text);
	return err_set(e, E_CONNECT, "the connection to \"%s\" was lost before an answer came", f->host);
}

/* curl's own limit is the one on connecting; ours never come here. */
static int explain_timeout(const struct http_failure *f, struct err *e)
{
	if (f->looking_up)
		return err_set(e, E_DNS,
			       "the name \"%s\" was not resolved within %u ms; check the name server",
			       f->host, f->connect_ms);
	return err_set(e, E_CONNECT,
		       "no connection to \"%s\" within %u ms; check the address and the firewall", f->host,
		       f->connect_ms);
}

static int explain_resolve(const struct http_failure *f, struct err *e)
{
	if (f->code == CURLE_COULDNT_RESOLVE_PROXY)
		return err_set(e, E_DNS, "the proxy's name could not be resolved; check proxy");
	if (has(f->text, "failed to start"))
		return err_set(
			e, E_DNS,
			"the name \"%s\" could not be looked up: no thread or file descriptor is left; raise "
			"the limits of both",
			f->host);
	return err_set(e, E_DNS, "the name \"%s\" could not be resolved; check the url and the name server",
		       f->host);
}

static int explain_connect(const struct http_failure *f, struct err *e)
{
	const char *why = f->os_errno ? strerror((int)f->os_errno) : "no connection";
	if (f->proxied)
		return err_set(e, E_CONNECT,
			       "the proxy on the way to \"%s\" could not be reached (%s); check proxy",
			       f->host, why);
	return err_set(e, E_CONNECT,
		       "\"%s\" could not be reached (%s); check the url and that the server runs", f->host,
		       why);
}

static int explain_file(const struct http_failure *f, struct err *e)
{
	if (f->code == CURLE_SSL_CERTPROBLEM)
		return err_set(e, E_TLS,
			       "the client certificate for \"%s\" cannot be used (%s); check client_cert and "
			       "client_key",
			       f->host, f->text);
	return err_set(e, E_TLS, "no CA certificate could be read from \"%s\"; check ca_file", f->ca_file);
}

int http_failure_explain(const struct http_failure *f, struct err *e)
{
	switch ((int)f->code) {
	case CURLE_OUT_OF_MEMORY:
		return err_set(e, E_NOMEM, "out of memory in a request to \"%s\"", f->host);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return explain_resolve(f, e);
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
		return explain_connect(f, e);
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(f, e);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return explain_certificate(f, e);
	case CURLE_SSL_CONNECT_ERROR:
		return explain_handshake(f, e);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return explain_file(f, e);
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return explain_receive(f, e);
	case CURLE_GOT_NOTHING:
		return err_set(e, E_CONNECT, "\"%s\" closed the connection without an answer", f->host);
	case CURLE_FILESIZE_EXCEEDED:
		return err_set(e, E_LIMIT, "the answer of \"%s\" is longer than %llu bytes", f->host,
			       (unsigned long long)f->max_body_bytes);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(e, E_NOT_FLEET, "\"%s\" did not answer with HTTP; check the url and its port",
			       f->host);
	case CURLE_URL_MALFORMAT:
		return err_set(e, E_CONFIG, "the url for \"%s\" is not one; check url", f->host);
	}
	return err_set(e, E_CONNECT, "the request to \"%s\" failed: %s", f->host,
		       *f->text ? f->text : curl_easy_strerror(f->code));
}
