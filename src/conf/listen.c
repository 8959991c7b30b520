#include "conf/listen.h"

#include "base/json.h"
#include "conf/path.h"
#include "conf/value.h"

#include <arpa/inet.h>
#include <stdio.h>

#define WRITE "write 127.0.0.1:9418, [::1]:9418, unix:/run/muster/http.sock or none"

static int split(struct slice text, struct slice *host, struct slice *port, struct err *e)
{
	const char *colon = memrchr(text.p, ':', text.n);
	if (!colon)
		return err_set(e, E_CONFIG, "it has no port; " WRITE);
	*host = (struct slice){ text.p, (uint32_t)(colon - text.p) };
	*port = (struct slice){ colon + 1, text.n - host->n - 1 };
	if (!host->n)
		return err_set(e, E_CONFIG,
			       "it has no address; write 0.0.0.0 or [::] in front of the port to listen on "
			       "all of them");
	return OK;
}

/* The address without brackets into `out`. */
static int check_host(struct slice host, char out[INET6_ADDRSTRLEN], struct err *e)
{
	bool six = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	struct slice in = six ? (struct slice){ host.p + 1, host.n - 2 } : host;
	unsigned char address[16];
	if (in.n < INET6_ADDRSTRLEN) {
		memcpy(out, in.p, in.n);
		out[in.n] = '\0';
		if (inet_pton(six ? AF_INET6 : AF_INET, out, address) == 1)
			return OK;
		if (!six && inet_pton(AF_INET6, out, address) == 1)
			return err_set(e, E_CONFIG, "an IPv6 address needs brackets, write [::1]:9418");
	}
	return err_set(e, E_CONFIG, "it begins with no address in numbers; " WRITE);
}

static int read_tcp(struct reading *r, struct slice text, struct conf_listen *out, struct err *e)
{
	struct slice host = SLICE_NONE, port = SLICE_NONE;
	char address[INET6_ADDRSTRLEN];
	uint64_t n = 0;
	int rc = split(text, &host, &port, e);
	if (!rc)
		rc = check_host(host, address, e);
	if (!rc && (value_count(port, &n, NULL) || n > 65535))
		rc = err_set(e, E_CONFIG,
			     "its port is no number from 0 to 65535; write one, 0 for any that is free");
	if (!rc)
		*out = (struct conf_listen){ LISTEN_TCP, keep(r, slice_of(address)), (uint16_t)n, NULL };
	return rc;
}

static int read_unix(struct reading *r, struct slice path, struct conf_listen *out, struct err *e)
{
	if (!path.n)
		return err_set(e, E_CONFIG, "it has no path; " WRITE);
	*out = (struct conf_listen){ LISTEN_UNIX, NULL, 0, path_absolute(r, path) };
	return out->path ? path_check_socket(out->path, e) : OK;
}

void listen_read(struct reading *r, const struct setting *s, void *into, yaml_node_t *value)
{
	struct conf_listen *out = &((struct conf *)into)->http;
	struct slice text;
	struct err e;
	int rc = OK;
	if (!node_text(r, value, s->name, s->help, &text) || slice_is(text, "none"))
		return;
	if (text.n >= 5 && memcmp(text.p, "unix:", 5) == 0)
		rc = read_unix(r, (struct slice){ text.p + 5, text.n - 5 }, out, &e);
	else
		rc = read_tcp(r, text, out, &e);
	if (rc)
		complain_node(r, value, "\"%s\" is %s; %s", s->name, quote(text).text, e.text);
}

void listen_write(const void *from, struct buf *out)
{
	const struct conf_listen *l = &((const struct conf *)from)->http;
	char text[160];
	if (l->kind == LISTEN_UNIX)
		snprintf(text, sizeof(text), "unix:%s", l->path);
	else if (l->kind == LISTEN_TCP)
		snprintf(text, sizeof(text), strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, l->port);
	json_text(out, l->kind == LISTEN_NONE ? SLICE("none") : slice_of(text));
}
