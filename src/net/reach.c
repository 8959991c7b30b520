#include "net/reach.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/http_address.h"
#include "net/http_error.h"
#include "net/http_state.h"
#include "net/reach_lookup.h"
#include "net/reach_tls.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libuv says this only of what was closed, which nobody asks about any more. */
enum { TIME_IS_UP = UV_ECANCELED };
enum { STEP_MS = 10 * 1000, PIECE = 16 * 1024 };

struct attempt {
	uv_tcp_t tcp;
	uv_connect_t request;
	struct reach *reach;
	int64_t begun_ms;
	bool open, over;
};

struct outgoing {
	uv_write_t uv;
	char bytes[PIECE];
};

/* Everything of it may be closed at any time: its memory goes with the last
 * handle, and `over` keeps late callbacks out. */
struct reach {
	struct http_client *client;
	struct http_trust *trust; /* NULL: plain http */
	struct timer *limit;
	struct reach_lookup *lookup; /* under way */
	struct reach_tls *tls;
	struct attempt attempts[REACH_ADDRESSES];
	struct sockaddr_storage to[REACH_ADDRESSES];
	unsigned open, under_way;
	bool over, allow_private;
	uint32_t step_ms;
	int64_t step_begun_ms;
	struct reach_result result;
	void (*done)(void *arg, const struct reach_result *r);
	void *arg;
	char piece[PIECE];
};

static void destroy(struct reach *r)
{
	mem_free(r);
}

static void attempt_closed(uv_handle_t *uv)
{
	struct attempt *a = uv->data;
	if (--a->reach->open == 0 && a->reach->over)
		destroy(a->reach);
}

static void attempt_close(struct attempt *a)
{
	if (!a->open)
		return;
	a->open = false;
	uv_close((uv_handle_t *)&a->tcp, attempt_closed);
}

static void lookup_over(struct reach *r)
{
	if (!r->lookup)
		return;
	bool goes_on = reach_lookup_free(r->lookup);
	r->lookup = NULL;
	http_lookups_end(&r->client->lookups, goes_on, clock_mono_ms());
}

/* No callback comes afterwards. */
static void detach(struct reach *r)
{
	r->over = true;
	lookup_over(r);
	timer_free(r->limit);
	reach_tls_free(r->tls);
	http_trust_put(&r->client->trusts, r->trust);
	r->client->origins--;
	for (int i = 0; i < REACH_ADDRESSES; i++)
		attempt_close(&r->attempts[i]);
}

static void let_go(struct reach *r)
{
	if (r->open == 0)
		destroy(r);
}

static void finish(struct reach *r)
{
	detach(r);
	r->done(r->arg, &r->result);
	let_go(r);
}

static void begin_step(struct reach *r, struct reach_step *s)
{
	s->tried = true;
	r->step_begun_ms = clock_mono_ms();
	timer_arm(r->limit, r->step_ms);
}

static void end_step(struct reach *r, struct reach_step *s)
{
	s->ms = (uint32_t)(clock_mono_ms() - r->step_begun_ms);
	timer_disarm(r->limit);
}

static void explain(struct reach *r, CURLcode code, int os_errno, struct err *e)
{
	struct http_failure f = { .code = code,
				  .text = "",
				  .host = r->result.host,
				  .names = "",
				  .ca_file = "",
				  .os_errno = os_errno,
				  .looking_up = r->lookup != NULL,
				  .connect_ms = r->step_ms };
	http_failure_explain(&f, e);
}

/* ---- the handshake ---- */

static void written(uv_write_t *uv, int status)
{
	(void)status; /* reading shows it */
	mem_free(uv->data);
}

static struct attempt *chosen(struct reach *r)
{
	return &r->attempts[r->result.connected];
}

static bool send_waiting(struct reach *r)
{
	struct outgoing *o;
	for (;;) {
		size_t n = reach_tls_give(r->tls, r->piece, sizeof(r->piece));
		if (!n)
			return true;
		if (!(o = mem_alloc(sizeof(*o))))
			return false;
		memcpy(o->bytes, r->piece, n);
		o->uv.data = o;
		uv_buf_t b = uv_buf_init(o->bytes, (unsigned)n);
		if (uv_write(&o->uv, (uv_stream_t *)&chosen(r)->tcp, &b, 1, written)) {
			mem_free(o);
			return true; /* reading shows it */
		}
	}
}

static void room(uv_handle_t *uv, size_t hint, uv_buf_t *out)
{
	struct attempt *a = uv->data;
	(void)hint;
	*out = uv_buf_init(a->reach->piece, sizeof(a->reach->piece));
}

static void handshake_over(struct reach *r)
{
	end_step(r, &r->result.handshake);
	finish(r);
}

static void go_on(struct reach *r, size_t n)
{
	struct reach_result *to = &r->result;
	bool more = reach_tls_take(r->tls, r->piece, n, to);
	if (more && !send_waiting(r)) {
		err_set(&to->handshake.err, E_NOMEM, "out of memory for the handshake with \"%s\"", to->host);
		more = false;
	}
	if (!more)
		handshake_over(r);
}

static void came(uv_stream_t *uv, ssize_t n, const uv_buf_t *b)
{
	struct attempt *a = uv->data;
	struct reach *r = a->reach;
	(void)b;
	if (r->over || n == 0)
		return;
	if (n > 0) {
		go_on(r, (size_t)n);
		return;
	}
	explain(r, CURLE_SSL_CONNECT_ERROR, 0, &r->result.handshake.err);
	handshake_over(r);
}

static void shake_hands(struct reach *r)
{
	struct reach_result *to = &r->result;
	begin_step(r, &to->handshake);
	if (reach_tls_new(&r->tls, r->trust, to->host) ||
	    uv_read_start((uv_stream_t *)&chosen(r)->tcp, room, came)) {
		err_set(&to->handshake.err, E_NOMEM, "out of memory for the handshake with \"%s\"", to->host);
		handshake_over(r);
		return;
	}
	go_on(r, 0);
}

/* ---- the connections ---- */

static void connections_over(struct reach *r)
{
	struct reach_result *to = &r->result;
	for (unsigned i = 0; i < to->addresses; i++) {
		struct reach_address *a = &to->address[i];
		if (!a->connect.tried)
			continue;
		if (to->connected < 0 && a->connect.err.code == OK)
			to->connected = (int)i;
		else
			attempt_close(&r->attempts[i]);
		if (to->connect.err.code == OK)
			to->connect.err = a->connect.err;
	}
	if (to->connected >= 0)
		to->connect.err = (struct err){ 0 };
	end_step(r, &to->connect);
	if (to->connected >= 0 && to->tls)
		shake_hands(r);
	else
		finish(r);
}

static void attempt_over(struct attempt *a, int status)
{
	struct reach *r = a->reach;
	struct reach_step *s = &r->result.address[a - r->attempts].connect;
	if (a->over)
		return;
	a->over = true;
	s->ms = (uint32_t)(clock_mono_ms() - a->begun_ms);
	if (status == TIME_IS_UP)
		explain(r, CURLE_OPERATION_TIMEDOUT, 0, &s->err);
	else if (status)
		explain(r, CURLE_COULDNT_CONNECT, -status, &s->err);
	if (status)
		attempt_close(a);
	if (--r->under_way == 0)
		connections_over(r);
}

static void attempted(uv_connect_t *uv, int status)
{
	struct attempt *a = uv->data;
	if (!a->reach->over)
		attempt_over(a, status);
}

static void attempt_start(struct reach *r, unsigned i)
{
	struct attempt *a = &r->attempts[i];
	r->result.address[i].connect.tried = true;
	a->reach = r;
	a->begun_ms = clock_mono_ms();
	int rc = uv_tcp_init(loop_uv(r->client->loop), &a->tcp);
	a->tcp.data = a->request.data = a;
	if (rc == 0) {
		a->open = true;
		r->open++;
		rc = uv_tcp_connect(&a->request, &a->tcp, (struct sockaddr *)&r->to[i], attempted);
	}
	if (rc)
		attempt_over(a, rc);
}

static void connect_all(struct reach *r)
{
	begin_step(r, &r->result.connect);
	/* One more, so that it is not over before the last was begun. */
	r->under_way = 1;
	for (unsigned i = 0; i < r->result.addresses; i++) {
		if (r->result.address[i].refused)
			continue;
		r->under_way++;
		attempt_start(r, i);
	}
	if (--r->under_way == 0)
		connections_over(r);
}

/* ---- the name ---- */

static void add_address(struct reach *r, const struct sockaddr *a, size_t n)
{
	struct reach_result *to = &r->result;
	struct reach_address *x = &to->address[to->addresses];
	if (to->addresses == REACH_ADDRESSES || n > sizeof(r->to[0]))
		return;
	memcpy(&r->to[to->addresses], a, n);
	if (getnameinfo(a, (socklen_t)n, x->ip, sizeof(x->ip), NULL, 0, NI_NUMERICHOST))
		return;
	x->refused = r->allow_private ? NULL : http_address_refused(a);
	to->addresses++;
}

static void name_over(struct reach *r)
{
	struct reach_result *to = &r->result;
	bool any = false;
	for (unsigned i = 0; i < to->addresses; i++)
		any |= !to->address[i].refused;
	if (to->addresses && !any)
		err_set(&to->resolve.err, E_ADDRESS,
			"the address \"%s\" of \"%s\" is %s and therefore refused; set allow_private if this "
			"server is meant",
			to->address[0].ip, to->host, to->address[0].refused);
	end_step(r, &to->resolve);
	if (to->resolve.err.code)
		finish(r);
	else
		connect_all(r);
}

static void resolved(void *arg, const struct addrinfo *all)
{
	struct reach *r = arg;
	for (const struct addrinfo *a = all; a; a = a->ai_next)
		add_address(r, a->ai_addr, a->ai_addrlen);
	lookup_over(r);
	if (r->result.addresses == 0)
		explain(r, CURLE_COULDNT_RESOLVE_HOST, 0, &r->result.resolve.err);
	name_over(r);
}

static void time_is_up(void *arg)
{
	struct reach *r = arg;
	if (r->lookup) {
		explain(r, CURLE_OPERATION_TIMEDOUT, 0, &r->result.resolve.err);
		name_over(r);
	} else if (r->under_way) {
		/* All of them; the last one goes on to the next step. */
		for (unsigned i = 0, n = r->result.addresses; i < n && !r->over && r->under_way; i++)
			if (r->result.address[i].connect.tried)
				attempt_over(&r->attempts[i], TIME_IS_UP);
	} else {
		err_set(&r->result.handshake.err, E_TIMEOUT,
			"the TLS handshake with \"%s\" did not end within %u ms", r->result.host, r->step_ms);
		handshake_over(r);
	}
}

/* ---- its life ---- */

static int lookup_start(struct reach *r, struct err *e)
{
	struct reach_result *to = &r->result;
	if (!http_lookups_free(&r->client->lookups, clock_mono_ms()))
		return err_set(
			e, E_DNS,
			"the name \"%s\" was not looked up: too many lookups hang; check the name server",
			to->host);
	if (reach_lookup_new(&r->lookup, r->client->loop, to->host, to->port, resolved, r))
		return err_set(e, E_NOMEM, "out of memory for a look at \"%s\"", to->host);
	http_lookups_begin(&r->client->lookups);
	begin_step(r, &to->resolve);
	return OK;
}

/* Host without the brackets of an IPv6 address, port, and whether TLS is spoken. */
static bool take_url(struct reach_result *to, const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	bool fine = u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
		    !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
		    !curl_url_get(u, CURLUPART_HOST, &host, 0) &&
		    !curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
		    strlen(host) < sizeof(to->host);
	if (fine) {
		bool bare = *host != '[';
		snprintf(to->host, sizeof(to->host), "%.*s", (int)strlen(host) - (bare ? 0 : 2),
			 host + (bare ? 0 : 1));
		to->port = (unsigned)strtoul(port, NULL, 10);
		to->tls = strcmp(scheme, "https") == 0;
		fine = to->tls || strcmp(scheme, "http") == 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return fine;
}

int reach_start(struct reach **out, struct http_client *c, const struct reach_options *o,
		void (*done)(void *arg, const struct reach_result *r), void *arg, struct err *e)
{
	struct reach *r = mem_zalloc(sizeof(*r));
	if (!r)
		return err_set(e, E_NOMEM, "out of memory for a look at \"%s\"", o->name);
	r->client = c;
	r->done = done;
	r->arg = arg;
	r->step_ms = o->step_ms ? o->step_ms : STEP_MS;
	r->allow_private = o->allow_private;
	r->result.connected = -1;
	r->result.verify_text = "";
	c->origins++;
	int rc = OK;
	if (!take_url(&r->result, o->url))
		rc = err_set(e, E_CONFIG,
			     "the url of \"%s\" is not one; write \"https://\" and the server's name",
			     o->name);
	if (rc == OK && r->result.tls)
		rc = http_trust_get(&r->trust, &c->trusts, o->ca_file, o->ca_pem, o->name, e);
	if (rc == OK && timer_new(&r->limit, c->loop, time_is_up, r))
		rc = err_set(e, E_NOMEM, "out of memory for a look at \"%s\"", o->name);
	if (rc == OK)
		rc = lookup_start(r, e);
	if (rc) {
		detach(r);
		destroy(r);
		return rc;
	}
	*out = r;
	return OK;
}

void reach_cancel(struct reach *r)
{
	must(!r->over);
	detach(r);
	let_go(r);
}
