/* The life of one exchange: started, admitted to curl, ended or dropped. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "net/http_error.h"
#include "net/http_state.h"

#include <string.h>

static struct http_exchanges *list_of(struct http_exchange *x)
{
	struct http_origin *o = x->origin;
	return x->state == EXCHANGE_WAITING   ? &o->waiting
	       : x->state == EXCHANGE_LOOKUP  ? &o->client->lookup
	       : x->state == EXCHANGE_RUNNING ? &o->running
					      : &o->leaving;
}

static void list_remove(struct http_exchange *x)
{
	struct http_origin *o = x->origin;
	TAILQ_REMOVE(list_of(x), x, link);
	if (x->state != EXCHANGE_WAITING)
		return;
	o->client->waiting--;
	if (o->in_turns && TAILQ_EMPTY(&o->waiting)) {
		TAILQ_REMOVE(&o->client->turns, o, turn);
		o->in_turns = false;
	}
}

static void move_to(struct http_exchange *x, enum exchange_state s)
{
	list_remove(x);
	x->state = s;
	TAILQ_INSERT_TAIL(list_of(x), x, link);
}

void http_exchange_lookup_over(struct http_exchange *x, bool given_up)
{
	if (!x->looking_up)
		return;
	x->looking_up = false;
	http_lookups_end(&x->origin->client->lookups, given_up && x->resolving, clock_mono_ms());
}

void http_exchange_connected(struct http_exchange *x)
{
	if (!x->pending)
		return;
	x->pending = false;
	x->origin->client->pending--;
}

void http_exchange_leave(struct http_exchange *x)
{
	if (x->state != EXCHANGE_LEAVING)
		move_to(x, EXCHANGE_LEAVING);
	http_origin_settle_soon(x->origin);
}

static CURL *easy_take(struct http_origin *o)
{
	for (int i = 0; i < ORIGIN_SPARE_EASIES; i++) {
		CURL *easy = o->spare[i];
		if (easy) {
			o->spare[i] = NULL;
			return easy;
		}
	}
	return curl_easy_init();
}

/* A transfer that failed before it had a connection leaves its buffer on the
 * handle, and the next one could not set the size of its own: only handles that
 * worked are kept. */
static void easy_give_back(struct http_origin *o, CURL *easy, bool worked)
{
	if (!easy)
		return;
	if (!worked) {
		curl_easy_cleanup(easy);
		return;
	}
	/* Nothing of this exchange may stay reachable: curl calls back into an
	 * easy handle also when it closes an idle connection. */
	curl_easy_reset(easy);
	for (int i = 0; i < ORIGIN_SPARE_EASIES; i++) {
		if (!o->spare[i]) {
			o->spare[i] = easy;
			return;
		}
	}
	curl_easy_cleanup(easy);
}

static void give_turn_back(struct http_exchange *x)
{
	http_exchange_connected(x);
	if (!x->has_turn)
		return;
	x->has_turn = false;
	x->origin->exchanges--;
	x->origin->client->running--;
	http_client_admit_soon(x->origin->client);
}

/* Takes it out of curl, of its list and of its timer. */
static void detach(struct http_exchange *x)
{
	struct http_origin *o = x->origin;
	must(!o->in_curl);
	/* watch_socket() may still be called; it must not find this exchange. */
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, NULL);
	list_remove(x);
	if (x->in_curl)
		curl_multi_remove_handle(o->multi, x->easy);
	x->in_curl = false;
	http_sockets_look(o);
	give_turn_back(x);
	http_client_rests(o);
	timer_free(x->limit);
	x->limit = NULL;
}

static void destroy(struct http_exchange *x)
{
	struct http_origin *o = x->origin;
	easy_give_back(o, x->easy, x->worked);
	mem_free(x->url);
	mem_free(x);
	http_origin_release(o);
}

void http_exchange_drop(struct http_exchange *x)
{
	http_exchange_lookup_over(x, true);
	detach(x);
	destroy(x);
}

static void clean_text(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			*s = '?';
}

/* The alternative names of the certificate the server showed, or its subject. */
static void certificate_names(CURL *easy, char *out, size_t cap)
{
	static const char san[] = "X509v3 Subject Alternative Name:", subject[] = "Subject:";
	struct curl_certinfo *info = NULL;

	*out = '\0';
	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) || !info || info->num_of_certs < 1)
		return;
	for (struct curl_slist *s = info->certinfo[0]; s; s = s->next) {
		size_t skip = 0;
		if (strncmp(s->data, san, sizeof(san) - 1) == 0)
			skip = sizeof(san) - 1;
		else if (!*out && strncmp(s->data, subject, sizeof(subject) - 1) == 0)
			skip = sizeof(subject) - 1;
		if (skip) {
			*out = '\0';
			strncat(out, s->data + skip, cap - 1);
			clean_text(out);
		}
	}
}

static void explain(struct http_exchange *x, CURLcode code, struct http_result *r)
{
	struct http_origin *o = x->origin;
	char names[160] = "";
	struct http_failure f = {
		.code = code,
		.text = x->curl_text,
		.host = o->host,
		.names = names,
		.ca_file = o->trust ? http_trust_name(o->trust) : "",
		.client_cert = o->client_cert_pem ? "" : o->client_cert,
		.looking_up = x->looking_up,
		.proxied = o->proxy != NULL,
		.answered = x->status != 0,
		.connect_ms = x->connect_ms,
		.max_body_bytes = x->max_body_bytes,
	};

	clean_text(x->curl_text);
	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &f.os_errno);
	curl_easy_getinfo(x->easy, CURLINFO_SSL_VERIFYRESULT, &f.verify);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		certificate_names(x->easy, names, sizeof(names));
	r->rc = http_failure_explain(&f, &r->err);
}

static uint32_t ms_between(curl_off_t from_us, curl_off_t to_us)
{
	return to_us > from_us ? (uint32_t)((to_us - from_us + 999) / 1000) : 0;
}

/* What the connection was and how long each step to it took. */
static void fill_connection(struct http_exchange *x, struct http_result *r)
{
	curl_off_t dns = 0, connected = 0, tls = 0;
	long connects = 1, version = 0;

	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
	r->reused = x->status && connects == 0;
	memcpy(r->peer, x->peer, sizeof(r->peer));
	r->tls_version = x->tls_version ? x->tls_version : "";
	r->certificate_expires = x->certificate_expires;
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
	r->http_version = version == CURL_HTTP_VERSION_1_1   ? "1.1"
			  : version == CURL_HTTP_VERSION_1_0 ? "1.0"
							     : "";
	if (r->reused || connects == 0)
		return;
	curl_easy_getinfo(x->easy, CURLINFO_NAMELOOKUP_TIME_T, &dns);
	curl_easy_getinfo(x->easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	r->dns_ms = ms_between(0, dns);
	r->connect_ms = ms_between(dns, connected);
	r->tls_ms = ms_between(connected, tls);
}

static void fill_result(struct http_exchange *x, CURLcode code, struct http_result *r)
{
	int64_t now = clock_mono_ms();

	/* A refused address is the reason only if no other address of the name
	 * could be tried. */
	if (x->rc == E_ADDRESS && x->opened && code == CURLE_COULDNT_CONNECT)
		x->rc = OK;
	/* To curl a connection that ends inside the header is a whole answer. */
	if (!x->rc && code == CURLE_OK && !x->header_ended)
		code = CURLE_PARTIAL_FILE;
	if (x->rc) {
		r->rc = x->rc;
		r->err = x->err;
	} else if (code != CURLE_OK) {
		explain(x, code, r);
	}
	r->status = x->status;
	memcpy(r->content_type, x->headers.content_type, sizeof(r->content_type));
	memcpy(r->location, x->headers.location, sizeof(r->location));
	r->retry_after_s = http_headers_retry_after_s(&x->headers, clock_unix_s());
	r->server_date = x->headers.date;
	r->body_bytes = x->body_bytes;
	r->waited_ms = (uint32_t)(x->started_ms - x->asked_ms);
	r->total_ms = (uint32_t)(now - x->started_ms);
	r->first_byte_ms =
		x->first_byte_at_ms ? (uint32_t)(x->first_byte_at_ms - x->started_ms) : r->total_ms;
	fill_connection(x, r);
}

void http_exchange_end(struct http_exchange *x, CURLcode code)
{
	struct http_result r = { .retry_after_s = -1 };
	void (*on_done)(void *arg, const struct http_result *r) = x->on_done;
	void *arg = x->arg;

	if (code == CURLE_OK && x->rc == E_ADDRESS)
		x->rc = OK;
	x->worked = code == CURLE_OK;
	fill_result(x, code, &r);
	http_exchange_lookup_over(x, code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK);
	detach(x);
	destroy(x);
	on_done(arg, &r);
}

static void limit_reached(void *arg)
{
	struct http_exchange *x = arg;
	struct http_origin *o = x->origin;
	const char *host = o->host;

	if (x->state == EXCHANGE_LEAVING)
		return;
	if (x->state == EXCHANGE_LOOKUP)
		x->rc = err_set(&x->err, E_DNS,
				"the name \"%s\" was not looked up: too many lookups hang; check the "
				"name server",
				host);
	else if (x->looking_up)
		x->rc = err_set(&x->err, E_DNS,
				"the name \"%s\" was not resolved in time; check the name server", host);
	else if (!x->first_byte_at_ms)
		x->rc = err_set(&x->err, E_TIMEOUT, "no answer from \"%s\" within %u ms", host,
				x->first_byte_ms && x->first_byte_ms < x->total_ms ? x->first_byte_ms
										   : x->total_ms);
	else
		x->rc = err_set(&x->err, E_TIMEOUT,
				"the answer of \"%s\" did not end within %u ms; %llu bytes had come", host,
				x->total_ms, (unsigned long long)x->body_bytes);
	http_exchange_leave(x);
	http_origin_settle(o);
}

void http_exchange_turn(struct http_exchange *x)
{
	struct http_origin *o = x->origin;
	uint32_t first = x->total_ms;

	move_to(x, EXCHANGE_LOOKUP);
	http_client_rests_not(o);
	x->has_turn = x->pending = true;
	o->exchanges++;
	o->client->running++;
	o->client->pending++;
	x->started_ms = clock_mono_ms();
	if (x->first_byte_ms && (!first || x->first_byte_ms < first))
		first = x->first_byte_ms;
	if (first)
		timer_arm(x->limit, first);
}

void http_exchange_admit(struct http_exchange *x)
{
	struct http_origin *o = x->origin;

	move_to(x, EXCHANGE_RUNNING);
	http_lookups_begin(&o->client->lookups);
	x->looking_up = true;
	x->in_curl = http_origin_open(o) == OK && curl_multi_add_handle(o->multi, x->easy) == CURLM_OK;
	if (!x->in_curl) {
		http_exchange_lookup_over(x, false);
		x->rc = err_set(&x->err, E_NOMEM, "out of memory for a request to \"%s\"", o->host);
		http_exchange_leave(x);
	}
}

static struct http_exchange *exchange_new(struct http_origin *o, const struct http_request *r)
{
	struct http_exchange *x = mem_zalloc(sizeof(*x));
	size_t base = strlen(o->url), path = strlen(r->path);
	if (!x)
		return NULL;
	x->origin = o;
	http_origin_hold(o);
	x->max_body_bytes = r->max_body_bytes;
	x->connect_ms = r->connect_ms;
	x->first_byte_ms = r->first_byte_ms;
	x->total_ms = r->total_ms;
	x->on_body = r->on_body;
	x->on_done = r->on_done;
	x->arg = r->arg;
	x->asked_ms = x->started_ms = clock_mono_ms();
	x->fresh = strcmp(r->method, "GET") != 0;
	x->easy = easy_take(o);
	x->url = mem_alloc(base + path + 1);
	if (!x->easy || !x->url || timer_new(&x->limit, o->client->loop, limit_reached, x)) {
		destroy(x);
		return NULL;
	}
	memcpy(x->url, o->url, base);
	memcpy(x->url + base, r->path, path + 1);
	return x;
}

int http_start(struct http_exchange **out, struct http_origin *o, const struct http_request *r, struct err *e)
{
	struct http_exchange *x = exchange_new(o, r);
	if (!x)
		return err_set(e, E_NOMEM, "out of memory for a request to \"%s\"", o->host);
	int rc = http_exchange_prepare(x, r->method);
	if (rc) {
		err_set(e, rc, "a request to \"%s\" could not be prepared", o->host);
		timer_free(x->limit);
		destroy(x);
		return rc;
	}
	x->state = EXCHANGE_WAITING;
	TAILQ_INSERT_TAIL(&o->waiting, x, link);
	o->client->waiting++;
	if (!o->in_turns) {
		o->in_turns = true;
		TAILQ_INSERT_TAIL(&o->client->turns, o, turn);
	}
	/* Its turn comes at the end of the present settling or in the next turn
	 * of the loop. */
	if (!o->settling)
		http_client_admit_soon(o->client);
	*out = x;
	return OK;
}

void http_cancel(struct http_exchange *x)
{
	if (!x->origin->in_curl) {
		http_exchange_drop(x);
		return;
	}
	x->cancelled = true;
	http_exchange_leave(x);
}
