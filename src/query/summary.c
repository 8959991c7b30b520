#include "query/summary.h"

#include "base/json.h"
#include "model/derive.h"
#include "model/record.h"
#include "query/tenant_json.h"
#include "query/value.h"

enum { RECORD_CEILING = 16 << 20 };

static const char *compliance_name(size_t i)
{
	return compliance_state_name((enum compliance_state)i);
}

static const char *encryption_name(size_t i)
{
	return encryption_state_name((enum encryption_state)i);
}

static const char *enrollment_name(size_t i)
{
	return mdm_enrollment_name((enum mdm_enrollment)i);
}

static const struct {
	const char *member, *path; /* in the summary; in the record */
	size_t states;
	const char *(*name)(size_t i);
} groups[SUMMARY_GROUPS] = {
	[SUMMARY_COMPLIANCE] = { "compliance", "compliance.state", COMPLIANCE_NOT_EVALUATED + 1,
				 compliance_name },
	[SUMMARY_ENCRYPTION] = { "encryption", "disk.encryption.state", ENCRYPTION_REMOVING + 1,
				 encryption_name },
	[SUMMARY_MDM] = { "mdm", "mdm.enrollment", MDM_OFF + 1, enrollment_name },
};

const char *summary_group_name(enum summary_group g)
{
	return groups[g].member;
}

const char *summary_state_name(enum summary_group g, size_t i)
{
	return i < groups[g].states ? groups[g].name(i) : NULL;
}

void summary_count(struct summary *s, struct slice record)
{
	struct value_members members;
	value_members(&members, record);
	s->devices++;
	s->stale += value_true(value_pick(&members, "stale"));
	s->online += value_true(value_pick(&members, "online"));
	for (size_t g = 0; g < SUMMARY_GROUPS; g++) {
		struct slice v = value_pick(&members, groups[g].path);
		struct slice word = v.n >= 2 ? (struct slice){ v.p + 1, v.n - 2 } : SLICE_NONE;
		for (size_t i = 0; i < groups[g].states; i++)
			if (slice_is(word, groups[g].name(i)))
				s->states[g][i]++;
	}
}

struct counting {
	struct summary *summary;
	const struct tenant_row *row;
	struct record_now now;
	const atomic_bool *stop;
	struct buf record;
};

static int count_one(void *arg, const struct store_device *d)
{
	struct counting *c = arg;
	buf_reset(&c->record);
	int rc = record_join(&c->record, c->row->name, d->id, d->stable, d->packed.p, d->packed.n, &c->now);
	if (rc)
		return rc;
	summary_count(c->summary, buf_slice(&c->record));
	return c->stop && atomic_load(c->stop) ? E_CANCELLED : OK;
}

int summary_of_tenant(struct summary *out, struct store *s, const struct tenant_row *row, int64_t now,
		      const atomic_bool *stop)
{
	struct counting c = { .summary = out, .row = row, .stop = stop };
	c.now = (struct record_now){ now, row->stale_after_s ? row->stale_after_s : STALE_AFTER_STANDARD_S };
	*out = (struct summary){ .missing = row->missing, .held = row->hold ? row->hold_count : 0 };
	buf_init(&c.record, RECORD_CEILING);
	int rc = store_devices(s, row->number, 0, count_one, &c);
	buf_release(&c.record);
	return rc;
}

void summary_add(struct summary *sum, const struct summary *s)
{
	sum->devices += s->devices;
	sum->stale += s->stale;
	sum->online += s->online;
	sum->missing += s->missing;
	sum->held += s->held;
	for (size_t g = 0; g < SUMMARY_GROUPS; g++)
		for (size_t i = 0; i < SUMMARY_STATES_MAX; i++)
			sum->states[g][i] += s->states[g][i];
}

static void number(struct buf *out, const char *key, uint64_t v)
{
	json_key(out, key, strlen(key));
	json_int(out, (int64_t)v);
}

void summary_json(struct buf *out, const struct summary *s, const struct tenant_row *row)
{
	json_open(out, '{');
	json_k(out, "tenant");
	json_text(out, row ? slice_of(row->name) : SLICE("(all)"));
	number(out, "devices", s->devices);
	for (size_t g = 0; g < SUMMARY_GROUPS; g++) {
		json_key(out, groups[g].member, strlen(groups[g].member));
		json_open(out, '{');
		for (size_t i = 0; i < groups[g].states; i++)
			number(out, groups[g].name(i), s->states[g][i]);
		json_close(out, '}');
	}
	number(out, "stale", s->stale);
	number(out, "online", s->online);
	number(out, "missing", s->missing);
	number(out, "held", s->held);
	if (row) {
		tenant_json_hold(out, row);
		tenant_json_sync(out, row);
	}
	json_close(out, '}');
}
