/* SYNC_TENANT to SYNC_PROBE: who is there, what may this token see, and which
 * spelling of the cursor does the server understand. */
#include "base/clock.h"
#include "base/log.h"
#include "fleet/answer.h"
#include "fleet/json_tree.h"
#include "sync/sync_state.h"

enum { DAY_S = 24 * 3600, PROBE_ROUNDS = 3, PROBE_PAGE_BYTES = 1 << 20 };

/* ---- the tenant's row ---- */

static void tenant_done(struct tenant_sync *s, int rc)
{
	(void)rc;
	s->row = s->job.tenant.row;
	sync_enter(s, SYNC_VERSION);
}

void sync_enter_tenant(struct tenant_sync *s)
{
	s->job.tenant = (struct apply_tenant){
		.job = { .run = apply_tenant_run },
		.name = s->conf->name,
		.url = s->conf->url,
		.stale_after_s = s->conf->stale_after_s,
		.now = s->begun_unix_s,
	};
	sync_job(s, tenant_done);
}

/* ---- /version ---- */

static void version_path(struct call *c, struct buf *out)
{
	(void)c;
	buf_puts(out, "/api/v1/fleet/version");
}

static void version_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	struct server_facts before = s->server;
	if (rc == OK)
		rc = server_read_version(&s->server, buf_slice(&c->body), &c->err);
	else if (rc == E_FORBIDDEN && c->allowlist)
		rc = OK; /* the version stays unknown; everything is tried */
	if (rc == E_GONE)
		rc = err_set(&c->err, E_NOT_FLEET, "\"%s\" does not know /version; is this a Fleet server?",
			     s->conf->url);
	if (rc != OK) {
		sync_fail(s, rc, &c->err);
	} else if (s->recheck) {
		if (strcmp(before.version, s->server.version) != 0)
			log_event(LOG_NOTICE, "sync", "version changed", "tenant", LOG_S(s->conf->name),
				  "from", LOG_S(before.version), "to", LOG_S(s->server.version));
		sync_enter(s, SYNC_PROBE);
	} else {
		sync_enter(s, SYNC_ME);
	}
}

void sync_enter_version(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the server's version",
		.endpoint = ENDPOINT_VERSION,
		.path = version_path,
		.done = version_done,
	};
	call_start(&s->call, &plan);
}

/* ---- /me ---- */

static void me_path(struct call *c, struct buf *out)
{
	(void)c;
	buf_puts(out, "/api/v1/fleet/me");
}

static void warn_about_token(struct tenant_sync *s)
{
	if (s->server.scope == SCOPE_UNKNOWN)
		sync_warn(s, "the token may not call /me, so its scope is unknown and no device will be "
			     "deleted; add "
			     "/api/v1/fleet/me to the user's list of endpoints");
	else if (s->server.session_token)
		sync_warn(s, "the token is an ordinary user's session and will expire; use the token of an "
			     "API-only user");
}

static void me_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	s->server.scope = SCOPE_UNKNOWN;
	if (rc == OK)
		rc = server_read_me(&s->server, buf_slice(&c->body), &c->err);
	else if (rc == E_FORBIDDEN && c->allowlist)
		rc = OK;
	if (rc == OK)
		rc = server_check_role(&s->server, &c->err);
	if (rc != OK) {
		sync_fail(s, rc, &c->err);
		return;
	}
	warn_about_token(s);
	sync_enter(s, SYNC_CONFIG);
}

void sync_enter_me(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the token's user", .endpoint = ENDPOINT_ME, .path = me_path, .done = me_done
	};
	call_start(&s->call, &plan);
}

/* Read again after the last page: the walk counts only if nothing moved. */
static void confirm_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	char again[STORE_FINGERPRINT_MAX], params[128];
	struct err e;
	s->confirm = s->server;
	if (rc == OK)
		rc = server_read_me(&s->confirm, buf_slice(&c->body), &c->err);
	if (rc != OK) {
		sync_fail(s, rc, &c->err);
		return;
	}
	list_features_text(params, sizeof(params), s->list.features);
	server_fingerprint(again, sizeof(again), &s->confirm, s->conf->url, list_order_key(s->list.order),
			   params);
	if (!server_same_scope(again, s->fingerprint) || s->confirm.user_id != s->server.user_id) {
		err_set(&e, E_CONFLICT,
			"the role or the teams of the token changed while the hosts were being listed; "
			"nothing was deleted, "
			"the next sync starts anew");
		sync_fail(s, E_CONFLICT, &e);
		return;
	}
	sync_enter(s, s->row.indexed ? SYNC_END : SYNC_INDEX);
}

void sync_enter_confirm(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the token's user", .endpoint = ENDPOINT_ME, .path = me_path, .done = confirm_done
	};
	if (s->server.scope == SCOPE_UNKNOWN)
		sync_enter(s, s->row.indexed ? SYNC_END : SYNC_INDEX);
	else
		call_start(&s->call, &plan);
}

/* ---- /config, for the licence ---- */

static void config_path(struct call *c, struct buf *out)
{
	(void)c;
	buf_puts(out, "/api/v1/fleet/config");
}

static void config_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	if (rc == OK)
		rc = server_read_config(&s->server, buf_slice(&c->body), &c->err);
	else if (rc == E_FORBIDDEN)
		rc = OK; /* the tier stays unknown and is taken for free */
	if (rc != OK) {
		sync_fail(s, rc, &c->err);
		return;
	}
	s->derive.premium = s->server.premium;
	s->report.server = s->server;
	sync_enter(s, SYNC_COUNT);
}

void sync_enter_config(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the licence", .endpoint = ENDPOINT_CONFIG, .path = config_path, .done = config_done
	};
	call_start(&s->call, &plan);
}

/* ---- /hosts/count, for the progress only ---- */

static void count_path(struct call *c, struct buf *out)
{
	(void)c;
	buf_puts(out, "/api/v1/fleet/hosts/count");
}

static void count_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	int64_t count;
	struct json_tree *t = rc == OK ? json_tree_parse(c->body.data, c->body.len) : NULL;
	s->counted = t && json_tree_int(t, "count", &count) && count >= 0;
	if (s->counted)
		s->report.total.expected = (uint64_t)count;
	json_tree_free(t);
	sync_enter(s, s->connect_only ? SYNC_DONE : SYNC_PROBE);
}

void sync_enter_count(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the number of hosts",
		.endpoint = ENDPOINT_COUNT,
		.path = count_path,
		.max_attempts = 1,
		.done = count_done,
	};
	s->report.total.expected = s->row.devices;
	if (s->row.devices)
		sync_enter(s, SYNC_PROBE); /* known well enough, and the count costs the server seconds */
	else
		call_start(&s->call, &plan);
}

/* ---- the cursor and the parameters ---- */

static void probe_path(struct call *c, struct buf *out)
{
	struct tenant_sync *s = c->sync;
	struct list_request r;
	list_request_init(&r, s->probe_order, s->probe_plain ? 0 : s->probe_features, 0, 1);
	list_request_path(out, &r);
}

static void probe_done(struct call *c, int rc);
static enum call_turn probe_failed(struct call *c, int rc);

static void probe_ask(struct tenant_sync *s)
{
	static const struct call_plan plan = {
		.what = "the list of hosts",
		.path = probe_path,
		.parse = true,
		.shape = PAGE_LIST,
		.limits = { .page_bytes = PROBE_PAGE_BYTES, .max_hosts = 100 },
		.failed = probe_failed,
		.done = probe_done,
	};
	call_start(&s->call, &plan);
}

static void probed(struct tenant_sync *s)
{
	bool again = s->recheck;
	s->recheck = false;
	if (again && s->probe_order == s->list.order &&
	    strcmp(s->server.version, s->report.server.version) == 0) {
		sync_enter(s, SYNC_LIST);
		return;
	}
	s->report.server = s->server;
	sync_enter(s, SYNC_BEGIN);
}

/* Neither spelling works: two more rounds, then page mode, if that works. A
 * server in trouble refuses that too, and is not taken for an old one. */
static void probe_order_failed(struct tenant_sync *s, int rc)
{
	if (s->probe_order == LIST_BY_PAGE) {
		sync_fail(s, rc, &s->call.err);
		return;
	}
	s->probe_plain = true;
	s->probe_refused_full = false;
	if (s->probe_order == LIST_BY_ID) {
		s->probe_order = LIST_BY_H_ID;
		probe_ask(s);
		return;
	}
	if (++s->probe_rounds < PROBE_ROUNDS) {
		s->probe_order = LIST_BY_ID;
		log_event(LOG_NOTICE, "sync", "cursor refused, probing again", "tenant", LOG_S(s->conf->name),
			  "round", LOG_I(s->probe_rounds));
		timer_arm(s->timer, s->options.probe_gap_ms);
		return;
	}
	s->probe_order = LIST_BY_PAGE;
	probe_ask(s);
}

static void drop_feature(struct tenant_sync *s)
{
	log_event(LOG_NOTICE, "sync", "parameter refused, going on without", "tenant", LOG_S(s->conf->name),
		  "dropped", LOG_I(s->probe_features & ~s->probe_fewer));
	s->probe_features = s->probe_fewer;
}

static enum call_turn probe_failed(struct call *c, int rc)
{
	(void)rc;
	return c->result.status == 400 || c->result.status == 422 ? CALL_STOP : CALL_JUDGE;
}

static void probe_done(struct call *c, int rc)
{
	struct tenant_sync *s = c->sync;
	bool refused = c->result.status == 400 || c->result.status == 422;
	if (rc == OK && !s->probe_plain) {
		if (s->probe_order == LIST_BY_PAGE)
			sync_warn(s, "the server supports no cursor, so its pages are counted; deletions "
				     "need two complete walks");
		probed(s);
	} else if (rc == OK) {
		/* the order is fine; if all of it was refused before, it was a parameter */
		s->probe_plain = false;
		if (s->probe_refused_full)
			drop_feature(s);
		probe_ask(s);
	} else if (refused && !s->probe_plain && s->probe_features) {
		struct answer a = { .status = c->result.status, .body = buf_slice(&c->body) };
		struct list_request r = { .features = s->probe_features };
		if (!answer_names(&a, "order_key") && !answer_names(&a, "ambiguous") &&
		    list_request_drop_feature(&r, a.body)) {
			s->probe_plain = s->probe_refused_full = true; /* is it the order or a parameter? */
			s->probe_fewer = r.features;
			probe_ask(s);
		} else {
			probe_order_failed(s, rc);
		}
	} else if (refused) {
		probe_order_failed(s, rc);
	} else {
		sync_fail(s, rc, &c->err);
	}
}

/* Page mode is remembered until the first sync of another day (UTC), however
 * many there are in one; a cursor is probed each time, which costs one host and
 * tells about the parameters too. */
void sync_enter_probe(struct tenant_sync *s)
{
	bool same = strcmp(s->row.server_version, s->server.version) == 0 && s->row.walk > 0;
	if (s->probe_rounds == 0) {
		s->probe_order = LIST_BY_ID;
		s->probe_features = list_features_of(&s->server);
		s->probe_plain = s->probe_refused_full = false;
		if (same && s->row.mode == WALK_CURSOR_H_ID)
			s->probe_order = LIST_BY_H_ID;
		if (same && s->row.mode == WALK_PAGES && !s->recheck &&
		    s->begun_unix_s / DAY_S == s->row.walk_begun_at / DAY_S) {
			s->probe_order = LIST_BY_PAGE;
			probed(s);
			return;
		}
	}
	probe_ask(s);
}
