/* The client and its pools: curl's sockets and timer on the loop. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/http_state.h"

#include <string.h>
#include <uv.h>

/* Idle connections kept, and connections in all: 300 tenants with a list and
 * two details each fit, a runaway does not. */
enum { CONNECTIONS_KEPT = 1024, CONNECTIONS_MAX = 2048 };

struct http_socket {
	uv_poll_t uv;
	struct http_pool *pool;
	curl_socket_t fd;
	int events;  /* as curl wants them */
	bool failed; /* its error was shown to curl once */
};

static void act(struct http_pool *p, curl_socket_t fd, int events)
{
	int running;
	p->in_curl = true;
	curl_multi_socket_action(p->multi, fd, events, &running);
	p->in_curl = false;
	/* Each time, also when `running` is 0: the last transfer's time-out shows
	 * only in the messages. */
	http_pool_settle(p);
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
	act(s->pool, s->fd, bits);
}

static void socket_closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

static struct http_socket *socket_new(struct http_pool *p, curl_socket_t fd)
{
	struct http_socket *s = mem_zalloc(sizeof(*s));
	if (!s)
		return NULL;
	if (uv_poll_init_socket(loop_uv(p->client->loop), &s->uv, fd)) {
		mem_free(s);
		return NULL;
	}
	s->uv.data = s;
	s->pool = p;
	s->fd = fd;
	curl_multi_assign(p->multi, fd, s);
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
	struct http_pool *p = arg;
	struct http_socket *s = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (s) {
			curl_multi_assign(p->multi, fd, NULL);
			uv_close((uv_handle_t *)&s->uv, socket_closed);
		}
		return 0;
	}
	if (!s && !(s = socket_new(p, fd))) {
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
	struct http_pool *p = arg;
	(void)multi;
	/* A time of 0 too goes through the loop: we may be inside curl here. */
	if (timeout_ms < 0)
		timer_disarm(p->timer);
	else
		timer_arm(p->timer, (uint64_t)timeout_ms);
	return 0;
}

static void timer_fired(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void end_leaving(struct http_pool *p)
{
	struct http_exchange *x;
	while ((x = TAILQ_FIRST(&p->leaving))) {
		if (x->cancelled)
			http_exchange_drop(x);
		else
			http_exchange_end(x, CURLE_ABORTED_BY_CALLBACK);
	}
}

static void end_completed(struct http_pool *p)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(p->multi, &left))) {
		struct http_exchange *x = NULL;
		CURLcode code = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		must(x != NULL);
		http_exchange_end(x, code);
	}
}

static void start_waiting(struct http_pool *p)
{
	struct http_lookups *l = &p->client->lookups;
	struct http_exchange *x;
	while ((x = TAILQ_FIRST(&p->waiting))) {
		int64_t now = clock_mono_ms();
		if (!http_lookups_free(l, now)) {
			/* One that runs wakes nobody when it ends in another pool,
			 * so look again now and then. */
			timer_arm(p->settle_soon, 20);
			return;
		}
		http_exchange_admit(x);
	}
}

void http_pool_settle(struct http_pool *p)
{
	must(!p->in_curl);
	if (p->settling)
		return;
	p->settling = true;
	end_leaving(p);
	end_completed(p);
	start_waiting(p);
	p->settling = false;
	if (!TAILQ_EMPTY(&p->leaving))
		http_pool_settle_soon(p);
}

void http_pool_settle_soon(struct http_pool *p)
{
	timer_arm(p->settle_soon, 0);
}

static void settle_fired(void *arg)
{
	http_pool_settle(arg);
}

static void pool_free(struct http_pool *p)
{
	must(!p->in_curl && !p->settling);
	must(TAILQ_EMPTY(&p->waiting) && TAILQ_EMPTY(&p->running) && TAILQ_EMPTY(&p->leaving));
	/* First curl, which closes its connections through watch_socket(). */
	if (p->multi)
		curl_multi_cleanup(p->multi);
	timer_free(p->timer);
	timer_free(p->settle_soon);
	mem_free(p->ca_file);
	mem_free(p);
}

static void pool_configure(struct http_pool *p)
{
	CURLM *m = p->multi;
	curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(m, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(m, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	curl_multi_setopt(m, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
}

int http_pool_get(struct http_pool **out, struct http_client *c, const char *ca_file, struct err *e)
{
	for (struct http_pool *p = c->pools; p; p = p->next) {
		if (strcmp(p->ca_file, ca_file) == 0) {
			*out = p;
			return OK;
		}
	}
	struct http_pool *p = mem_zalloc(sizeof(*p));
	if (!p)
		return err_set(e, E_NOMEM, "out of memory for a connection pool");
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->running);
	TAILQ_INIT(&p->leaving);
	p->client = c;
	p->ca_file = mem_strdup(ca_file);
	p->multi = curl_multi_init();
	if (!p->ca_file || !p->multi || timer_new(&p->timer, c->loop, timer_fired, p) ||
	    timer_new(&p->settle_soon, c->loop, settle_fired, p)) {
		pool_free(p);
		return err_set(e, E_NOMEM, "out of memory for a connection pool");
	}
	pool_configure(p);
	p->next = c->pools;
	c->pools = p;
	*out = p;
	return OK;
}

int http_client_new(struct http_client **out, struct loop *l, struct err *e)
{
	struct http_client *c = mem_zalloc(sizeof(*c));
	if (!c)
		return err_set(e, E_NOMEM, "out of memory for the http client");
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		mem_free(c);
		return err_set(e, E_NOMEM, "libcurl could not be initialised");
	}
	c->loop = l;
	*out = c;
	return OK;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	must(c->origins == 0);
	while (c->pools) {
		struct http_pool *p = c->pools;
		c->pools = p->next;
		pool_free(p);
	}
	mem_free(c);
	curl_global_cleanup();
}
