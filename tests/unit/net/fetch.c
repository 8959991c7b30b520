#include "unit/net/fetch.h"

#include "unit/net/liar.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct liar *plain_server;

int server_begin(void **state)
{
	(void)state;
	plain_server = liar_start(LIAR_PLAIN);
	return 0;
}

int server_end(void **state)
{
	(void)state;
	liar_stop(plain_server);
	return 0;
}

void world_begin(struct world *w)
{
	struct err e = { 0 };
	*w = (struct world){ 0 };
	assert_int_equal(loop_new(&w->loop, &e), OK);
	assert_int_equal(http_client_new(&w->client, w->loop, &e), OK);
}

void world_end(struct world *w)
{
	http_origin_free(w->origin);
	http_client_free(w->client);
	assert_int_equal(loop_free(w->loop), 0);
}

struct http_origin_options lax_options(const char *url)
{
	return (struct http_origin_options){
		.name = "acme", .url = url, .token = "secret-token", .allow_http = true, .allow_private = true
	};
}

struct http_origin *origin(struct world *w, const struct http_origin_options *opt)
{
	struct http_origin *o = NULL;
	struct err e = { 0 };
	if (http_origin_new(&o, w->client, opt, &e))
		fail_msg("%s", e.text);
	return o;
}

struct http_origin *lax_origin(struct world *w, const char *url)
{
	struct http_origin_options opt = lax_options(url);
	return origin(w, &opt);
}

struct http_origin *world_begin_at(struct world *w, const char *url)
{
	world_begin(w);
	return w->origin = lax_origin(w, url);
}

static int on_body(void *arg, long status, const void *data, size_t n)
{
	struct fetch *f = arg;
	assert_true(status > 0);
	assert_int_equal(f->done, 0);
	for (size_t i = 0; i < n; i++)
		f->wrong |= ((const char *)data)[i] != liar_byte(f->bytes + i);
	if (f->bytes < sizeof(f->text) - 1)
		memcpy(f->text + f->bytes, data,
		       n < sizeof(f->text) - 1 - f->bytes ? n : sizeof(f->text) - 1 - f->bytes);
	f->bytes += n;
	return f->answer;
}

static void on_done(void *arg, const struct http_result *r)
{
	struct fetch *f = arg;
	f->result = *r;
	f->done++;
	f->exchange = NULL;
	if (f->stop_loop)
		loop_stop(f->loop);
}

struct http_request request(const char *path, struct fetch *f)
{
	return (struct http_request){ .method = "GET",
				      .path = path,
				      .max_body_bytes = 64u << 20,
				      .connect_ms = 2000,
				      .first_byte_ms = 5000,
				      .total_ms = 10000,
				      .on_body = on_body,
				      .on_done = on_done,
				      .arg = f };
}

void fetch_start(struct world *w, struct http_origin *o, const struct http_request *r, struct fetch *f)
{
	struct err e = { 0 };
	f->loop = w->loop;
	if (http_start(&f->exchange, o, r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(f->done, 0);
}

void fetch_request(struct world *w, struct http_origin *o, const struct http_request *r, struct fetch *f)
{
	f->stop_loop = true;
	fetch_start(w, o, r, f);
	loop_run(w->loop);
	assert_int_equal(f->done, 1);
}

void fetch(struct world *w, struct http_origin *o, const char *path, struct fetch *f)
{
	memset(f, 0, sizeof(*f));
	struct http_request r = request(path, f);
	fetch_request(w, o, &r, f);
}
