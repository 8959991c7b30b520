#include "model/derive_rules.h"

static const struct slice source_words[OWNER_SOURCES] = {
	[OWNER_CUSTOM] = SLICE("custom"),
	[OWNER_IDP] = SLICE("idp"),
	[OWNER_MDM_IDP_ACCOUNTS] = SLICE("mdm_idp_accounts"),
	[OWNER_GOOGLE_CHROME_PROFILES] = SLICE("google_chrome_profiles"),
};

const char *owner_source_name(enum owner_source v)
{
	return source_words[v].p;
}

int owner_source_parse(struct slice s)
{
	for (int i = 0; i < OWNER_SOURCES; i++)
		if (slice_eq(s, source_words[i]))
			return i;
	return -1;
}

/* Place in the tenant's precedence, best 0; sources that are not in it come
 * after all others and make no owner. */
static uint32_t rank_of(struct slice source, const struct derive_settings *s)
{
	int parsed = owner_source_parse(source);
	for (uint32_t i = 0; parsed >= 0 && i < s->owner_precedence_count; i++)
		if ((int)s->owner_precedence[i] == parsed)
			return i;
	return OWNER_SOURCES;
}

static int compare_bytes(struct slice a, struct slice b)
{
	int d = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int compare_candidates(const struct owner_candidate *a, const struct owner_candidate *b,
			      const struct derive_settings *s)
{
	uint32_t x = rank_of(a->source, s), y = rank_of(b->source, s);
	if (x != y)
		return x < y ? -1 : 1;
	int d = x == OWNER_SOURCES ? compare_bytes(a->source, b->source) : 0;
	return d ? d : text_compare_folded(a->email, b->email);
}

/* Keeps the candidates in order and the best DEVICE_MAX_CANDIDATES of them, so
 * that the result does not depend on the order the server sent them in. */
static void add(struct device *out, struct owner_candidate c, const struct derive_settings *s)
{
	uint32_t at = out->candidate_count;
	while (at > 0) {
		struct owner_candidate *there = &out->candidates[at - 1];
		int d = compare_candidates(&c, there, s);
		if (d > 0)
			break;
		if (d == 0) {
			/* one person in two spellings; what the list said stays the list's */
			if (c.from_detail == there->from_detail && compare_bytes(c.email, there->email) < 0)
				*there = c;
			return;
		}
		at--;
	}
	if (at == DEVICE_MAX_CANDIDATES)
		return;
	if (out->candidate_count == DEVICE_MAX_CANDIDATES)
		out->candidate_count--;
	memmove(&out->candidates[at + 1], &out->candidates[at],
		(out->candidate_count - at) * sizeof(out->candidates[0]));
	out->candidates[at] = c;
	out->candidate_count++;
}

static void add_all(struct device *out, const struct host_mapping *rows, uint32_t count, bool from_detail,
		    const struct derive_settings *s)
{
	for (uint32_t i = 0; i < count; i++) {
		struct owner_candidate c = { text_real(rows[i].email), text_trim(rows[i].source),
					     from_detail };
		if (c.email.p && c.source.p)
			add(out, c, s);
	}
}

static void gather(struct device *out, const struct host *list, const struct detail_facts *detail,
		   const struct previous_device *previous, const struct derive_settings *s)
{
	bool said = (list->seen & HOST_SEEN_DEVICE_MAPPING) && detail->of != list;

	out->candidate_count = 0;
	if (said)
		add_all(out, list->mapping, list->mapping_count, false, s);
	else if (previous->has_list_mapping)
		add_all(out, previous->list_mapping, previous->list_mapping_count, false, s);
	if (detail->has_mapping)
		add_all(out, detail->mapping, detail->mapping_count, true, s);
	if (detail->has_end_users)
		add_all(out, detail->end_users, detail->end_user_count, true, s);
}

/* How many of the first candidates are of the best source; 0: none may own. */
static uint32_t best_source(const struct device *d, const struct derive_settings *s)
{
	uint32_t n = 0;
	if (d->candidate_count == 0 || rank_of(d->candidates[0].source, s) == OWNER_SOURCES)
		return 0;
	while (n < d->candidate_count && slice_eq(d->candidates[n].source, d->candidates[0].source))
		n++;
	return n;
}

static void choose(struct device *out, uint32_t among, const struct previous_device *previous)
{
	const struct owner_candidate *owner = among ? &out->candidates[0] : NULL;

	for (uint32_t i = 0; previous->owner_email.p && i < among; i++)
		if (text_is_folded(out->candidates[i].email, previous->owner_email))
			owner = &out->candidates[i];
	out->owner_email = owner ? owner->email : SLICE_NONE;
	out->owner_source = owner ? owner->source : SLICE_NONE;
	out->owner_ambiguous = among > 1;
}

/* A browser profile is what the user typed into it, and one of several people
 * is a guess: neither gives anybody access. */
static void grant(struct device *out, const struct derive_settings *s)
{
	int source = out->owner_email.p ? owner_source_parse(out->owner_source) : -1;
	bool vouched = source == OWNER_CUSTOM || source == OWNER_IDP || source == OWNER_MDM_IDP_ACCOUNTS;

	out->access_user = s->map_users && vouched && !out->owner_ambiguous ? out->owner_email : SLICE_NONE;
	out->access_group = s->map_teams ? out->team_name : SLICE_NONE;
}

void derive_owner(struct device *out, const struct host *list, const struct detail_facts *detail,
		  const struct previous_device *previous, const struct derive_settings *settings)
{
	gather(out, list, detail, previous, settings);
	choose(out, best_source(out, settings), previous);
	grant(out, settings);
}
