#include "model/record.h"

#include "model/record_token.h"

enum { TEXT_MAX = 255, TEXT_MAX_BYTES = TEXT_MAX * 4, ESCAPED_MAX = 6 };

/* A record is some fifty tokens (record_token.h), and a first walk writes every
 * one of them: so room is made once a token, and nothing is looked at twice. */
static inline char *room(struct buf *b, size_t n)
{
	if (b->cap - b->len < n || b->failed)
		return buf_reserve(b, n) ? b->data + b->len : NULL;
	return b->data + b->len;
}

static inline void used(struct buf *b, const char *end)
{
	b->len = (size_t)(end - b->data);
}

/* ---- tokens ---- */
static char *escape(char *p, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	*p++ = '\\';
	switch (c) {
	case '"':
	case '\\':
		*p++ = (char)c;
		return p;
	case '\n':
		*p++ = 'n';
		return p;
	case '\r':
		*p++ = 'r';
		return p;
	case '\t':
		*p++ = 't';
		return p;
	}
	memcpy(p, "u00", 3);
	p[3] = hex[c >> 4];
	p[4] = hex[c & 15];
	return p + 5;
}

/* The text without its quotes, at p, where ESCAPED_MAX * s.n bytes are free. */
static inline char *put_text(char *p, struct slice s)
{
	const char *from = s.p, *end = s.p + s.n;
	while (end - from >= 8) {
		uint64_t v;
		memcpy(&v, from, 8);
		if (eight_plain(v)) {
			memcpy(p, from, 8);
			p += 8;
			from += 8;
			continue;
		}
		for (int i = 0; i < 8; i++, from++)
			if (is_plain((unsigned char)*from))
				*p++ = *from;
			else
				p = escape(p, (unsigned char)*from);
	}
	for (; from < end; from++)
		if (is_plain((unsigned char)*from))
			*p++ = *from;
		else
			p = escape(p, (unsigned char)*from);
	return p;
}

static struct slice truncated(struct slice s)
{
	uint32_t characters = 0, i = 0;
	if (s.n <= TEXT_MAX)
		return s;
	for (; i < s.n; i++) {
		bool begins = ((unsigned char)s.p[i] & 0xc0) != 0x80;
		if (begins && characters++ == TEXT_MAX)
			break;
	}
	s.n = i < TEXT_MAX_BYTES ? i : TEXT_MAX_BYTES;
	return s;
}

static void put(struct buf *b, struct slice s)
{
	s = truncated(s);
	char *p = room(b, (size_t)s.n * ESCAPED_MAX + 2);
	if (!p)
		return;
	if (s.p) {
		*p++ = '"';
		p = put_text(p, s);
	}
	*p++ = '\n';
	used(b, p);
}

static inline void byte(struct buf *b, char c)
{
	char *p = room(b, 1);
	if (p) {
		*p = c;
		b->len++;
	}
}

/* A letter; 0 is null. */
static inline void letter(struct buf *b, char c)
{
	if (c)
		byte(b, c);
	byte(b, '\n');
}

static inline void tristate(struct buf *b, enum host_tristate v)
{
	letter(b, v == HOST_UNKNOWN ? 0 : v == HOST_YES ? 't' : 'f');
}

/* For words without an enum: one letter for each, the first of it. */
static inline void initial(struct buf *b, const char *word)
{
	letter(b, word ? *word : 0);
}

enum { NUMBER_MAX = 20 };

static inline char *put_unsigned(char *p, uint64_t v)
{
	char digits[NUMBER_MAX], *d = digits + sizeof(digits);
	do
		*--d = (char)('0' + v % 10);
	while (v /= 10);
	size_t n = (size_t)(digits + sizeof(digits) - d);
	memcpy(p, d, n);
	return p + n;
}

/* Negative numbers do not occur in a record: HOST_NO_INT is null. */
static void number(struct buf *b, int64_t v)
{
	char *p = room(b, NUMBER_MAX + 1);
	if (!p)
		return;
	if (v >= 0)
		p = put_unsigned(p, (uint64_t)v);
	*p++ = '\n';
	used(b, p);
}

/* One of several texts in a token. */
static void add_text(struct buf *b, bool first, struct slice s)
{
	s = truncated(s);
	char *p = room(b, (size_t)s.n * ESCAPED_MAX + 1);
	if (!p)
		return;
	*p++ = first ? '"' : TOKEN_SEPARATOR;
	used(b, put_text(p, s));
}

/* ---- those that are more than a scalar ---- */
static void put_uuid(struct buf *b, const struct device *d)
{
	size_t from = b->len;
	put(b, d->uuid);
	/* escapes hold no capital letters, so all of it may be folded */
	for (size_t i = from; i < b->len; i++)
		if (b->data[i] >= 'A' && b->data[i] <= 'Z')
			b->data[i] |= 0x20;
}

static void add_reason(struct buf *b, bool first, uint32_t id, const struct policy_table *names)
{
	const struct policy_name *row = names ? policy_table_find(names, id) : NULL;
	char fallback[32], *end = put_unsigned((char *)memcpy(fallback, "policy ", 7) + 7, id);

	if (row && row->name.n)
		add_text(b, first, row->name);
	else
		add_text(b, first, (struct slice){ fallback, (uint32_t)(end - fallback) });
}

static void put_reasons(struct buf *b, const struct device *d, const struct policy_table *names)
{
	bool first = true;
	for (uint32_t i = 0; d->compliance == COMPLIANCE_NONCOMPLIANT && i < d->policy_count; i++) {
		if (d->policies[i].result != POLICY_FAIL ||
		    !derive_policy_counts(d->settings, &d->policies[i]))
			continue;
		add_reason(b, first, d->policies[i].id, names);
		first = false;
	}
	byte(b, '\n');
}

static void put_policies(struct buf *b, const struct device *d)
{
	enum { ROW_MAX = 11 };
	static const char letters[3][2] = {
		[POLICY_UNANSWERED] = { 'u', 'U' },
		[POLICY_PASS] = { 'p', 'P' },
		[POLICY_FAIL] = { 'f', 'F' },
	};
	char *p = room(b, (size_t)d->policy_count * ROW_MAX + 2);
	if (!p)
		return;
	if (d->policies_known)
		*p++ = '[';
	for (uint32_t i = 0; d->policies_known && i < d->policy_count; i++) {
		const struct host_policy *row = &d->policies[i];
		p = put_unsigned(p, row->id);
		*p++ = letters[row->result <= POLICY_FAIL ? row->result : 0][row->critical != 0];
	}
	*p++ = '\n';
	used(b, p);
}

static void put_candidates(struct buf *b, const struct device *d)
{
	for (uint32_t i = 0; i < d->candidate_count; i++) {
		const struct owner_candidate *c = &d->candidates[i];
		add_text(b, i == 0, c->email);
		add_text(b, false, c->source);
		byte(b, TOKEN_SEPARATOR);
		byte(b, c->from_detail ? 'd' : 'l');
	}
	byte(b, '\n');
}

static void put_team(struct buf *b, const struct device *d)
{
	number(b, d->team_id);
	put(b, d->team_id < 0 ? SLICE_NONE : d->team_name);
}

/* ---- the tokens in the order of enum record_token ---- */
static void put_names_and_system(struct buf *b, const struct device *d)
{
	put(b, d->hostname);
	put(b, d->computer_name);
	put(b, d->display_name);
	letter(b, LETTERS_OS_FAMILY[d->family]);
	put(b, d->platform);
	put(b, d->os_name);
	put(b, d->os_version);
	put(b, d->os_build);
	put(b, d->os_arch);
	put(b, d->vendor);
	put(b, d->model);
	put(b, d->cpu);
	number(b, d->cores_physical);
	number(b, d->cores_logical);
	number(b, d->memory_bytes);
}

static void put_disk_and_mdm(struct buf *b, const struct device *d)
{
	number(b, d->disk_total_bytes);
	letter(b, LETTERS_ENCRYPTION[d->encryption]);
	initial(b, d->encryption_method);
	initial(b, d->encryption_evidence);
	tristate(b, d->key_escrowed);
	letter(b, LETTERS_ENROLLMENT[d->enrollment]);
	put(b, d->mdm_vendor);
	tristate(b, d->managed_by_fleet);
	put(b, d->mdm_server_url);
	put(b, d->device_status);
	put(b, d->pending_action);
}

int record_write_stable(struct buf *out, const struct device *d, const struct policy_table *names)
{
	put_uuid(out, d);
	put(out, d->serial);
	letter(out, LETTERS_COMPLIANCE[d->compliance]);
	put(out, d->owner_email);
	put(out, d->access_group);
	put_names_and_system(out, d);
	put_disk_and_mdm(out, d);
	number(out, d->failing);
	number(out, d->critical_failing);
	number(out, d->unanswered);
	put_reasons(out, d, names);
	put_policies(out, d);
	put(out, d->owner_source);
	letter(out, d->owner_ambiguous ? 't' : 'f');
	put_candidates(out, d);
	put(out, d->access_user);
	put_team(out, d);
	put(out, d->osquery);
	put(out, d->orbit);
	put(out, d->desktop);
	number(out, d->critical_vulnerabilities);
	number(out, d->enrolled == HOST_NEVER ? HOST_NO_INT : d->enrolled);
	return out->failed;
}
