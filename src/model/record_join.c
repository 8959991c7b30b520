#include "model/record.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/record_token.h"

/* A device counts as online for this long after it was seen. */
enum { ONLINE_S = 15 * 60 };

static void time_member(struct buf *out, const char *key, size_t n, int64_t unix_s)
{
	char text[CLOCK_RFC3339_BYTES];
	json_key(out, key, n);
	if (unix_s == HOST_NEVER) {
		json_null(out);
		return;
	}
	clock_format_rfc3339(unix_s, text);
	json_text(out, (struct slice){ text, CLOCK_RFC3339_BYTES - 1 });
}

static void number_member(struct buf *out, const char *key, size_t n, int64_t v)
{
	json_key(out, key, n);
	if (v == HOST_NO_INT)
		json_null(out);
	else
		json_int(out, v);
}

static void text_member(struct buf *out, const char *key, size_t n, const char *v)
{
	json_key(out, key, n);
	json_text(out, *v ? slice_of(v) : SLICE_NONE);
}

#define KEY(lit) "" lit, sizeof(lit) - 1

static void write_volatile(struct buf *out, const struct record_volatile *v)
{
	json_k(out, "volatile");
	json_open(out, '{');
	time_member(out, KEY("last_seen"), v->last_seen);
	time_member(out, KEY("restarted"), v->restarted);
	time_member(out, KEY("detail_updated"), v->detail_updated);
	time_member(out, KEY("policy_updated"), v->policy_updated);
	time_member(out, KEY("software_updated"), v->software_updated);
	time_member(out, KEY("evaluated_at"), v->evaluated_at);
	number_member(out, KEY("uptime_s"), v->uptime_s);
	number_member(out, KEY("disk_available_bytes"), v->disk_available_bytes);
	text_member(out, KEY("primary_ip"), v->primary_ip);
	text_member(out, KEY("primary_mac"), v->primary_mac);
	text_member(out, KEY("public_ip"), v->public_ip);
	json_close(out, '}');
}

/* These have no agent that keeps in touch. */
static bool is_agentless(struct slice stable)
{
	struct record_tokens t;
	if (record_split(&t, stable))
		return false;
	struct slice family = record_word(WORDS_OS_FAMILY, t.at[TOKEN_OS_FAMILY]);
	return slice_is(family, "ios") || slice_is(family, "ipados") || slice_is(family, "android");
}

static void truth_member(struct buf *out, const char *key, size_t n, bool known, bool v)
{
	json_key(out, key, n);
	if (known)
		json_bool(out, v);
	else
		json_null(out);
}

int record_join(struct buf *out, const char *tenant, uint64_t id, struct slice stable, const void *packed,
		size_t packed_n, const struct record_now *now)
{
	struct record_volatile v;
	size_t begun = out->len;
	int rc = record_unpack_volatile(&v, packed, packed_n);
	if (!rc)
		rc = record_expand(out, tenant, id, stable);
	if (rc)
		return rc;
	out->len--; /* open again */
	write_volatile(out, &v);
	truth_member(out, KEY("stale"), now->stale_after_s > 0 && v.evaluated_at != HOST_NEVER,
		     now->now - v.evaluated_at > now->stale_after_s);
	truth_member(out, KEY("online"), v.last_seen != HOST_NEVER && !is_agentless(stable),
		     now->now - v.last_seen <= ONLINE_S);
	json_close(out, '}');
	if (out->failed)
		out->len = begun;
	return out->failed;
}
