#include "model/record.h"

#include "base/clock.h"

enum { TEXT_MAX = 255, TEXT_MAX_BYTES = TEXT_MAX * 4, ESCAPED_MAX = 6 };

/* A record is some sixty members of known size, and a first walk writes every
 * one of them: so room is made once a member, keys are copied with their
 * punctuation, and nothing is looked at twice. */
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

/* ---- scalars; each is given the key with all punctuation before the value ---- */
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

static inline bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* True when none of eight bytes needs escaping. */
static inline bool eight_plain(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
	uint64_t found = ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
	return !(found & high);
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

static void text_member(struct buf *b, const char *key, size_t key_n, struct slice s)
{
	s = truncated(s);
	char *p = room(b, key_n + (size_t)s.n * ESCAPED_MAX + 4);
	if (!p)
		return;
	memcpy(p, key, key_n);
	p += key_n;
	if (s.p) {
		*p++ = '"';
		p = put_text(p, s);
		*p++ = '"';
	} else {
		memcpy(p, "null", 4);
		p += 4;
	}
	used(b, p);
}

/* Our own words need neither escaping nor a limit; NULL writes null. */
static void word_member(struct buf *b, const char *key, size_t key_n, const char *word)
{
	size_t n = word ? strlen(word) : 0;
	char *p = room(b, key_n + n + 4);
	if (!p)
		return;
	memcpy(p, key, key_n);
	p += key_n;
	if (word) {
		*p++ = '"';
		memcpy(p, word, n);
		p += n;
		*p++ = '"';
	} else {
		memcpy(p, "null", 4);
		p += 4;
	}
	used(b, p);
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
static void number_member(struct buf *b, const char *key, size_t key_n, int64_t v)
{
	char *p = room(b, key_n + NUMBER_MAX);
	if (!p)
		return;
	memcpy(p, key, key_n);
	p += key_n;
	if (v >= 0) {
		p = put_unsigned(p, (uint64_t)v);
	} else {
		memcpy(p, "null", 4);
		p += 4;
	}
	used(b, p);
}

static void literal(struct buf *b, const char *s, size_t n)
{
	char *p = room(b, n);
	if (p) {
		memcpy(p, s, n);
		b->len += n;
	}
}

#define TEXT(b, key, v)   text_member(b, "" key, sizeof(key) - 1, v)
#define WORD(b, key, v)   word_member(b, "" key, sizeof(key) - 1, v)
#define NUMBER(b, key, v) number_member(b, "" key, sizeof(key) - 1, v)
#define LITERAL(b, s)     literal(b, "" s, sizeof(s) - 1)
/* A truth value together with what stands before and after it. */
#define TRUTH(b, key, v)                                                                                     \
	do {                                                                                                 \
		if (v)                                                                                       \
			LITERAL(b, key "true");                                                              \
		else                                                                                         \
			LITERAL(b, key "false");                                                             \
	} while (0)
#define TRISTATE(b, key, v)                                                                                  \
	do {                                                                                                 \
		if ((v) == HOST_UNKNOWN)                                                                     \
			LITERAL(b, key "null");                                                              \
		else                                                                                         \
			TRUTH(b, key, (v) == HOST_YES);                                                      \
	} while (0)

/* ---- groups of members, in the order of docs/device.schema.json ---- */
static void write_identity(struct buf *b, const struct device *d)
{
	size_t from = b->len;
	TEXT(b, ",\"identity\":{\"uuid\":", d->uuid);
	/* keys and escapes hold no capital letters, so all of it may be folded */
	for (size_t i = from; i < b->len; i++)
		if (b->data[i] >= 'A' && b->data[i] <= 'Z')
			b->data[i] |= 0x20;
	TEXT(b, ",\"serial\":", d->serial);
	TEXT(b, ",\"hostname\":", d->hostname);
	TEXT(b, ",\"computer_name\":", d->computer_name);
	TEXT(b, ",\"display_name\":", d->display_name);
}

static void write_os(struct buf *b, const struct device *d)
{
	WORD(b, "},\"os\":{\"family\":", os_family_name(d->family));
	TEXT(b, ",\"platform\":", d->platform);
	TEXT(b, ",\"name\":", d->os_name);
	TEXT(b, ",\"version\":", d->os_version);
	TEXT(b, ",\"build\":", d->os_build);
	TEXT(b, ",\"arch\":", d->os_arch);
}

static void write_hardware(struct buf *b, const struct device *d)
{
	TEXT(b, "},\"hardware\":{\"vendor\":", d->vendor);
	TEXT(b, ",\"model\":", d->model);
	TEXT(b, ",\"cpu\":", d->cpu);
	NUMBER(b, ",\"cores_physical\":", d->cores_physical);
	NUMBER(b, ",\"cores_logical\":", d->cores_logical);
	NUMBER(b, ",\"memory_bytes\":", d->memory_bytes);
}

static void write_disk(struct buf *b, const struct device *d)
{
	NUMBER(b, "},\"disk\":{\"total_bytes\":", d->disk_total_bytes);
	WORD(b, ",\"encryption\":{\"state\":", encryption_state_name(d->encryption));
	WORD(b, ",\"method\":", d->encryption_method);
	WORD(b, ",\"evidence\":", d->encryption_evidence);
	TRISTATE(b, ",\"key_escrowed\":", d->key_escrowed);
}

static void write_mdm(struct buf *b, const struct device *d)
{
	WORD(b, "}},\"mdm\":{\"enrollment\":", mdm_enrollment_name(d->enrollment));
	TEXT(b, ",\"vendor\":", d->mdm_vendor);
	TRISTATE(b, ",\"managed_by_fleet\":", d->managed_by_fleet);
	TEXT(b, ",\"server_url\":", d->mdm_server_url);
	TEXT(b, ",\"device_status\":", d->device_status);
	TEXT(b, ",\"pending_action\":", d->pending_action);
}

static void write_reason(struct buf *b, uint32_t id, const struct policy_table *names)
{
	const struct policy_name *row = names ? policy_table_find(names, id) : NULL;
	char fallback[32], *end = put_unsigned((char *)memcpy(fallback, "policy ", 7) + 7, id);

	if (row && row->name.n)
		TEXT(b, "", row->name);
	else
		TEXT(b, "", ((struct slice){ fallback, (uint32_t)(end - fallback) }));
}

static void write_reasons(struct buf *b, const struct device *d, const struct policy_table *names)
{
	bool first = true;
	LITERAL(b, ",\"reasons\":[");
	for (uint32_t i = 0; d->compliance == COMPLIANCE_NONCOMPLIANT && i < d->policy_count; i++) {
		if (d->policies[i].result != POLICY_FAIL ||
		    !derive_policy_counts(d->settings, &d->policies[i]))
			continue;
		if (!first)
			LITERAL(b, ",");
		first = false;
		write_reason(b, d->policies[i].id, names);
	}
	LITERAL(b, "]");
}

/* `critical` stands only where it is true: on every policy it would be a tenth
 * of the record, and push typical ones over what LMDB keeps in a page. */
#define TAIL(result, critical) SLICE(",\"result\":\"" result "\"" critical "}")
#define CRITICAL               ",\"critical\":true"

static void write_policies(struct buf *b, const struct device *d)
{
	enum { ROW_MAX = 64 };
	static const struct slice tails[3][2] = {
		[POLICY_UNANSWERED] = { TAIL("unanswered", ""), TAIL("unanswered", CRITICAL) },
		[POLICY_PASS] = { TAIL("pass", ""), TAIL("pass", CRITICAL) },
		[POLICY_FAIL] = { TAIL("fail", ""), TAIL("fail", CRITICAL) },
	};
	if (!d->policies_known) {
		LITERAL(b, ",\"policies\":null}");
		return;
	}
	LITERAL(b, ",\"policies\":[");
	char *p = room(b, (size_t)d->policy_count * ROW_MAX + 2);
	if (!p)
		return;
	for (uint32_t i = 0; i < d->policy_count; i++) {
		const struct host_policy *row = &d->policies[i];
		struct slice tail = tails[row->result <= POLICY_FAIL ? row->result : 0][row->critical != 0];
		if (i)
			*p++ = ',';
		memcpy(p, "{\"id\":", 6);
		p = put_unsigned(p + 6, row->id);
		memcpy(p, tail.p, tail.n);
		p += tail.n;
	}
	*p++ = ']';
	*p++ = '}';
	used(b, p);
}

static void write_compliance(struct buf *b, const struct device *d, const struct policy_table *names)
{
	WORD(b, "},\"compliance\":{\"state\":", compliance_state_name(d->compliance));
	NUMBER(b, ",\"failing\":", d->failing);
	NUMBER(b, ",\"critical_failing\":", d->critical_failing);
	NUMBER(b, ",\"unanswered\":", d->unanswered);
	write_reasons(b, d, names);
	write_policies(b, d);
}

static void write_owner(struct buf *b, const struct device *d)
{
	TEXT(b, ",\"owner\":{\"email\":", d->owner_email);
	TEXT(b, ",\"source\":", d->owner_source);
	TRUTH(b, ",\"ambiguous\":", d->owner_ambiguous);
	LITERAL(b, ",\"candidates\":[");
	for (uint32_t i = 0; i < d->candidate_count; i++) {
		const struct owner_candidate *c = &d->candidates[i];
		if (i)
			TEXT(b, ",{\"email\":", c->email);
		else
			TEXT(b, "{\"email\":", c->email);
		TEXT(b, ",\"source\":", c->source);
		WORD(b, ",\"from\":", c->from_detail ? "detail" : "list");
		LITERAL(b, "}");
	}
	LITERAL(b, "]}");
}

static void write_access(struct buf *b, const struct device *d)
{
	LITERAL(b, ",\"access\":{\"users\":[");
	if (d->access_user.p)
		TEXT(b, "", d->access_user);
	LITERAL(b, "],\"groups\":[");
	if (d->access_group.p)
		TEXT(b, "", d->access_group);
	LITERAL(b, "]}");
}

static void write_team(struct buf *b, const struct device *d)
{
	if (d->team_id < 0) {
		LITERAL(b, ",\"team\":null");
		return;
	}
	NUMBER(b, ",\"team\":{\"id\":", d->team_id);
	TEXT(b, ",\"name\":", d->team_name);
	LITERAL(b, "}");
}

static void write_agent(struct buf *b, const struct device *d)
{
	TEXT(b, ",\"agent\":{\"osquery\":", d->osquery);
	TEXT(b, ",\"orbit\":", d->orbit);
	TEXT(b, ",\"desktop\":", d->desktop);
	NUMBER(b, "},\"vulnerabilities\":{\"critical\":", d->critical_vulnerabilities);
}

static void write_enrolled(struct buf *b, const struct device *d)
{
	char text[CLOCK_RFC3339_BYTES];
	if (d->enrolled == HOST_NEVER) {
		LITERAL(b, "},\"enrolled\":null");
		return;
	}
	clock_format_rfc3339(d->enrolled, text);
	WORD(b, "},\"enrolled\":", text);
}

int record_write_stable(struct buf *out, const struct device *d, const char *tenant,
			const struct policy_table *names)
{
	TEXT(out, "{\"tenant\":", slice_of(tenant));
	NUMBER(out, ",\"id\":", (int64_t)d->id);
	write_identity(out, d);
	write_os(out, d);
	write_hardware(out, d);
	write_disk(out, d);
	write_mdm(out, d);
	write_compliance(out, d, names);
	write_owner(out, d);
	write_access(out, d);
	write_team(out, d);
	write_agent(out, d);
	write_enrolled(out, d);
	return out->failed;
}
