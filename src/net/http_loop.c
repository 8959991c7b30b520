/* Curl's sockets and timer on the loop, for one origin. */
#include "base/mem.h"
#include "base/must.h"
#include "net/http_state.h"

enum { CONNECTIONS_KEPT = 16 };

struct http_socket {
	uv_poll_t uv;
	struct http_origin *origin;
	curl_socket_t fd;
	int events;  /* as curl wants them */
	bool failed; /* its error was shown to curl once */
};

static void act(struct http_origin *o, curl_socket_t fd, int events)
{
	int running;
	if (!o->multi)
		return;
	http_origin_hold(o);
	o->in_curl = true;
	o->client->in_curl++;
	curl_multi_socket_action(o->multi, fd, events, &running);
	o->client->in_curl--;
	o->in_curl = false;
	/* Each time, also when `running` is 0: the last transfer's time-out shows
	 * only in the messages. */
	http_origin_settle(o);
	http_origin_release(o);
}

static void socket_ready(uv_poll_t *uv, int status, int events);

/* libuv reports an error instead of readiness, and watches no more, also when
 * the peer only reset the connection. Told so, curl ends the transfer; told that
 * the socket is ready, it meets the error by itself and asks again on a new
 * connection where it may. So it is told that first, and of the error only when
 * the socket is still there and still failing. */
static int bits_of_error(struct http_socket *s)
{
	bool again = s->failed;
	s->failed = true;
	if (again || uv_poll_start(&s->uv, s->events, socket_ready))
		return CURL_CSELECT_ERR;
	return CURL_CSELECT_IN | CURL_CSELECT_OUT;
}

static void socket_ready(uv_poll_t *uv, int status, int events)
{
	struct http_socket *s = uv->data;
	int bits = 0;
	if (status < 0)
		bits = bits_of_error(s);
	if (events & UV_READABLE)
		bits |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		bits |= CURL_CSELECT_OUT;
	act(s->origin, s->fd, bits);
}

static void socket_closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

static struct http_socket *socket_new(struct http_origin *o, curl_socket_t fd)
{
	struct http_socket *s = mem_zalloc(sizeof(*s));
	if (!s)
		return NULL;
	if (uv_poll_init_socket(loop_uv(o->client->loop), &s->uv, fd)) {
		mem_free(s);
		return NULL;
	}
	s->uv.data = s;
	s->origin = o;
	s->fd = fd;
	curl_multi_assign(o->multi, fd, s);
	return s;
}

/* A failure here must not be returned: curl would declare the whole multi
 * handle dead. It ends the one exchange that asked. */
static void cannot_watch(CURL *easy)
{
	struct http_exchange *x = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	if (!x)
		return;
	if (!x->err.code)
		x->rc = err_set(&x->err, E_NOMEM, "out of memory for the connection to \"%s\"",
				x->origin->host);
	http_exchange_leave(x);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_origin *o = arg;
	struct http_socket *s = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (s) {
			curl_multi_assign(o->multi, fd, NULL);
			uv_close((uv_handle_t *)&s->uv, socket_closed);
		}
		return 0;
	}
	if (!s && !(s = socket_new(o, fd))) {
		cannot_watch(easy);
		return 0;
	}
	s->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	if (uv_poll_start(&s->uv, s->events, socket_ready))
		cannot_watch(easy);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_origin *o = arg;
	(void)multi;
	/* A time of 0 too goes through the loop: we may be inside curl here. */
	if (timeout_ms < 0)
		timer_disarm(o->timer);
	else
		timer_arm(o->timer, (uint64_t)timeout_ms);
	return 0;
}

static void timer_fired(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void end_leaving(struct http_origin *o)
{
	struct http_exchange *x;
	while ((x = TAILQ_FIRST(&o->leaving))) {
		if (x->cancelled)
			http_exchange_drop(x);
		else
			http_exchange_end(x, CURLE_ABORTED_BY_CALLBACK);
	}
}

static void end_completed(struct http_origin *o)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(o->multi, &left))) {
		struct http_exchange *x = NULL;
		CURLcode code = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		must(x != NULL);
		http_exchange_end(x, code);
	}
}

void http_origin_settle(struct http_origin *o)
{
	must(!o->in_curl);
	if (o->settling)
		return;
	http_origin_hold(o);
	o->settling = true;
	end_leaving(o);
	if (o->multi)
		end_completed(o);
	o->settling = false;
	if (!TAILQ_EMPTY(&o->leaving))
		http_origin_settle_soon(o);
	if (o->client->in_curl)
		http_client_admit_soon(o->client);
	else
		http_client_admit(o->client);
	http_client_rests(o);
	http_origin_release(o);
}

void http_origin_settle_soon(struct http_origin *o)
{
	timer_arm(o->settle_soon, 0);
}

static void settle_fired(void *arg)
{
	http_origin_settle(arg);
}

int http_origin_timers(struct http_origin *o)
{
	return timer_new(&o->timer, o->client->loop, timer_fired, o) ||
			       timer_new(&o->settle_soon, o->client->loop, settle_fired, o)
		       ? E_NOMEM
		       : OK;
}

int http_origin_open(struct http_origin *o)
{
	if (o->multi)
		return OK;
	CURLM *m = o->multi = curl_multi_init();
	if (!m)
		return E_NOMEM;
	curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(m, CURLMOPT_SOCKETDATA, o);
	curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(m, CURLMOPT_TIMERDATA, o);
	curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	return OK;
}

void http_origin_close(struct http_origin *o)
{
	must(!o->in_curl && !o->settling);
	must(TAILQ_EMPTY(&o->running));
	http_client_rests_not(o);
	/* Curl closes its connections through watch_socket(). */
	if (o->multi)
		curl_multi_cleanup(o->multi);
	o->multi = NULL;
	http_sockets_look(o);
	timer_disarm(o->timer);
}
