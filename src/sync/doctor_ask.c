/* One question of a doctor: a request with its time limit, and what the answer is. */
#include "base/clock.h"
#include "fleet/answer.h"
#include "sync/doctor_state.h"

enum {
	REQUEST_MS = 30 * 1000, /* at most; a tenant's own limits may be shorter */
	TURN_MS = 15 * 1000,    /* how long others may be ahead */
};

void doctor_drop_answer(struct doctor *d)
{
	page_parser_free(d->parser);
	d->parser = NULL;
	buf_reset(&d->body);
}

static int on_body(void *arg, long status, const void *data, size_t n)
{
	struct doctor *d = arg;
	if (status == 200 && d->parser)
		return page_parser_feed(d->parser, data, n);
	size_t most = status == 200 ? DOCTOR_TEXT_BYTES : ANSWER_BODY_MAX;
	if (d->body.len < most)
		buf_add(&d->body, data, n < most - d->body.len ? n : most - d->body.len);
	return d->body.failed;
}

static int take_page(struct doctor *d)
{
	struct page *page = NULL;
	d->last_id = page_parser_last_id(d->parser);
	int rc = page_parser_finish(d->parser, &page, &d->err);
	if (rc == OK)
		d->hosts = page->count;
	page_free(page);
	return rc;
}

static int judge(struct doctor *d, const struct http_result *r, struct doctor_answer *a)
{
	const char *what = d->question->what;
	struct answer said = { r->status, r->location, buf_slice(&d->body), false };
	if (r->status != 0 && (r->status < 200 || r->status >= 300)) {
		a->from_fleet = answer_is_fleet(&said);
		a->allowlist = answer_is_allowlist(&said);
		return answer_verdict(&said, what, &d->err);
	}
	if (r->rc != OK) {
		/* the parser ended it, and knows better why */
		if (!d->parser || r->status != 200 || take_page(d) != r->rc)
			d->err = r->err;
		err_prefix(&d->err, "%s", what);
		return r->rc;
	}
	if (r->status != 200)
		return err_set(&d->err, E_NOT_FLEET, "%s was answered with status %ld where Fleet sends 200",
			       what, r->status);
	int rc = d->parser ? take_page(d) : OK;
	if (rc != OK)
		err_prefix(&d->err, "%s", what);
	return rc;
}

static void answered(struct doctor *d, const struct http_result *r)
{
	struct doctor_answer a = { .http = r, .err = &d->err, .wants_client = d->wants_client };
	timer_disarm(d->timer);
	if (r->server_date) {
		d->server_date = r->server_date;
		d->dated_at = clock_unix_s();
	}
	a.rc = judge(d, r, &a);
	d->question->answered(d, &a);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct doctor *d = arg;
	d->exchange = NULL;
	answered(d, r);
}

static uint32_t limit_of(uint32_t setting)
{
	return setting && setting < REQUEST_MS ? setting : REQUEST_MS;
}

void doctor_ask(struct doctor *d, const struct question *q)
{
	struct page_limits limits = { .host_bytes = d->conf->limits.host_bytes,
				      .page_bytes = q->page_bytes,
				      .max_hosts = q->max_hosts,
				      .after = d->after };
	int rc = OK;
	d->question = q;
	doctor_drop_answer(d);
	buf_reset(&d->path);
	q->path(d, &d->path);
	struct http_request request = {
		.method = "GET",
		.path = buf_cstr(&d->path),
		.max_body_bytes = q->max_hosts ? d->conf->limits.body_bytes : DOCTOR_TEXT_BYTES,
		.connect_ms = DOCTOR_CONNECT_MS,
		.first_byte_ms = limit_of(d->conf->limits.first_byte_ms),
		.total_ms = limit_of(d->conf->limits.request_ms),
		.on_body = on_body,
		.on_done = on_done,
		.arg = d,
	};
	if (q->max_hosts)
		rc = page_parser_new(&d->parser, PAGE_LIST, &limits);
	if (rc == OK && *request.path)
		rc = http_start(&d->exchange, d->origin, &request, &d->err);
	else
		rc = err_set(&d->err, E_NOMEM, "out of memory");
	/* on_timer() answers in its place */
	timer_arm(d->timer, rc == OK ? request.total_ms + TURN_MS : 0);
}

/* The question under way found no turn, or could not be asked at all. */
void doctor_not_asked(struct doctor *d)
{
	struct http_result r = { .rc = d->err.code, .err = d->err, .retry_after_s = -1 };
	if (d->exchange) {
		http_cancel(d->exchange);
		d->exchange = NULL;
		r.rc = err_set(
			&r.err, E_DEADLINE,
			"no answer, because the requests of other tenants were ahead for too long; try "
			"again when the daemon has less to do");
	}
	answered(d, &r);
}
