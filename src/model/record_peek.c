#include "model/record.h"
#include "model/record_token.h"

struct peek {
	struct buf *scratch;
	size_t stable_bytes;
};

/* The text between quotes, which are not part of `raw`. */
static int unescaped(struct peek *k, struct slice raw, struct slice *out)
{
	bool escaped;
	*out = raw;
	if (!record_text_valid(raw, &escaped))
		return E_CORRUPT;
	if (!escaped)
		return OK;
	/* room for everything at once, so that earlier slices stay where they are */
	if (k->scratch->len == 0 && !buf_reserve(k->scratch, k->stable_bytes))
		return k->scratch->failed;
	char *to = k->scratch->data + k->scratch->len;
	size_t n = record_text_unescape(to, raw);
	k->scratch->len += n;
	*out = (struct slice){ to, (uint32_t)n };
	return OK;
}

/* A text, or null as "no value". */
static int text(struct peek *k, struct slice token, struct slice *out)
{
	*out = SLICE_NONE;
	if (!token.n)
		return OK;
	return *token.p == '"' ? unescaped(k, (struct slice){ token.p + 1, token.n - 1 }, out) : E_CORRUPT;
}

static int word(struct slice token, enum record_words set, struct slice *out)
{
	*out = record_word(set, token);
	return out->p ? OK : E_CORRUPT;
}

static int list_mapping(struct peek *k, struct slice token, struct record_peek *out)
{
	struct record_candidates walk = { 0 };
	struct slice email, source, origin;
	int rc;
	out->list_mapping_count = 0;
	out->has_list_mapping = true;
	while ((rc = record_next_candidate(&walk, token, &email, &source, &origin)) > 0) {
		struct host_mapping row;
		struct slice from = record_word(WORDS_ORIGIN, origin);
		if (!from.p)
			return E_CORRUPT;
		if ((rc = unescaped(k, email, &row.email)) || (rc = unescaped(k, source, &row.source)))
			return rc;
		if (slice_is(from, "list") && out->list_mapping_count < DEVICE_MAX_CANDIDATES)
			out->list_mapping[out->list_mapping_count++] = row;
	}
	return rc;
}

static int indexed(struct peek *k, struct record_peek *out, const struct slice *at)
{
	int rc = text(k, at[TOKEN_UUID], &out->uuid);
	if (!rc)
		rc = text(k, at[TOKEN_SERIAL], &out->serial);
	if (!rc)
		rc = word(at[TOKEN_COMPLIANCE_STATE], WORDS_COMPLIANCE, &out->compliance);
	if (!rc)
		rc = text(k, at[TOKEN_OWNER_EMAIL], &out->owner_email);
	return rc ? rc : text(k, at[TOKEN_ACCESS_GROUPS], &out->access_group);
}

int record_peek_index(struct record_peek *out, struct slice stable, struct buf *scratch)
{
	struct peek k = { scratch, stable.n };
	struct slice at[TOKENS_INDEXED];
	const char *p = stable.p, *end = stable.p ? stable.p + stable.n : NULL;
	buf_reset(scratch);
	for (int i = 0; i < TOKENS_INDEXED; i++) {
		at[i] = record_next_token(&p, end);
		if (!at[i].p)
			return E_CORRUPT;
	}
	return indexed(&k, out, at);
}

int record_peek(struct record_peek *out, struct slice stable, struct buf *scratch)
{
	struct peek k = { scratch, stable.n };
	struct record_tokens t;
	const struct {
		enum record_token token;
		struct slice *to;
	} texts[] = {
		{ TOKEN_HOSTNAME, &out->hostname },         { TOKEN_DISPLAY_NAME, &out->display_name },
		{ TOKEN_OS_NAME, &out->os_name },           { TOKEN_OS_VERSION, &out->os_version },
		{ TOKEN_OWNER_SOURCE, &out->owner_source }, { TOKEN_ACCESS_USERS, &out->access_user },
		{ TOKEN_TEAM_NAME, &out->team_name },
	};
	buf_reset(scratch);
	int rc = record_split(&t, stable);
	if (!rc)
		rc = indexed(&k, out, t.at);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && !rc; i++)
		rc = text(&k, t.at[texts[i].token], texts[i].to);
	if (!rc)
		rc = word(t.at[TOKEN_OS_FAMILY], WORDS_OS_FAMILY, &out->os_family);
	if (!rc)
		rc = word(t.at[TOKEN_ENCRYPTION_STATE], WORDS_ENCRYPTION, &out->encryption);
	if (!rc)
		rc = word(t.at[TOKEN_MDM_ENROLLMENT], WORDS_ENROLLMENT, &out->enrollment);
	if (!rc)
		rc = list_mapping(&k, t.at[TOKEN_CANDIDATES], out);
	if (rc)
		return rc;
	struct slice ambiguous = t.at[TOKEN_OWNER_AMBIGUOUS], enrolled = t.at[TOKEN_ENROLLED];
	out->owner_ambiguous = slice_is(ambiguous, "t");
	if (!out->owner_ambiguous && !slice_is(ambiguous, "f"))
		return E_CORRUPT;
	out->enrolled = HOST_NEVER;
	if (enrolled.n && !record_number(enrolled, &out->enrolled))
		return E_CORRUPT;
	struct slice team = t.at[TOKEN_TEAM_ID];
	out->team_id = 0;
	return !team.n || record_number(team, &out->team_id) ? OK : E_CORRUPT;
}
