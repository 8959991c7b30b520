/* What curl is told about one transfer, and what it calls back with. All the
 * callbacks here run inside curl. */
#include "base/clock.h"
#include "net/http_address.h"
#include "net/http_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Curl reads up to a hundred of these before it returns, so on a fast
	 * plain connection this also bounds how long one server holds the loop;
	 * 512 KiB were no faster over TLS, whose records are 16 KiB. */
	RECEIVE_BUFFER_BYTES = 64 * 1024,
	/* All header lines of an answer, interim answers included. */
	HEADER_BYTES_MAX = 256 * 1024,
};

static int refuse_address(struct http_exchange *x, const char *ip, const char *kind)
{
	return x->rc = err_set(
		       &x->err, E_ADDRESS,
		       "the address \"%s\" of \"%s\" is %s and therefore refused; set allow_private if this "
		       "server is meant",
		       ip, x->origin->host, kind);
}

/* A proxy that the operator chose stands where he wants. */
static bool checks_addresses(const struct http_exchange *x)
{
	return !x->origin->allow_private && !x->origin->proxy;
}

static int lookup_starts(void *resolver, void *reserved, void *arg)
{
	struct http_exchange *x = arg;
	(void)resolver;
	(void)reserved;
	x->resolving = x->origin->proxy || !x->origin->numeric;
	return 0;
}

/* What this machine lacks may be there later. */
static curl_socket_t no_socket(struct http_exchange *x, int error)
{
	const char *host = x->origin->host;
	if (error == EMFILE || error == ENFILE)
		x->rc = err_set(
			&x->err, E_CONNECT,
			"no file descriptor is left for a connection to \"%s\"; raise the limit of open "
			"files, or lower limits.connections",
			host);
	else if (error == ENOMEM)
		x->rc = err_set(&x->err, E_NOMEM, "out of memory for the connection to \"%s\"", host);
	else if (error != EAFNOSUPPORT)
		x->rc = err_set(&x->err, E_CONNECT, "no socket for \"%s\": %s", host, strerror(error));
	return CURL_SOCKET_BAD;
}

/* Also called when the exchange that opened it is long gone. */
static int close_socket(void *arg, curl_socket_t fd)
{
	return http_sockets_close(arg, fd);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_exchange *x = arg;
	char ip[64] = "?";
	/* curl keeps more behind `addr` than its type says */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to = { 0 };
	(void)purpose;
	memcpy(&to, &a->addr, a->addrlen < sizeof(to) ? a->addrlen : sizeof(to));

	http_exchange_lookup_over(x, false);
	const char *kind = checks_addresses(x) ? http_address_refused(&to.any) : NULL;
	if (kind) {
		const void *p = a->family == AF_INET6 ? (const void *)&to.v6.sin6_addr
						      : (const void *)&to.v4.sin_addr;
		inet_ntop(a->family == AF_INET6 ? AF_INET6 : AF_INET, p, ip, sizeof(ip));
		refuse_address(x, ip, kind);
		return CURL_SOCKET_BAD;
	}
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0)
		return no_socket(x, errno);
	if (http_sockets_add(x->origin, fd)) {
		close(fd);
		return no_socket(x, ENOMEM);
	}
	x->opened = true;
	http_exchange_connected(x);
	return fd;
}

static int64_t expiry_of(const X509 *certificate)
{
	struct tm tm;
	const ASN1_TIME *t = certificate ? X509_get0_notAfter(certificate) : NULL;
	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static void look_at_tls(struct http_exchange *x)
{
	struct curl_tlssessioninfo *info = NULL;
	if (curl_easy_getinfo(x->easy, CURLINFO_TLS_SSL_PTR, &info) || !info || !info->internals)
		return;
	if (info->backend != CURLSSLBACKEND_OPENSSL)
		return;
	const SSL *ssl = info->internals;
	x->tls_version = SSL_get_version(ssl);
	x->certificate_expires = expiry_of(SSL_get0_peer_certificate(ssl));
}

/* Runs before each request goes out, also on a connection that is reused and
 * that another origin with other rights may have opened. */
static int before_request(void *arg, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
	struct http_exchange *x = arg;
	(void)local_ip;
	(void)peer_port;
	(void)local_port;

	http_exchange_lookup_over(x, false);
	http_exchange_connected(x);
	snprintf(x->peer, sizeof(x->peer), "%s", peer_ip);
	if (x->origin->https)
		look_at_tls(x);
	const char *kind = checks_addresses(x) ? http_address_text_refused(peer_ip) : NULL;
	if (kind) {
		refuse_address(x, peer_ip, kind);
		x->opened = false;
		return CURL_PREREQFUNC_ABORT;
	}
	/* An address that was refused on the way here no longer matters. */
	x->rc = OK;
	x->err.code = OK;
	return CURL_PREREQFUNC_OK;
}

static void first_byte(struct http_exchange *x)
{
	if (x->first_byte_at_ms)
		return;
	x->first_byte_at_ms = clock_mono_ms();
	if (!x->total_ms) {
		timer_disarm(x->limit);
		return;
	}
	int64_t spent = x->first_byte_at_ms - x->started_ms;
	timer_arm(x->limit, spent < x->total_ms ? (uint64_t)(x->total_ms - spent) : 0);
}

static int status_of(const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);
	if (!space || line + n - space < 4)
		return 0;
	for (int i = 1; i <= 3; i++)
		if (space[i] < '0' || space[i] > '9')
			return 0;
	return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	n *= size;
	if (x->state == EXCHANGE_LEAVING)
		return 0;
	x->header_bytes += n;
	if (x->header_bytes > HEADER_BYTES_MAX) {
		x->rc = err_set(&x->err, E_LIMIT,
				"the header of the answer of \"%s\" is longer than %d bytes", x->origin->host,
				HEADER_BYTES_MAX);
		return 0;
	}
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
		int status = status_of(line, n);
		x->status = 0;
		x->header_ended = false;
		memset(&x->headers, 0, sizeof(x->headers));
		/* 100 and 103 only announce the answer. */
		if (status >= 200) {
			x->status = status;
			first_byte(x);
		}
		return n;
	}
	if (x->status && (*line == '\r' || *line == '\n'))
		x->header_ended = true;
	http_headers_take(&x->headers, line, n);
	if (*x->headers.encoding && x->status >= 200 && x->status < 300) {
		x->rc = err_set(&x->err, E_SYNTAX,
				"the answer of \"%s\" is encoded as \"%s\", which was not asked for; "
				"something on the "
				"way changes answers",
				x->origin->host, x->headers.encoding);
		return 0;
	}
	return n;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	n *= size;
	if (x->state == EXCHANGE_LEAVING)
		return 0;
	if (n > x->max_body_bytes - x->body_bytes) {
		x->rc = err_set(&x->err, E_LIMIT, "the answer of \"%s\" is longer than %llu bytes",
				x->origin->host, (unsigned long long)x->max_body_bytes);
		return 0;
	}
	x->body_bytes += n;
	int rc = n && x->on_body ? x->on_body(x->arg, x->status, data, n) : OK;
	if (rc && !x->cancelled) {
		x->rc = rc;
		err_set(&x->err, rc, "the answer of \"%s\" was not taken: %s", x->origin->host,
			err_meaning(rc));
	}
	return rc || x->cancelled ? 0 : n;
}

static int set_method(CURL *c, const char *method)
{
	if (strcmp(method, "GET") == 0)
		return curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	/* Curl sends a request again when a reused connection turns out dead. For
	 * anything but reading that could do a thing twice, so such a request
	 * always opens its own connection. */
	return curl_easy_setopt(c, CURLOPT_POST, 1L) | curl_easy_setopt(c, CURLOPT_POSTFIELDS, "") |
	       curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L) |
	       curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method) |
	       curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
}

static CURLcode set_trust(CURL *c, void *ctx, void *arg)
{
	const struct http_origin *o = arg;
	(void)c;
	http_trust_apply(o->trust, ctx);
	return CURLE_OK;
}

static int set_client_certificate(CURL *c, const struct http_origin *o)
{
	char *cert = o->client_cert_pem, *key = o->client_key_pem ? o->client_key_pem : cert;
	if (cert) {
		struct curl_blob cb = { cert, strlen(cert), CURL_BLOB_NOCOPY };
		struct curl_blob kb = { key, strlen(key), CURL_BLOB_NOCOPY };
		return curl_easy_setopt(c, CURLOPT_SSLCERT_BLOB, &cb) |
		       curl_easy_setopt(c, CURLOPT_SSLKEY_BLOB, &kb);
	}
	return (o->client_cert ? curl_easy_setopt(c, CURLOPT_SSLCERT, o->client_cert) : 0) |
	       (o->client_key ? curl_easy_setopt(c, CURLOPT_SSLKEY, o->client_key) : 0);
}

static int set_tls(CURL *c, struct http_origin *o)
{
	/* Nothing for curl to load: it would do so for each connection. */
	int rc = curl_easy_setopt(c, CURLOPT_CAINFO, NULL) | curl_easy_setopt(c, CURLOPT_CAPATH, NULL) |
		 curl_easy_setopt(c, CURLOPT_PROXY_CAINFO, NULL) |
		 curl_easy_setopt(c, CURLOPT_PROXY_CAPATH, NULL) |
		 curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) |
		 curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) |
		 curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) |
		 curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
	if (o->trust)
		rc |= curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, set_trust) |
		      curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, o);
	return rc | set_client_certificate(c, o);
}

static int set_connection(CURL *c, struct http_exchange *x)
{
	const struct http_origin *o = x->origin;
	unsigned idle_s = (o->client->limits.idle_ms + 999) / 1000;
	return curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) |
	       /* A hanging name server must not hold the loop at a time-out. */
	       curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) |
	       /* One request is in flight per connection, so HTTP/2 would only add framing. */
	       curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) |
	       curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L) |
	       curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L) | curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L) |
	       curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER_BYTES) |
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_ms) |
	       /* "" and not NULL: the environment decides neither. */
	       curl_easy_setopt(c, CURLOPT_PROXY, o->proxy ? o->proxy : "") |
	       curl_easy_setopt(c, CURLOPT_NOPROXY, "") |
	       curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) |
	       curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x) |
	       curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, close_socket) |
	       curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, x->origin) |
	       curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, (long)idle_s) |
	       curl_easy_setopt(c, CURLOPT_RESOLVER_START_FUNCTION, lookup_starts) |
	       curl_easy_setopt(c, CURLOPT_RESOLVER_START_DATA, x) |
	       curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, before_request) |
	       curl_easy_setopt(c, CURLOPT_PREREQDATA, x);
}

static int set_request(CURL *c, struct http_exchange *x)
{
	const struct http_origin *o = x->origin;
	return curl_easy_setopt(c, CURLOPT_PRIVATE, x) | curl_easy_setopt(c, CURLOPT_URL, x->url) |
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, o->allow_http ? "http,https" : "https") |
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) |
	       curl_easy_setopt(c, CURLOPT_HTTPHEADER, o->headers) |
	       curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) |
	       curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) |
	       curl_easy_setopt(c, CURLOPT_USERAGENT, "muster/" MUSTER_VERSION) |
	       curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->curl_text) |
	       curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)x->max_body_bytes) |
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) |
	       curl_easy_setopt(c, CURLOPT_HEADERDATA, x) |
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) |
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
}

int http_exchange_prepare(struct http_exchange *x, const char *method)
{
	CURL *c = x->easy;
	int rc = set_request(c, x) | set_connection(c, x) | set_tls(c, x->origin) | set_method(c, method);
	return rc ? E_NOMEM : OK;
}
