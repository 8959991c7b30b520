#include "api.h"

#include "grab.h"
#include "list.h"
#include "meta.h"
#include "render.h"
#include "replay.h"

#include <ctype.h>
#include <string.h>

static bool all_digits(const char *s, const char *end)
{
	if (s == end)
		return false;
	while (s < end)
		if (!isdigit((unsigned char)*s++))
			return false;
	return true;
}

enum endpoint api_endpoint(const struct tenant *t, const char *path, const char **rest)
{
	static const struct {
		const char *prefix;
		bool first; /* the alias of the first version knows fewer names */
	} prefixes[] = { { "/api/v1/fleet/", true },
			 { "/api/latest/fleet/", false },
			 { "/api/2022-04/fleet/", false } };
	static const struct {
		const char *path;
		enum endpoint ep;
	} fixed[] = { { "hosts", EP_LIST },
		      { "hosts/count", EP_COUNT },
		      { "host_summary", EP_SUMMARY },
		      { "version", EP_VERSION },
		      { "me", EP_ME },
		      { "config", EP_CONFIG },
		      { "teams", EP_TEAMS },
		      { "global/policies", EP_POLICIES },
		      { "labels", EP_LABELS } };
	bool first = false;
	*rest = NULL;
	for (size_t i = 0; i < 3 && !*rest; i++)
		if (!strncmp(path, prefixes[i].prefix, strlen(prefixes[i].prefix))) {
			*rest = path + strlen(prefixes[i].prefix);
			first = prefixes[i].first;
		}
	if (!*rest)
		return EP_OTHER;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!strcmp(*rest, fixed[i].path))
			return fixed[i].ep;
	if (!strcmp(*rest, "policies") && !first)
		return EP_POLICIES;
	if (!strcmp(*rest, "fleets") && version_has_fleets(&t->version))
		return EP_TEAMS;
	if (strncmp(*rest, "hosts/", 6) != 0)
		return EP_OTHER;
	const char *id = *rest + 6, *end = id + strcspn(id, "/");
	if (!all_digits(id, end))
		return EP_OTHER;
	*rest = id;
	return !*end ? EP_DETAIL : !strcmp(end, "/device_mapping") ? EP_MAPPING : EP_OTHER;
}

static bool authenticated(const struct tenant *t, const struct request *r, struct reply *reply)
{
	const char *given = request_param(r, "token");
	if (r->authorization) {
		const char *space = strchr(r->authorization, ' ');
		if (space && !strchr(space + 1, ' ') && space - r->authorization == 6 &&
		    !strncasecmp(r->authorization, "bearer", 6))
			given = space + 1;
	}
	if (given && !strcmp(given, t->token))
		return true;
	const char *text = given ? "Authentication required" : "Authorization header required";
	reply_error(reply, 401, text, "base", text, true);
	return false;
}

static bool in_allowlist(const struct tenant *t, enum endpoint ep)
{
	char word[32], list[512];
	if (!t->endpoints || !version_at_least(&t->version, 4, 85))
		return true;
	snprintf(word, sizeof(word), "+%s+", endpoint_name(ep));
	snprintf(list, sizeof(list), "+%s+", t->endpoints);
	return strstr(list, word) != NULL;
}

static void forbidden(struct reply *reply)
{
	reply_error(reply, 403, "forbidden", "base", "forbidden", false);
}

static bool may_read_hosts(const struct tenant *t)
{
	return strcmp(t->role, "gitops") != 0 && strcmp(t->role, "none") != 0;
}

static void not_found(struct reply *reply, const char *id)
{
	char reason[80];
	snprintf(reason, sizeof(reason), "Host %.20s was not found in the datastore", id);
	reply_error(reply, 404, "Resource Not Found", "base", reason, false);
}

static bool lookup(struct tenant *t, const char *rest, struct sim_host **h, struct reply *reply)
{
	char id[24];
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(rest, "/"), rest);
	*h = fleet_find(t, strtoull(id, NULL, 10));
	if (!*h) {
		not_found(reply, id);
		return false;
	}
	if (!fleet_visible(t, *h)) {
		forbidden(reply);
		return false;
	}
	return true;
}

static void pad(struct buf *b, struct jout *o, int64_t n)
{
	jout_key(o, "x_long");
	buf_putc(b, '"');
	for (int64_t i = 0; i < n; i++)
		buf_putc(b, 'x');
	buf_putc(b, '"');
	o->after_key = false;
	o->after_value = true;
}

static void detail_answer(struct tenant *t, const char *rest, const struct request *r, const struct effect *e,
			  struct reply *reply)
{
	struct sim_host *h;
	if (t->replay && replay_detail(t->replay, strtoull(rest, NULL, 10), reply))
		return;
	if (!lookup(t, rest, &h, reply))
		return;
	const char *exclude = request_param(r, "exclude_software");
	bool lean = exclude && (*exclude == '1' || tolower((unsigned char)*exclude) == 't') &&
		    version_at_least(&t->version, 4, 52);
	struct jout o;
	reply_json(reply, &o);
	jout_key(&o, "host");
	render_host(&o, t, h, RENDER_DETAIL | (lean ? 0 : RENDER_SOFTWARE) | (e->nulls ? RENDER_NULLS : 0));
	if (e->long_string_bytes > 0)
		pad(&reply->body, &o, e->long_string_bytes);
	reply_json_end(reply, &o);
}

static void mapping_answer(struct tenant *t, const char *rest, struct reply *reply)
{
	struct sim_host *h;
	if (!lookup(t, rest, &h, reply))
		return;
	struct facts f;
	facts_make(&f, t, h);
	struct jout o;
	reply_json(reply, &o);
	if (version_at_least(&t->version, 4, 42))
		jout_ki(&o, "host_id", (int64_t)h->id);
	jout_key(&o, "device_mapping");
	render_mapping(&o, &f);
	reply_json_end(reply, &o);
}

static void hosts_answer(struct tenant *t, enum endpoint ep, const char *rest, const struct request *r,
			 struct effect *e, struct reply *reply)
{
	if (!may_read_hosts(t)) {
		forbidden(reply);
		return;
	}
	switch (ep) {
	case EP_LIST:
		list_answer(t, r, e, reply);
		break;
	case EP_DETAIL:
		detail_answer(t, rest, r, e, reply);
		break;
	case EP_MAPPING:
		mapping_answer(t, rest, reply);
		break;
	default:
		count_answer(t, r, reply);
	}
}

static void route(struct tenant *t, enum endpoint ep, const char *rest, const struct request *r,
		  struct effect *e, struct reply *reply)
{
	if (ep == EP_OTHER || strcmp(r->method, "GET") != 0) {
		reply->status = ep == EP_OTHER ? 404 : 405;
		reply->type = "text/plain; charset=utf-8";
		buf_puts(&reply->body, ep == EP_OTHER ? "404 page not found\n" : "");
		return;
	}
	if (!authenticated(t, r, reply))
		return;
	if (!in_allowlist(t, ep)) {
		reply_error(reply, 403, "Permission Denied", NULL, NULL, false);
		return;
	}
	if (ep == EP_LIST || ep == EP_DETAIL || ep == EP_MAPPING || ep == EP_COUNT)
		hosts_answer(t, ep, rest, r, e, reply);
	else
		meta_answer(t, ep, reply);
}

void api_answer(struct tenant *t, enum endpoint ep, const char *rest, const struct request *r,
		struct effect *e, struct reply *reply)
{
	if (!effect_answer(e, reply)) {
		pthread_mutex_lock(&t->lock);
		route(t, ep, rest, r, e, reply);
		pthread_mutex_unlock(&t->lock);
	}
	struct mishap made = reply->mishap;
	reply->mishap = e->mishap;
	if (made.cut_bytes >= 0)
		reply->mishap.cut_bytes = made.cut_bytes;
}
