#include "conf/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

struct parts {
	struct slice scheme, user, host, port, path; /* the path with its first slash; p == NULL: not there */
};

static struct slice trimmed(struct slice s)
{
	while (s.n && isspace((unsigned char)s.p[0]))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (s.n && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct slice cut(struct slice s, uint32_t from, uint32_t to)
{
	return (struct slice){ s.p + from, to - from };
}

/* Index of the first of `set`, or s.n. */
static uint32_t first_of(struct slice s, const char *set)
{
	uint32_t i = 0;
	while (i < s.n && !strchr(set, s.p[i]))
		i++;
	return i;
}

static bool same_word(struct slice s, const char *word)
{
	return strlen(word) == s.n && strncasecmp(s.p, word, s.n) == 0;
}

static int check_characters(struct slice s, struct err *e)
{
	if (!s.n)
		return err_set(e, E_CONFIG, "is empty; write an address such as https://fleet.example.com");
	for (uint32_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c == 0x7f)
			return err_set(e, E_CONFIG,
				       "has a space or a control character inside; remove it or write %%20");
		if (c > 0x7f)
			return err_set(
				e, E_CONFIG,
				"has a character that is not ASCII; write the host name in its xn-- form "
				"and the path percent-encoded");
		if (strchr("\\\"<>^`{|}", c))
			return err_set(e, E_CONFIG, "has the character %c, which no address has; remove it",
				       c);
	}
	return OK;
}

/* Takes the scheme off the front of `rest`. */
static int split_scheme(struct slice *rest, struct slice *scheme, struct err *e)
{
	uint32_t end = first_of(*rest, ":/?#@[");
	*scheme = SLICE_NONE;
	if (end + 2 < rest->n && memcmp(rest->p + end, "://", 3) == 0) {
		if (!end)
			return err_set(e, E_CONFIG, "begins with ://; write https:// in front of the host");
		*scheme = cut(*rest, 0, end);
		*rest = cut(*rest, end + 3, rest->n);
	} else if (rest->n >= 2 && memcmp(rest->p, "//", 2) == 0) {
		*rest = cut(*rest, 2, rest->n);
	} else if (end < rest->n && rest->p[end] == ':' &&
		   (same_word(cut(*rest, 0, end), "https") || same_word(cut(*rest, 0, end), "http"))) {
		return err_set(e, E_CONFIG,
			       "has no // behind its scheme; write https:// in front of the host");
	}
	return OK;
}

static int split_host(struct slice authority, struct parts *p, struct err *e)
{
	uint32_t end;
	if (authority.n && authority.p[0] == '[') {
		end = first_of(authority, "]");
		if (end == authority.n)
			return err_set(e, E_CONFIG,
				       "has a [ without its ]; write an IPv6 address as [2001:db8::1]");
		end++;
	} else {
		end = first_of(authority, ":");
		struct slice rest = cut(authority, end, authority.n);
		if (rest.n && first_of(cut(rest, 1, rest.n), ":") < rest.n - 1)
			return err_set(e, E_CONFIG,
				       "has more than one colon in its host; write an IPv6 address as "
				       "[2001:db8::1]");
	}
	p->host = cut(authority, 0, end);
	if (end == authority.n)
		return OK;
	if (authority.p[end] != ':')
		return err_set(e, E_CONFIG,
			       "has text behind the ]; only a port may follow, as in [2001:db8::1]:8443");
	p->port = cut(authority, end + 1, authority.n);
	return OK;
}

static int split(struct slice text, struct parts *p, struct err *e)
{
	*p = (struct parts){ 0 };
	int rc = check_characters(text, e);
	if (!rc)
		rc = split_scheme(&text, &p->scheme, e);
	if (rc)
		return rc;
	uint32_t end = first_of(text, "/?#");
	struct slice authority = cut(text, 0, end);
	p->path = cut(text, end, text.n);
	for (uint32_t i = authority.n; i-- > 0;)
		if (authority.p[i] == '@') {
			p->user = cut(authority, 0, i);
			authority = cut(authority, i + 1, authority.n);
			break;
		}
	return split_host(authority, p, e);
}

static bool is_ipv6(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];
	if (host.n < 4 || host.n - 2 >= sizeof(text) || host.p[host.n - 1] != ']')
		return false;
	memcpy(text, host.p + 1, host.n - 2);
	text[host.n - 2] = '\0';
	return inet_pton(AF_INET6, text, address) == 1;
}

static bool is_ipv4(struct slice host)
{
	char text[INET_ADDRSTRLEN];
	unsigned char address[4];
	if (host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(AF_INET, text, address) == 1;
}

/* A host name of labels; one that ends in a number must be an IPv4 address, or
 * resolvers read "10.1" and "2130706433" as addresses nobody meant. */
static bool is_name(struct slice host)
{
	uint32_t label = 0, letters = 0;
	if (!host.n || host.n > 253)
		return false;
	for (uint32_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		if (c == '.') {
			if (!label)
				return false;
			if (i + 1 < host.n)
				label = letters = 0;
			continue;
		}
		bool edge = !label || i + 1 == host.n || host.p[i + 1] == '.';
		if (!isalnum((unsigned char)c) && !(c == '_' || (c == '-' && !edge)))
			return false;
		letters += !isdigit((unsigned char)c);
		if (++label > 63)
			return false;
	}
	return letters > 0 || is_ipv4(host);
}

static int check_host(struct slice host, struct err *e)
{
	if (!host.n)
		return err_set(e, E_CONFIG,
			       "has no host name; write an address such as https://fleet.example.com");
	if (host.p[0] == '[')
		return is_ipv6(host)
			       ? OK
			       : err_set(e, E_CONFIG,
					 "has no IPv6 address between [ and ]; write it as [2001:db8::1]");
	if (!is_name(host))
		return err_set(
			e, E_CONFIG,
			"has a host that is neither a name nor an address; write it as fleet.example.com, "
			"192.0.2.1 or [2001:db8::1]");
	return OK;
}

/* 0 when there is none. */
static int read_port(struct slice port, unsigned *out, struct err *e)
{
	*out = 0;
	for (uint32_t i = 0; i < port.n; i++) {
		if (isdigit((unsigned char)port.p[i]) && *out <= 65535)
			*out = *out * 10 + (unsigned)(port.p[i] - '0');
		else
			goto bad;
	}
	if (*out > 65535 || (port.n && !*out))
		goto bad;
	return OK;
bad:
	return err_set(e, E_CONFIG, "has a port that is not a number from 1 to 65535; mend or remove it");
}

/* ---- the path ---- */
enum { SEGMENTS_MAX = 32 };

struct segments {
	struct slice part[SEGMENTS_MAX];
	uint32_t count;
};

static bool any_of(struct slice s, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (same_word(s, words[i]))
			return true;
	return false;
}

/* Where the server's own paths begin: "/api", "/api/v1", "/api/v1/fleet...", or a
 * page of the web interface. What stands in front is the server's url prefix. */
static uint32_t own_path(const struct segments *s)
{
	static const char *const versions[] = { "v1", "latest", "2022-04" };
	static const char *const pages[] = { "dashboard", "hosts",    "login",   "setup",   "controls",
					     "software",  "policies", "queries", "reports", "settings" };
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t left = s->count - i;
		if (any_of(s->part[i], pages, sizeof(pages) / sizeof(pages[0])))
			return i;
		if (!same_word(s->part[i], "api"))
			continue;
		if (left == 1)
			return i;
		if (any_of(s->part[i + 1], versions, 3) && (left == 2 || same_word(s->part[i + 2], "fleet")))
			return i;
	}
	return s->count;
}

static int split_path(struct slice path, struct segments *out, struct err *e)
{
	*out = (struct segments){ 0 };
	for (uint32_t i = 0; i < path.n;) {
		struct slice rest = cut(path, i, path.n);
		uint32_t n = first_of(rest, "/");
		struct slice part = cut(rest, 0, n);
		i += n + 1;
		if (!n)
			continue;
		if (slice_is(part, ".") || slice_is(part, ".."))
			return err_set(e, E_CONFIG, "has a . or .. in its path; write the path out");
		for (uint32_t k = 0; part.p && k < n; k++)
			if (part.p[k] == '%' && (k + 2 >= n || !isxdigit((unsigned char)part.p[k + 1]) ||
						 !isxdigit((unsigned char)part.p[k + 2])))
				return err_set(
					e, E_CONFIG,
					"has a %% without two hexadecimal digits in its path; write %%25");
		if (out->count == SEGMENTS_MAX)
			return err_set(e, E_CONFIG, "has a path of more than %d parts; shorten it",
				       SEGMENTS_MAX);
		out->part[out->count++] = part;
	}
	return OK;
}

/* ---- putting it together ---- */
struct text {
	char *out;
	uint32_t n;
	bool full;
};

static void add(struct text *t, struct slice s, bool lower)
{
	for (uint32_t i = 0; i < s.n; i++) {
		if (t->n + 1 >= URL_BYTES) {
			t->full = true;
			return;
		}
		t->out[t->n++] = lower ? (char)tolower((unsigned char)s.p[i]) : s.p[i];
	}
}

static void add_port(struct text *t, unsigned port)
{
	char text[16];
	snprintf(text, sizeof(text), ":%u", port);
	add(t, slice_of(text), false);
}

static int finish(struct text *t, struct err *e)
{
	t->out[t->n] = '\0';
	return t->full ? err_set(e, E_CONFIG, "is longer than %d bytes; shorten it", URL_BYTES - 1) : OK;
}

static int check_server(const struct parts *p, bool http, bool allow_http, struct err *e)
{
	if (p->scheme.p && !http && !same_word(p->scheme, "https"))
		return err_set(e, E_CONFIG,
			       "has a scheme other than https; write https:// in front of the host");
	if (p->user.p)
		return err_set(e, E_CONFIG,
			       "holds a user name or password; remove all up to the @, the token of "
			       "token_file signs in");
	if (first_of(p->path, "?") < p->path.n)
		return err_set(e, E_CONFIG, "has a query; remove it from the ? on");
	if (first_of(p->path, "#") < p->path.n)
		return err_set(e, E_CONFIG, "has a fragment; remove it from the # on");
	if (http && !allow_http)
		return err_set(e, E_CONFIG,
			       "is plain http, which shows the token to the network; write https://, or set "
			       "allow_http: true");
	return OK;
}

int url_repair(struct slice text, bool allow_http, char out[URL_BYTES], struct err *e)
{
	struct parts p;
	struct segments path;
	unsigned port;
	int rc = split(trimmed(text), &p, e);
	if (rc)
		return rc;
	bool http = p.scheme.p && same_word(p.scheme, "http");
	rc = check_server(&p, http, allow_http, e);
	if (!rc)
		rc = check_host(p.host, e);
	if (!rc)
		rc = read_port(p.port, &port, e);
	if (!rc)
		rc = split_path(p.path, &path, e);
	if (rc)
		return rc;
	struct text t = { .out = out };
	add(&t, http ? SLICE("http://") : SLICE("https://"), false);
	add(&t, p.host, true);
	if (port && port != (http ? 80u : 443u))
		add_port(&t, port);
	for (uint32_t i = 0, end = own_path(&path); i < end; i++) {
		add(&t, SLICE("/"), false);
		add(&t, path.part[i], false);
	}
	return finish(&t, e);
}

int url_repair_proxy(struct slice text, char out[URL_BYTES], struct err *e)
{
	static const char *const schemes[] = { "http", "https", "socks5", "socks5h" };
	struct parts p;
	unsigned port;
	int rc = split(trimmed(text), &p, e);
	if (rc)
		return rc;
	if (p.scheme.p && !any_of(p.scheme, schemes, 4))
		return err_set(e, E_CONFIG,
			       "has a scheme that is no proxy's; write http, https, socks5 or socks5h");
	if (p.path.n && !slice_is(p.path, "/"))
		return err_set(e, E_CONFIG, "has a path; a proxy is only scheme, host and port");
	rc = check_host(p.host, e);
	if (!rc)
		rc = read_port(p.port, &port, e);
	if (rc)
		return rc;
	struct text t = { .out = out };
	add(&t, p.scheme.p ? p.scheme : SLICE("http"), true);
	add(&t, SLICE("://"), false);
	if (p.user.p) {
		add(&t, p.user, false);
		add(&t, SLICE("@"), false);
	}
	add(&t, p.host, true);
	if (port)
		add_port(&t, port);
	return finish(&t, e);
}
