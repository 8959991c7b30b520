/* What a doctor asks of Fleet, and what follows from each answer. */
#include "base/clock.h"
#include "fleet/json_tree.h"
#include "sync/doctor_state.h"

enum {
	PROBE_BYTES = 1 << 20, /* of memory for a page of one host */
	PAGE_BYTES = 64 << 20, /* and for one of many */
	PAGE_HOSTS = 100,
};

/* ---- a page of hosts ---- */

static void latency_path(const struct doctor *d, struct buf *out)
{
	struct list_request r;
	list_request_init(&r, d->order, d->plain ? 0 : list_features_of(&d->server), 0, PAGE_HOSTS);
	list_request_path(out, &r);
}

static bool refused(const struct doctor_answer *a)
{
	return a->http->status == 400 || a->http->status == 422;
}

static void ask_latency(struct doctor *d);

static void latency_answered(struct doctor *d, const struct doctor_answer *a)
{
	struct doctor_finding f;
	if (refused(a) && !d->plain && list_features_of(&d->server)) {
		d->plain = true;
		ask_latency(d);
		return;
	}
	doctor_see_latency(&f, a, d->hosts, d->plain);
	doctor_tell(d, &f);
	doctor_finish(d);
}

static void ask_latency(struct doctor *d)
{
	static const struct question latency = { .what = "a page of hosts",
						 .path = latency_path,
						 .max_hosts = PAGE_HOSTS,
						 .page_bytes = PAGE_BYTES,
						 .answered = latency_answered };
	d->after = 0;
	d->hosts = 0;
	doctor_ask(d, &latency);
}

/* ---- the cursor ---- */

static void cursor_path(const struct doctor *d, struct buf *out)
{
	struct list_request r;
	list_request_init(&r, d->order, 0, d->after, 1);
	list_request_path(out, &r);
}

static void ask_cursor(struct doctor *d);

static void cursor_seen(struct doctor *d, const struct doctor_answer *a)
{
	struct doctor_finding f;
	doctor_see_cursor(&f, a, d->order, d->after);
	doctor_tell(d, &f);
	if (f.verdict == DOCTOR_FAILED || !d->counted) {
		doctor_skip_to(d, DOCTOR_STEPS, f.verdict == DOCTOR_FAILED ? DOCTOR_CURSOR : DOCTOR_HOSTS);
		doctor_finish(d);
	} else {
		ask_latency(d);
	}
}

/* Two pages of one host each: the second must go on behind the first. */
static void cursor_answered(struct doctor *d, const struct doctor_answer *a)
{
	bool again = refused(a) && !d->after && d->order != LIST_BY_PAGE;
	bool second = a->rc == OK && !d->after && d->last_id && d->order != LIST_BY_PAGE;
	if (again)
		d->order = d->order == LIST_BY_ID ? LIST_BY_H_ID : LIST_BY_PAGE;
	else if (second)
		d->after = d->last_id;
	if (again || second)
		ask_cursor(d);
	else
		cursor_seen(d, a);
}

static void ask_cursor(struct doctor *d)
{
	static const struct question cursor = { .what = "the list of hosts",
						.path = cursor_path,
						.max_hosts = PAGE_HOSTS,
						.page_bytes = PROBE_BYTES,
						.answered = cursor_answered };
	doctor_ask(d, &cursor);
}

/* ---- /hosts/count ---- */

static void hosts_path(const struct doctor *d, struct buf *out)
{
	(void)d;
	buf_puts(out, "/api/v1/fleet/hosts/count");
}

static void hosts_answered(struct doctor *d, const struct doctor_answer *asked)
{
	struct doctor_answer a = *asked;
	struct doctor_finding f;
	struct json_tree *t = a.rc == OK ? json_tree_parse(d->body.data, d->body.len) : NULL;
	int64_t count = 0;
	if (a.rc == OK && (!t || !json_tree_int(t, "count", &count) || count < 0))
		a.rc = err_set(&d->err, E_NOT_FLEET, "the number of hosts was not answered as Fleet does");
	json_tree_free(t);
	d->counted = a.rc != OK || count > 0;
	doctor_see_hosts(&f, &a, &d->server, count);
	doctor_tell(d, &f);
	ask_cursor(d);
}

/* ---- /config and the clock ---- */

static void tell_clock(struct doctor *d)
{
	struct doctor_finding f;
	doctor_see_clock(&f, d->server_date, d->dated_at);
	doctor_tell(d, &f);
}

static void config_path(const struct doctor *d, struct buf *out)
{
	(void)d;
	buf_puts(out, "/api/v1/fleet/config");
}

static int64_t licence_expires(const struct doctor *d)
{
	struct json_tree *t = json_tree_parse(d->body.data, d->body.len);
	const char *text = t ? json_tree_text(t, "license.expiration") : NULL;
	int64_t at = 0;
	if (text && !clock_parse_rfc3339(slice_of(text), &at))
		at = 0;
	json_tree_free(t);
	return at;
}

static void config_answered(struct doctor *d, const struct doctor_answer *asked)
{
	static const struct question hosts = { .what = "the number of hosts",
					       .path = hosts_path,
					       .answered = hosts_answered };
	struct doctor_answer a = *asked;
	struct doctor_finding f;
	struct err e;
	int64_t expires = 0;
	if (a.rc == OK)
		a.rc = server_read_config(&d->server, buf_slice(&d->body), &d->err);
	if (a.rc == OK)
		expires = licence_expires(d);
	doctor_see_licence(&f, &a, &d->server, expires, clock_unix_s());
	doctor_tell(d, &f);
	tell_clock(d);
	if (d->server.scope != SCOPE_UNKNOWN && server_check_role(&d->server, &e) != OK) {
		doctor_skip_to(d, DOCTOR_STEPS, DOCTOR_ROLE);
		doctor_finish(d);
		return;
	}
	doctor_ask(d, &hosts);
}

/* ---- /me ---- */

static void me_path(const struct doctor *d, struct buf *out)
{
	(void)d;
	buf_puts(out, "/api/v1/fleet/me");
}

static void token_failed(struct doctor *d)
{
	doctor_skip_to(d, DOCTOR_CLOCK, DOCTOR_TOKEN);
	tell_clock(d);
	doctor_skip_to(d, DOCTOR_STEPS, DOCTOR_TOKEN);
	doctor_finish(d);
}

static void me_answered(struct doctor *d, const struct doctor_answer *asked)
{
	static const struct question config = { .what = "the licence",
						.path = config_path,
						.answered = config_answered };
	struct doctor_answer a = *asked;
	struct doctor_finding f;
	if (a.rc == OK)
		a.rc = server_read_me(&d->server, buf_slice(&d->body), &d->err);
	doctor_see_token(&f, d->conf, &a, &d->server);
	doctor_tell(d, &f);
	if (f.verdict == DOCTOR_FAILED) {
		token_failed(d);
		return;
	}
	doctor_see_role(&f, &d->server);
	doctor_tell(d, &f);
	doctor_ask(d, &config);
}

/* ---- /version ---- */

static void version_path(const struct doctor *d, struct buf *out)
{
	(void)d;
	buf_puts(out, "/api/v1/fleet/version");
}

static void version_answered(struct doctor *d, const struct doctor_answer *asked)
{
	static const struct question me = { .what = "the token's user",
					    .path = me_path,
					    .answered = me_answered };
	struct doctor_answer a = *asked;
	struct doctor_finding f;
	if (a.rc == OK)
		a.rc = server_read_version(&d->server, buf_slice(&d->body), &d->err);
	doctor_see_fleet(&f, &a, &d->server);
	doctor_tell(d, &f);
	if (f.verdict == DOCTOR_FAILED) {
		doctor_skip_to(d, DOCTOR_STEPS, DOCTOR_FLEET);
		doctor_finish(d);
	} else if (a.rc == E_TOKEN) {
		doctor_see_token(&f, d->conf, &a, &d->server);
		doctor_tell(d, &f);
		token_failed(d);
	} else {
		doctor_ask(d, &me);
	}
}

void doctor_ask_version(struct doctor *d)
{
	static const struct question version = { .what = "the server's version",
						 .path = version_path,
						 .answered = version_answered };
	doctor_ask(d, &version);
}
