#include "sync/doctor_findings.h"

#include "base/clock.h"
#include "sync/doctor_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LICENCE_DAYS = 30, SKEW_S = 60, SLOW_MS = 5000, SHORT_TOKEN = 20 };

static const char *const step_names[DOCTOR_STEPS] = {
	[DOCTOR_ADDRESS] = "address", [DOCTOR_NAME] = "name",   [DOCTOR_ALLOWED] = "allowed",
	[DOCTOR_CONNECTION] = "tcp",  [DOCTOR_TLS] = "tls",     [DOCTOR_FLEET] = "fleet",
	[DOCTOR_TOKEN] = "token",     [DOCTOR_ROLE] = "role",   [DOCTOR_LICENCE] = "licence",
	[DOCTOR_CLOCK] = "clock",     [DOCTOR_HOSTS] = "hosts", [DOCTOR_CURSOR] = "cursor",
	[DOCTOR_LATENCY] = "latency",
};

const char *doctor_step_name(enum doctor_step s)
{
	return step_names[s];
}

const char *doctor_verdict_name(enum doctor_verdict v)
{
	static const char *const names[] = { "skipped", "ok", "warning", "failed" };
	return names[v];
}

void doctor_see(struct doctor_finding *f, enum doctor_step s, enum doctor_verdict v, const char *fmt, ...)
{
	va_list ap;
	*f = (struct doctor_finding){ .step = s, .verdict = v };
	va_start(ap, fmt);
	vsnprintf(f->saw, sizeof(f->saw), fmt, ap);
	va_end(ap);
}

void doctor_advise(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->remedy, sizeof(f->remedy), fmt, ap);
	va_end(ap);
}

void doctor_see_error(struct doctor_finding *f, enum doctor_step s, enum doctor_verdict v,
		      const struct err *e)
{
	doctor_see(f, s, v, "%s", e->text[0] ? e->text : err_meaning(e->code));
	char *cut = strstr(f->saw, "; ");
	if (!cut)
		return;
	*cut = '\0';
	doctor_advise(f, "%.*s", (int)sizeof(f->remedy) - 1, cut + 2);
}

long doctor_days(int64_t t, int64_t now)
{
	return (long)((t - now) / (24 * 3600));
}

void doctor_skip(struct doctor_finding *f, enum doctor_step s, enum doctor_step needed)
{
	doctor_see(f, s, DOCTOR_SKIPPED, "needs the step \"%s\"", step_names[needed]);
}

void doctor_skip_for_proxy(struct doctor_finding *f, enum doctor_step s)
{
	doctor_see(f, s, DOCTOR_SKIPPED, "the proxy does it, where it cannot be seen");
}

void doctor_see_address(struct doctor_finding *f, const struct conf_tenant *t, int rc, const struct err *e)
{
	if (rc != OK) {
		doctor_see_error(f, DOCTOR_ADDRESS, DOCTOR_FAILED, e);
		if (!f->remedy[0])
			doctor_advise(f, "correct the setting and reload");
	} else if (strncmp(t->url, "https://", 8) != 0) {
		doctor_see(f, DOCTOR_ADDRESS, DOCTOR_WARNING,
			   "%s is plain http: the token and all devices travel where others may read them",
			   t->url);
		doctor_advise(f, "let the server speak TLS and write https:// in url");
	} else {
		doctor_see(f, DOCTOR_ADDRESS, DOCTOR_OK, "%s%s", t->url, t->proxy ? ", through a proxy" : "");
	}
}

/* ---- who is there ---- */

static void advise_on_answer(struct doctor_finding *f, int rc)
{
	switch (rc) {
	case E_TIMEOUT:
	case E_DEADLINE:
		doctor_advise(f, "the connection stands but no answer came in time: look at the load of the "
				 "server and "
				 "its database, and at the time limits of a proxy in front of it");
		return;
	case E_CONNECT:
	case E_TRUNCATED:
		doctor_advise(
			f, "the connection was lost: look at the log of the server, or of the proxy in front "
			   "of it");
		return;
	case E_NOT_FLEET:
		doctor_advise(
			f,
			"something else than Fleet's API answers there, such as a web site, a log-in page or "
			"another product: check url, its port and its path prefix");
		return;
	case E_THROTTLED:
		doctor_advise(f, "wait, and look at what limits the rate in front of the server");
		return;
	case E_SERVER:
		doctor_advise(f, "look at the log of the server");
		return;
	}
	if (!f->remedy[0])
		doctor_advise(f, "look at the log of the server, and of what stands in front of it");
}

static void see_failure(struct doctor_finding *f, enum doctor_step s, enum doctor_verdict v,
			const struct doctor_answer *a)
{
	doctor_see_error(f, s, v, a->err);
	if (a->wants_client && (a->rc == E_CONNECT || a->rc == E_TLS))
		doctor_advise(f,
			      "the server insists on a client's certificate: set client_cert and client_key");
	else
		advise_on_answer(f, a->rc);
}

void doctor_see_fleet(struct doctor_finding *f, const struct doctor_answer *a, const struct server_facts *s)
{
	if (a->rc == OK) {
		doctor_see(f, DOCTOR_FLEET, DOCTOR_OK, "Fleet %s, after %u ms", s->version,
			   a->http->total_ms);
	} else if ((a->rc == E_TOKEN || a->rc == E_FORBIDDEN) && a->from_fleet) {
		doctor_see(f, DOCTOR_FLEET, a->rc == E_TOKEN ? DOCTOR_OK : DOCTOR_WARNING,
			   "it refuses as Fleet does, without telling its version");
		if (a->rc == E_FORBIDDEN)
			doctor_advise(f, "let the user of this token call /api/v1/fleet/version");
	} else {
		see_failure(f, DOCTOR_FLEET, DOCTOR_FAILED, a);
	}
}

/* ---- the token ---- */

/* What people paste beside a token, or in its place; NULL: nothing odd. */
static const char *odd_token(const struct conf_tenant *t)
{
	const char *s = t->token;
	size_t n = s ? strlen(s) : 0;
	if (n == 0)
		return "it is empty";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ')
			return "it has white space in it";
	if (strncasecmp(s, "bearer", 6) == 0)
		return "it begins with the word \"Bearer\", which is no part of it";
	if (strchr("\"'`", s[0]) || strchr("\"'`", s[n - 1]))
		return "it stands in quotes, which are no part of it";
	if (s[0] == '$' || s[0] == '<' || s[0] == '{')
		return "it looks like a placeholder that nothing was put in for";
	if (n < SHORT_TOKEN)
		return "it is shorter than Fleet's tokens, which have 88 characters";
	return NULL;
}

static void see_refused_token(struct doctor_finding *f, const struct conf_tenant *t,
			      const struct doctor_answer *a)
{
	const char *odd = odd_token(t), *from = t->token_from;
	doctor_see_error(f, DOCTOR_TOKEN, DOCTOR_FAILED, a->err);
	size_t n = strlen(f->saw);
	snprintf(f->saw + n, sizeof(f->saw) - n, " (%zu characters%s%s)%s%s", t->token_bytes,
		 from ? ", of " : "", from ? from : "", odd ? "; " : "", odd ? odd : "");
	if (strstr(a->err->text, "the token was refused"))
		doctor_advise(
			f,
			"the token is wrong, expired or revoked: make an API-only user with the global role "
			"observer, and put its token in place of this one");
}

void doctor_see_token(struct doctor_finding *f, const struct conf_tenant *t, const struct doctor_answer *a,
		      const struct server_facts *s)
{
	if (a->rc == E_TOKEN) {
		see_refused_token(f, t, a);
	} else if (a->rc != OK && !a->allowlist) {
		see_failure(f, DOCTOR_TOKEN, DOCTOR_FAILED, a);
	} else if (a->rc == OK && s->session_token) {
		doctor_see(f, DOCTOR_TOKEN, DOCTOR_WARNING,
			   "accepted, but it is an ordinary user's session, which expires");
		doctor_advise(
			f,
			"make an API-only user, whose token does not expire, and put its token in place of "
			"this "
			"one");
	} else {
		doctor_see(f, DOCTOR_TOKEN, DOCTOR_OK, "accepted%s",
			   a->rc == OK ? ", of an API-only user"
				       : ", of an API-only user with a list of endpoints");
	}
}

void doctor_see_role(struct doctor_finding *f, const struct server_facts *s)
{
	struct err e = { 0 };
	if (s->scope == SCOPE_UNKNOWN) {
		doctor_see(f, DOCTOR_ROLE, DOCTOR_WARNING,
			   "unknown, because the token may not call /me; no device will be deleted");
		doctor_advise(f, "add /api/v1/fleet/me to the user's list of endpoints");
	} else if (server_check_role(s, &e) != OK) {
		doctor_see_error(f, DOCTOR_ROLE, DOCTOR_FAILED, &e);
	} else if (s->scope == SCOPE_TEAMS) {
		doctor_see(f, DOCTOR_ROLE, DOCTOR_WARNING,
			   "only the hosts of these teams are seen: %s; those of other teams and of none are "
			   "not",
			   s->teams);
		doctor_advise(
			f, "if all hosts are wanted, give the user of this token the global role observer");
	} else {
		bool least = strncmp(s->role, "observer", 8) == 0;
		doctor_see(f, DOCTOR_ROLE, DOCTOR_OK, "global %s, sees all hosts%s", s->role,
			   least ? "" : "; the role observer would be enough to read");
	}
}

/* ---- the server ---- */

void doctor_see_licence(struct doctor_finding *f, const struct doctor_answer *a, const struct server_facts *s,
			int64_t expires, int64_t now)
{
	char when[CLOCK_RFC3339_BYTES];
	if (a->rc == E_FORBIDDEN) {
		doctor_see(f, DOCTOR_LICENCE, DOCTOR_WARNING,
			   "unknown and taken for free, because the token may not call /config");
		doctor_advise(f, "let the user of this token call /api/v1/fleet/config");
		return;
	}
	if (a->rc != OK) {
		see_failure(f, DOCTOR_LICENCE, DOCTOR_FAILED, a);
		return;
	}
	if (!s->tier[0]) {
		doctor_see(f, DOCTOR_LICENCE, DOCTOR_OK, "not told, taken for free");
		return;
	}
	if (!s->premium || expires <= 0) {
		doctor_see(f, DOCTOR_LICENCE, DOCTOR_OK, "%s", s->tier);
		return;
	}
	long days = doctor_days(expires, now);
	clock_format_rfc3339(expires, when);
	doctor_see(f, DOCTOR_LICENCE, days < LICENCE_DAYS ? DOCTOR_WARNING : DOCTOR_OK, "%s, %s %s", s->tier,
		   expires < now ? "expired on" : "until", when);
	if (days < LICENCE_DAYS)
		doctor_advise(f, "the owner of the Fleet server has to renew its licence");
}

void doctor_see_clock(struct doctor_finding *f, int64_t server_date, int64_t now)
{
	int64_t skew = server_date - now;
	if (!server_date) {
		doctor_see(f, DOCTOR_CLOCK, DOCTOR_SKIPPED, "the server's answers tell no time");
		return;
	}
	doctor_see(f, DOCTOR_CLOCK, llabs(skew) > SKEW_S ? DOCTOR_WARNING : DOCTOR_OK,
		   "the server's clock is %lld s %s this machine's", llabs(skew),
		   skew < 0 ? "behind" : "ahead of");
	if (f->verdict == DOCTOR_WARNING)
		doctor_advise(
			f, "let both machines take their time from a time server; until then devices may be "
			   "shown "
			   "as stale or online that are not");
}

/* ---- the hosts ---- */

static void see_no_hosts(struct doctor_finding *f, const struct server_facts *s)
{
	if (s->scope == SCOPE_TEAMS) {
		doctor_see(f, DOCTOR_HOSTS, DOCTOR_FAILED, "no hosts in the teams that the token sees: %s",
			   s->teams);
		doctor_advise(f,
			      "move hosts into these teams, or give the user of this token the global role "
			      "observer");
		return;
	}
	doctor_see(f, DOCTOR_HOSTS, DOCTOR_FAILED, "no hosts: the server answers well and has none to show");
	doctor_advise(
		f, "look in Fleet's own web interface: if it shows hosts, this is another server or another "
		   "instance; otherwise enroll a device first");
}

void doctor_see_hosts(struct doctor_finding *f, const struct doctor_answer *a, const struct server_facts *s,
		      int64_t count)
{
	if (a->rc != OK)
		see_failure(f, DOCTOR_HOSTS, DOCTOR_WARNING, a);
	else if (count == 0)
		see_no_hosts(f, s);
	else
		doctor_see(f, DOCTOR_HOSTS, DOCTOR_OK, "%lld, counted in %u ms", (long long)count,
			   a->http->total_ms);
}

void doctor_see_cursor(struct doctor_finding *f, const struct doctor_answer *a, enum list_order order,
		       uint64_t after)
{
	if (a->rc == E_ORDER && after) {
		doctor_see(f, DOCTOR_CURSOR, DOCTOR_FAILED,
			   "the page after host %llu began again with an earlier one",
			   (unsigned long long)after);
		doctor_advise(
			f, "something between takes the parameter \"after\" away, or answers from a cache: "
			   "let requests "
			   "of the host list through as they are");
	} else if (a->rc != OK) {
		see_failure(f, DOCTOR_CURSOR, DOCTOR_FAILED, a);
	} else if (order == LIST_BY_PAGE) {
		doctor_see(f, DOCTOR_CURSOR, DOCTOR_WARNING,
			   "the server refuses the cursor in both spellings; its pages are counted, and "
			   "deletions "
			   "need two "
			   "complete walks");
		doctor_advise(
			f,
			"ask again in some minutes, since a server in trouble refuses it too; if it stays, "
			"update "
			"Fleet");
	} else {
		doctor_see(f, DOCTOR_CURSOR, DOCTOR_OK, "order_key=%s with after works%s",
			   list_order_key(order), after ? "" : ", as far as there are hosts to try it with");
	}
}

void doctor_see_latency(struct doctor_finding *f, const struct doctor_answer *a, uint32_t hosts, bool refused)
{
	const struct http_result *h = a->http;
	if (a->rc != OK) {
		see_failure(f, DOCTOR_LATENCY, DOCTOR_FAILED, a);
		return;
	}
	doctor_see(f, DOCTOR_LATENCY, refused || h->total_ms > SLOW_MS ? DOCTOR_WARNING : DOCTOR_OK,
		   "a page of %u hosts in %u ms (first byte after %u ms), %llu bytes%s", hosts, h->total_ms,
		   h->first_byte_ms, (unsigned long long)h->body_bytes,
		   refused ? ", without owners and policies, since the server refuses these parameters" : "");
	if (h->total_ms > SLOW_MS)
		doctor_advise(
			f, "the server is slow: look at its database; pages will be made smaller meanwhile");
	else if (refused)
		doctor_advise(f, "look at what refuses them in front of the server, or update Fleet");
}
