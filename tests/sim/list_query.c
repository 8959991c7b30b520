#include "list_query.h"

#include "grab.h"
#include "render.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { ALL_ROWS = 1000000, DEFAULT_PAGE = 20 };

static bool bad_request(struct reply *reply, const char *reason)
{
	reply_error(reply, 400, "Bad request", "base", reason, true);
	return false;
}

static bool bad_value(struct reply *reply, const char *what, const char *value)
{
	char text[600];
	snprintf(text, sizeof(text), "%s: %.400s", what, value);
	return bad_request(reply, text);
}

static bool whole_number(const char *s, int64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoll(s, &end, 10);
	return !*end && !errno && !isspace((unsigned char)*s);
}

static bool parse_paging(struct list_query *q, const struct request *r, struct reply *reply)
{
	const char *page = request_param(r, "page"), *per_page = request_param(r, "per_page");
	int64_t n;
	if (page) {
		if (!whole_number(page, &n))
			return bad_request(reply, "non-int page value");
		if (n < 0)
			return bad_request(reply, "negative page value");
		q->page = (uint64_t)n;
		q->has_page = true;
	}
	q->per_page = page ? DEFAULT_PAGE : ALL_ROWS;
	if (per_page) {
		if (!whole_number(per_page, &n))
			return bad_request(reply, "non-int per_page value");
		if (n <= 0)
			return bad_request(reply, "invalid per_page value");
		q->per_page = (uint64_t)n;
	}
	return true;
}

static bool validation(struct reply *reply, const char *name, const char *reason)
{
	reply_error(reply, 422, "Validation Failed", name, reason, false);
	return false;
}

/* Raw database text is hidden since 4.93. */
static bool sql_error(const struct tenant *t, struct reply *reply, const char *text)
{
	return validation(reply, "base",
			  version_at_least(&t->version, 4, 93) ? "The request could not be processed."
							       : text);
}

static const char allowed_keys[] =
	" id hostname computer_name display_name uuid platform os_version osquery_version hardware_vendor "
	"hardware_model "
	"hardware_serial cpu_type memory primary_ip primary_mac public_ip team_name seen_time created_at "
	"updated_at "
	"detail_updated_at label_updated_at policy_updated_at software_updated_at last_enrolled_at "
	"last_restarted_at issues "
	"agent gigs_disk_space_available percent_disk_space_available gigs_total_disk_space timezone ";

static bool is_allowed(const char *key)
{
	char padded[128];
	int n = snprintf(padded, sizeof(padded), " %s ", key);
	return n < (int)sizeof(padded) && !strchr(key, ' ') && strstr(allowed_keys, padded);
}

static enum list_order order_of(const char *key)
{
	const char *column = strncmp(key, "h.", 2) ? key : key + 2;
	if (!strcmp(column, "created_at"))
		return ORDER_CREATED;
	if (!strcmp(column, "seen_time"))
		return ORDER_SEEN;
	if (!strcmp(column, "hostname"))
		return ORDER_HOSTNAME;
	return ORDER_ID;
}

/* Before the allowlist the name goes into WHERE as it is, and several joined
 * tables have these columns. */
static bool old_cursor(const struct tenant *t, const char *key, struct reply *reply)
{
	static const char *const ambiguous[] = { "id", "created_at", "updated_at" };
	char text[160];
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(key, ambiguous[i]) != 0)
			continue;
		snprintf(text, sizeof(text), "Error 1052 (23000): Column '%s' in where clause is ambiguous",
			 key);
		return sql_error(t, reply, text);
	}
	return true;
}

static bool parse_order(struct list_query *q, const struct tenant *t, const struct request *r,
			struct reply *reply)
{
	const char *key = request_param(r, "order_key"), *direction = request_param(r, "order_direction");
	q->after = request_param(r, "after");
	if (direction && !key)
		return bad_request(reply, "order_key must be specified with order_direction");
	if (direction && strcmp(direction, "asc") != 0 && strcmp(direction, "desc") != 0)
		return bad_value(reply, "unknown order_direction", direction);
	if (q->after && !key)
		return bad_request(reply, "order_key must be specified with after");
	q->descending = direction && !strcmp(direction, "desc");
	if (!key)
		return true;
	if (version_has_fleets(&t->version)) {
		char text[1200];
		if (!strcmp(key, "orbit_version") || !strcmp(key, "fleet_desktop_version"))
			return sql_error(t, reply, "Error 1054 (42S22): Unknown column in 'order clause'");
		snprintf(text, sizeof(text), "invalid order_key: %.100s allowed values are: [%s]", key,
			 allowed_keys + 1);
		if (!is_allowed(key))
			return validation(reply, "order_key", text);
	} else if (q->after && !old_cursor(t, key, reply)) {
		return false;
	}
	q->order = order_of(key);
	q->after_id = q->after ? strtoull(q->after, NULL, 10) : 0;
	return true;
}

static bool parse_bool(const struct request *r, const char *name, bool *out, struct reply *reply)
{
	static const char yes[] = " 1 t T TRUE true True ", no[] = " 0 f F FALSE false False ";
	const char *value = request_param(r, name);
	char padded[32], what[64];
	*out = false;
	if (!value)
		return true;
	snprintf(padded, sizeof(padded), " %s ", value);
	if (!strchr(value, ' ') && strstr(yes, padded)) {
		*out = true;
		return true;
	}
	if (!strchr(value, ' ') && strstr(no, padded))
		return true;
	snprintf(what, sizeof(what), "Invalid %s", name);
	return bad_value(reply, what, value);
}

struct extra {
	const char *name;
	unsigned minor; /* 4.x since when; older servers ignore it */
	unsigned flag;
};

static bool parse_extras(struct list_query *q, const struct tenant *t, const struct request *r,
			 struct reply *reply)
{
	static const struct extra extras[] = {
		{ "device_mapping", 15, RENDER_MAPPING },
		{ "populate_policies", 47, RENDER_POLICIES },
		{ "include_device_status", 80, RENDER_DEVICE_STATUS },
		{ "disable_failing_policies", 6, RENDER_NO_ISSUES },
		{ "disable_issues", 53, RENDER_NO_ISSUES },
	};
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		bool on;
		if (!version_at_least(&t->version, 4, extras[i].minor))
			continue;
		if (!parse_bool(r, extras[i].name, &on, reply))
			return false;
		if (on)
			q->flags |= extras[i].flag;
	}
	const char *key = request_param(r, "order_key");
	if (q->flags & RENDER_NO_ISSUES && key && !strcmp(key, "issues"))
		return bad_request(reply,
				   "Invalid order_key (issues cannot be ordered when they are disabled)");
	return true;
}

static bool one_of(const char *value, const char *list)
{
	char padded[64];
	int n = snprintf(padded, sizeof(padded), " %s ", value);
	return n < (int)sizeof(padded) && strstr(list, padded);
}

static bool parse_team(struct list_query *q, const struct tenant *t, const struct request *r,
		       struct reply *reply)
{
	const char *team = request_param(r, "team_id");
	const char *fleet = version_has_fleets(&t->version) ? request_param(r, "fleet_id") : NULL;
	q->team = -1;
	if (team && fleet) {
		reply_error(reply, 400, "Bad request", "base",
			    "Conflicting field names: cannot specify both `team_id` and `fleet_id`", true);
		return false;
	}
	if (!team && !fleet)
		return true;
	if (!whole_number(team ? team : fleet, &q->team) || q->team < 0)
		return bad_value(reply, team ? "Invalid team_id" : "Invalid fleet_id", team ? team : fleet);
	if (q->team > (t->premium ? t->teams : 0))
		return bad_request(reply, "team is invalid");
	return true;
}

static bool parse_filters(struct list_query *q, const struct tenant *t, const struct request *r,
			  struct reply *reply)
{
	q->status = request_param(r, "status");
	q->search = request_param(r, "query");
	if (q->status && !one_of(q->status, " new online offline mia missing "))
		return bad_value(reply, "Invalid status", q->status);
	if (t->premium && version_at_least(&t->version, 4, 39))
		q->disk_encryption = request_param(r, "os_settings_disk_encryption");
	if (q->disk_encryption &&
	    !one_of(q->disk_encryption,
		    " verified verifying action_required enforcing failed removing_enforcement "))
		return bad_value(reply, "Invalid os_settings_disk_encryption", q->disk_encryption);
	/* without a team this filter means the hosts of no team */
	if (!parse_team(q, t, r, reply))
		return false;
	if (q->disk_encryption && q->team < 0)
		q->team = 0;
	return true;
}

bool list_query_parse(struct list_query *q, const struct tenant *t, const struct request *r,
		      struct reply *reply)
{
	*q = (struct list_query){ 0 };
	return parse_paging(q, r, reply) && parse_order(q, t, r, reply) && parse_filters(q, t, r, reply) &&
	       parse_extras(q, t, r, reply);
}

bool list_query_plain(const struct list_query *q, const struct tenant *t)
{
	return q->team < 0 && !q->disk_encryption && !q->status && !q->search && !t->scope.scoped;
}

bool list_query_matches(const struct list_query *q, const struct tenant *t, const struct sim_host *h)
{
	if (!fleet_visible(t, h) || (q->team >= 0 && fleet_team_of(t, h) != q->team))
		return false;
	if (!q->disk_encryption && !q->status && !q->search)
		return true;
	struct facts f;
	facts_make(&f, t, h);
	if (q->disk_encryption &&
	    (!f.disk_encryption_status || strcmp(f.disk_encryption_status, q->disk_encryption) != 0))
		return false;
	if (q->search && !strcasestr(f.hostname.s, q->search) && !strcasestr(f.computer_name.s, q->search) &&
	    !strcasestr(f.uuid, q->search) && !strcasestr(f.serial.s, q->search) &&
	    !strstr(f.primary_ip, q->search))
		return false;
	if (!q->status)
		return true;
	int64_t age_s = t->now_s - f.seen_s;
	if (!strcmp(q->status, "new"))
		return t->now_s - f.created_s < 86400;
	if (!strcmp(q->status, "online") || !strcmp(q->status, "offline"))
		return f.online == !strcmp(q->status, "online");
	return age_s > 30 * 86400;
}
