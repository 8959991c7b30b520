/* The metrics of each tenant. */
#include "daemon/metrics_state.h"
#include "model/derive.h"

static bool has(const struct tenant *t, unsigned kind)
{
	switch (kind) {
	case TENANT_STALE:
	case TENANT_COMPLIANCE:
	case TENANT_ENCRYPTION:
	case TENANT_MDM:
		return t->counted;
	case TENANT_CERTIFICATE:
		return t->last.certificate_expires != 0;
	default:
		return true;
	}
}

/* Numbers are given in the order of addition, which is that of the walk. */
uint64_t metrics_next_tenant(const struct exposition_row *row, void *arg, uint64_t after)
{
	struct metrics_scrape *scrape = arg;
	struct tenants *all = scrape->m->s->tenants;
	struct tenant *t = scrape->at;
	if (!t || t->seen.number != after)
		t = NULL;
	do
		t = tenants_next(all, t);
	while (t && (t->seen.number <= after || !has(t, row->kind)));
	scrape->at = t;
	return t ? t->seen.number : 0;
}

static double value_of(const struct tenant *t, unsigned kind)
{
	const struct tenant_seen *seen = &t->seen;
	switch (kind) {
	case TENANT_UP:
		return seen->up;
	case TENANT_ATTEMPT_AT:
		return (double)seen->attempt_at;
	case TENANT_SUCCESS_AT:
		return (double)seen->ok_at;
	case TENANT_TOOK:
		return seen->took_s;
	case TENANT_STALE:
		return (double)t->summary.stale;
	case TENANT_MISSING:
		return (double)seen->missing;
	case TENANT_HELD:
		return (double)seen->held;
	case TENANT_CHANGES:
		return (double)(seen->seq - seen->seq_first);
	case TENANT_ERRORS:
		return (double)seen->errors;
	case TENANT_RETRIES:
		return (double)t->totals.retries;
	case TENANT_RECEIVED:
		return (double)seen->received;
	case TENANT_CERTIFICATE:
		return (double)t->last.certificate_expires;
	default:
		return 0;
	}
}

static void write_state(const struct exposition_row *row, const struct tenant *t, struct buf *b)
{
	const struct schedule *s = &t->schedule;
	const char *breaker = s->state == SCHEDULE_PROBING ? "half_open"
			      : !schedule_breaker_open(s)  ? "closed"
			      : t->sync                    ? "half_open"
							   : "open";
	struct exposition_label labels[] = { { "tenant", t->name },
					     { "state", schedule_state_name(s->state) },
					     { "breaker", breaker } };
	exposition_count(b, row->name, labels, 3, 1);
}

struct part {
	const char *label;
	uint64_t count;
};

static void write_parts(const struct exposition_row *row, const struct tenant *t, const char *label,
			const struct part *parts, size_t n, struct buf *b)
{
	for (size_t i = 0; i < n; i++) {
		struct exposition_label labels[] = { { "tenant", t->name }, { label, parts[i].label } };
		exposition_count(b, row->name, labels, 2, parts[i].count);
	}
}

static void write_syncs(const struct exposition_row *row, const struct tenant *t, struct buf *b)
{
	struct part parts[] = { { "ok", t->totals.syncs_ok }, { "failed", t->totals.syncs_failed } };
	write_parts(row, t, "result", parts, 2, b);
}

static void write_group(const struct exposition_row *row, const struct tenant *t, enum summary_group g,
			struct buf *b)
{
	struct part parts[SUMMARY_STATES_MAX];
	size_t n = 0;
	for (; summary_state_name(g, n); n++)
		parts[n] = (struct part){ summary_state_name(g, n), t->summary.states[g][n] };
	write_parts(row, t, "state", parts, n, b);
}

static void write_encryption(const struct exposition_row *row, const struct tenant *t, struct buf *b)
{
	const uint64_t *n = t->summary.states[SUMMARY_ENCRYPTION];
	struct part parts[] = {
		{ "on", n[ENCRYPTION_ON] },
		{ "off", n[ENCRYPTION_OFF] },
		{ "changing", n[ENCRYPTION_ENFORCING] + n[ENCRYPTION_REMOVING] },
		{ "trouble", n[ENCRYPTION_FAILED] + n[ENCRYPTION_ACTION_REQUIRED] },
		{ "unknown", n[ENCRYPTION_UNKNOWN] },
	};
	write_parts(row, t, "state", parts, sizeof(parts) / sizeof(*parts), b);
}

void metrics_write_tenant(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	const struct metrics_scrape *scrape = arg;
	const struct tenant *t = scrape->at;
	struct exposition_label label = { "tenant", t->name };
	(void)part; /* metrics_next_tenant() has just gone there */
	switch (row->kind) {
	case TENANT_STATE:
		write_state(row, t, b);
		break;
	case TENANT_SYNCS:
		write_syncs(row, t, b);
		break;
	case TENANT_COMPLIANCE:
		write_group(row, t, SUMMARY_COMPLIANCE, b);
		break;
	case TENANT_ENCRYPTION:
		write_encryption(row, t, b);
		break;
	case TENANT_MDM:
		write_group(row, t, SUMMARY_MDM, b);
		break;
	default:
		exposition_sample(b, row->name, &label, 1, value_of(t, row->kind));
		break;
	}
}
