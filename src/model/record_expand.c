#include "base/clock.h"
#include "base/json.h"
#include "model/record.h"
#include "model/record_member.h"

#define LITERAL(b, s) buf_add(b, "" s, sizeof(s) - 1)

static void null(struct buf *out)
{
	LITERAL(out, "null");
}

/* `raw` is escaped already. */
static int text(struct buf *out, struct slice raw)
{
	bool escaped;
	if (!record_text_valid(raw, &escaped))
		return E_CORRUPT;
	if (!buf_reserve(out, (size_t)raw.n + 2))
		return out->failed;
	char *p = out->data + out->len;
	*p++ = '"';
	memcpy(p, raw.p, raw.n);
	p[raw.n] = '"';
	out->len += (size_t)raw.n + 2;
	return OK;
}

static bool is_text(struct slice token)
{
	return token.n && *token.p == '"';
}

static struct slice unquoted(struct slice token)
{
	return (struct slice){ token.p + 1, token.n - 1 };
}

static int texts(struct buf *out, struct slice token)
{
	if (!token.n) {
		LITERAL(out, "[]");
		return OK;
	}
	if (!is_text(token))
		return E_CORRUPT;
	buf_putc(out, '[');
	const char *p = token.p + 1, *end = token.p + token.n;
	for (bool first = true; p; first = false) {
		if (!first)
			buf_putc(out, ',');
		int rc = text(out, record_next_text(&p, end));
		if (rc)
			return rc;
	}
	buf_putc(out, ']');
	return OK;
}

/* So long that no number of ours is cut, so short that it fits 64 bits. */
enum { DIGITS_MAX = 19, POLICY_DIGITS_MAX = 10 };

/* How many bytes from p on are a number as JSON writes it. */
static uint32_t digits(const char *p, const char *end, uint32_t max)
{
	uint32_t n = 0;
	while (p + n < end && p[n] >= '0' && p[n] <= '9' && n <= max)
		n++;
	return n > max || (n > 1 && *p == '0') ? 0 : n;
}

static int number(struct buf *out, struct slice token)
{
	if (!token.n || digits(token.p, token.p + token.n, DIGITS_MAX) != token.n)
		return E_CORRUPT;
	buf_add(out, token.p, token.n);
	return OK;
}

static int moment(struct buf *out, struct slice token)
{
	char at[CLOCK_RFC3339_BYTES];
	int64_t unix_s;
	if (!record_number(token, &unix_s))
		return E_CORRUPT;
	clock_format_rfc3339(unix_s, at);
	json_text(out, (struct slice){ at, CLOCK_RFC3339_BYTES - 1 });
	return OK;
}

static int truth(struct buf *out, struct slice token)
{
	if (slice_is(token, "t"))
		LITERAL(out, "true");
	else if (slice_is(token, "f"))
		LITERAL(out, "false");
	else
		return E_CORRUPT;
	return OK;
}

static int word(struct buf *out, struct slice token, enum record_words set)
{
	struct slice w = record_word(set, token);
	if (!w.p)
		return E_CORRUPT;
	buf_putc(out, '"');
	buf_add(out, w.p, w.n);
	buf_putc(out, '"');
	return OK;
}

static struct slice policy_tail(char letter)
{
#define TAIL(result, critical) SLICE(",\"result\":\"" result "\",\"critical\":" critical "}")
	switch (letter) {
	case 'p':
		return TAIL("pass", "false");
	case 'P':
		return TAIL("pass", "true");
	case 'f':
		return TAIL("fail", "false");
	case 'F':
		return TAIL("fail", "true");
	case 'u':
		return TAIL("unanswered", "false");
	case 'U':
		return TAIL("unanswered", "true");
	}
	return SLICE_NONE;
#undef TAIL
}

static int policies(struct buf *out, struct slice token)
{
	if (!token.n) {
		null(out);
		return OK;
	}
	const char *p = token.p + 1, *end = token.p + token.n;
	if (*token.p != '[')
		return E_CORRUPT;
	buf_putc(out, '[');
	while (p < end) {
		uint32_t n = digits(p, end, POLICY_DIGITS_MAX);
		struct slice tail = n && p + n < end ? policy_tail(p[n]) : SLICE_NONE;
		if (!tail.p)
			return E_CORRUPT;
		if (p > token.p + 1)
			buf_putc(out, ',');
		LITERAL(out, "{\"id\":");
		buf_add(out, p, n);
		buf_add(out, tail.p, tail.n);
		p += n + 1;
	}
	buf_putc(out, ']');
	return OK;
}

static int candidates(struct buf *out, struct slice token)
{
	struct record_candidates walk = { 0 };
	struct slice email, source, origin;
	int rc;
	buf_putc(out, '[');
	for (bool first = true; (rc = record_next_candidate(&walk, token, &email, &source, &origin)) > 0;
	     first = false) {
		if (!first)
			buf_putc(out, ',');
		LITERAL(out, "{\"email\":");
		if ((rc = text(out, email)))
			return rc;
		LITERAL(out, ",\"source\":");
		if ((rc = text(out, source)))
			return rc;
		LITERAL(out, ",\"from\":");
		if ((rc = word(out, origin, WORDS_ORIGIN)))
			return rc;
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	return rc;
}

/* `team` is null as a whole when there is no id. */
static int team_id(struct buf *out, struct slice token)
{
	if (!token.n) {
		null(out);
		return OK;
	}
	LITERAL(out, "{\"id\":");
	return number(out, token);
}

static int team_name(struct buf *out, struct slice token, bool has_team)
{
	if (!has_team)
		return token.n ? E_CORRUPT : OK;
	LITERAL(out, ",\"name\":");
	int rc = OK;
	if (is_text(token))
		rc = text(out, unquoted(token));
	else if (token.n)
		rc = E_CORRUPT;
	else
		null(out);
	buf_putc(out, '}');
	return rc;
}

static int scalar(struct buf *out, const struct record_member *m, struct slice token)
{
	if (!token.n) {
		null(out);
		return OK;
	}
	switch (m->kind) {
	case MEMBER_TEXT:
		return is_text(token) ? text(out, unquoted(token)) : E_CORRUPT;
	case MEMBER_NUMBER:
		return number(out, token);
	case MEMBER_TIME:
		return moment(out, token);
	case MEMBER_TRUTH:
		return truth(out, token);
	case MEMBER_WORD:
		return word(out, token, m->words);
	default:
		return E_CORRUPT;
	}
}

static int member(struct buf *out, const struct record_member *m, const struct record_tokens *t)
{
	struct slice token = t->at[m->token];
	buf_add(out, m->before.p, m->before.n);
	switch (m->kind) {
	case MEMBER_TEXTS:
		return texts(out, token);
	case MEMBER_ONE_TEXT:
		return memchr(token.p, TOKEN_SEPARATOR, token.n) ? E_CORRUPT : texts(out, token);
	case MEMBER_FLAG:
		return truth(out, token);
	case MEMBER_STATE:
		return word(out, token, m->words);
	case MEMBER_POLICIES:
		return policies(out, token);
	case MEMBER_CANDIDATES:
		return candidates(out, token);
	case MEMBER_TEAM_ID:
		return team_id(out, token);
	case MEMBER_TEAM_NAME:
		return team_name(out, token, t->at[TOKEN_TEAM_ID].n > 0);
	default:
		return scalar(out, m, token);
	}
}

int record_expand(struct buf *out, const char *tenant, uint64_t id, struct slice stable)
{
	struct record_tokens t;
	int rc = record_split(&t, stable);
	if (rc)
		return rc;
	LITERAL(out, "{\"tenant\":");
	json_text(out, slice_of(tenant));
	LITERAL(out, ",\"id\":");
	json_int(out, (int64_t)id);
	for (int i = 0; i < RECORD_TOKENS && !rc; i++)
		rc = member(out, &record_members[i], &t);
	buf_putc(out, '}');
	return rc ? rc : out->failed;
}
