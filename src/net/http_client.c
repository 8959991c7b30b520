/* Whose turn it is: the ceilings over all origins, and idle connections. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/http_state.h"

/* ---- idle connections ---- */

static void arm_idle_timer(struct http_client *c);

static void close_idle(uv_timer_t *uv)
{
	struct http_client *c = uv->data;
	int64_t now = clock_mono_ms();
	struct http_origin *o;
	while ((o = TAILQ_FIRST(&c->idle)) && now - o->idle_since_ms >= c->limits.idle_ms)
		http_origin_close(o);
	arm_idle_timer(c);
}

static void arm_idle_timer(struct http_client *c)
{
	struct http_origin *o = TAILQ_FIRST(&c->idle);
	if (!o || uv_is_active((uv_handle_t *)&c->idle_timer))
		return;
	int64_t left = o->idle_since_ms + c->limits.idle_ms - clock_mono_ms();
	uv_update_time(loop_uv(c->loop));
	uv_timer_start(&c->idle_timer, close_idle, left > 0 ? (uint64_t)left + 1 : 1, 0);
}

void http_client_rests(struct http_origin *o)
{
	struct http_client *c = o->client;
	if (o->in_idle || !o->multi || o->exchanges || o->in_curl || o->settling)
		return;
	o->idle_since_ms = clock_mono_ms();
	o->in_idle = true;
	TAILQ_INSERT_TAIL(&c->idle, o, idle);
	arm_idle_timer(c);
}

void http_client_rests_not(struct http_origin *o)
{
	if (!o->in_idle)
		return;
	o->in_idle = false;
	TAILQ_REMOVE(&o->client->idle, o, idle);
}

/* ---- turns ---- */

/* True when one more connection may be opened, or need not. */
static bool has_connection(struct http_client *c, struct http_origin *o, const struct http_exchange *x)
{
	if (!x->fresh && o->open > o->exchanges)
		return true;
	while (c->open + c->pending >= c->limits.connections) {
		struct http_origin *idle = TAILQ_FIRST(&c->idle);
		if (!idle)
			return false;
		http_origin_close(idle);
	}
	return true;
}

static void give_turns(struct http_client *c)
{
	struct http_origin *o;
	while (c->running < c->limits.transfers && (o = TAILQ_FIRST(&c->turns))) {
		struct http_exchange *x = TAILQ_FIRST(&o->waiting);
		if (!has_connection(c, o, x))
			return;
		TAILQ_REMOVE(&c->turns, o, turn);
		o->in_turns = false;
		http_exchange_turn(x);
		if (!TAILQ_EMPTY(&o->waiting)) {
			TAILQ_INSERT_TAIL(&c->turns, o, turn);
			o->in_turns = true;
		}
	}
}

static void give_lookups(struct http_client *c)
{
	struct http_exchange *x;
	while ((x = TAILQ_FIRST(&c->lookup))) {
		if (!http_lookups_free(&c->lookups, clock_mono_ms())) {
			/* One that is left over tells nobody when it ends. */
			timer_arm(c->admit_soon, 20);
			return;
		}
		http_exchange_admit(x);
	}
}

void http_client_admit(struct http_client *c)
{
	must(!c->in_curl);
	give_turns(c);
	give_lookups(c);
}

void http_client_admit_soon(struct http_client *c)
{
	timer_arm(c->admit_soon, 0);
}

static void admit_fired(void *arg)
{
	http_client_admit(arg);
}

/* ---- its life ---- */

void http_client_limit(struct http_client *c, const struct http_limits *limits)
{
	c->limits.transfers = limits->transfers ? limits->transfers : HTTP_TRANSFERS;
	c->limits.connections = limits->connections ? limits->connections : HTTP_CONNECTIONS;
	c->limits.idle_ms = limits->idle_ms ? limits->idle_ms : HTTP_IDLE_MS;
	uv_timer_stop(&c->idle_timer);
	arm_idle_timer(c);
	http_client_admit_soon(c);
}

void http_client_stat(const struct http_client *c, struct http_stat *out)
{
	*out = (struct http_stat){
		.running = c->running, .waiting = c->waiting, .open = c->open, .opened = c->opened
	};
}

int http_client_new(struct http_client **out, struct loop *l, struct err *e)
{
	struct http_client *c = mem_zalloc(sizeof(*c));
	if (!c || timer_new(&c->admit_soon, l, admit_fired, c)) {
		mem_free(c);
		return err_set(e, E_NOMEM, "out of memory for the http client");
	}
	/* Curl copies tokens into headers, requests and buffers. */
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_library_alloc, mem_library_free,
				 mem_library_realloc, mem_library_strdup, mem_library_zalloc)) {
		timer_free(c->admit_soon);
		mem_free(c);
		return err_set(e, E_NOMEM, "libcurl could not be initialised");
	}
	c->loop = l;
	c->limits = (struct http_limits){ HTTP_TRANSFERS, HTTP_CONNECTIONS, HTTP_IDLE_MS };
	TAILQ_INIT(&c->turns);
	TAILQ_INIT(&c->idle);
	TAILQ_INIT(&c->lookup);
	TAILQ_INIT(&c->trusts);
	uv_timer_init(loop_uv(l), &c->idle_timer);
	uv_unref((uv_handle_t *)&c->idle_timer);
	c->idle_timer.data = c;
	*out = c;
	return OK;
}

static void closed(uv_handle_t *uv)
{
	mem_free(uv->data);
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	must(c->origins == 0 && c->running == 0 && c->waiting == 0);
	must(c->open == 0 && c->pending == 0);
	http_trusts_clear(&c->trusts);
	timer_free(c->admit_soon);
	uv_close((uv_handle_t *)&c->idle_timer, closed);
	curl_global_cleanup();
}
