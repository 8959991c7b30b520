#include "model/record.h"

#include "model/record_scan.h"

#include <stddef.h>

struct peek {
	struct record_peek *out;
	struct buf *scratch;
	size_t stable_bytes;
	const char *p, *end;
};

/* ---- text ---- */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The writer escapes quotes, backslashes and control characters, nothing else. */
static int unescape(char *to, size_t *n, const char *p, const char *end)
{
	static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char *begin = to;
	while (p < end) {
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		if (++p == end)
			return E_CORRUPT;
		if (*p == 'u') {
			if (end - p < 5 || p[1] != '0' || p[2] != '0' || hex_digit(p[3]) < 0 ||
			    hex_digit(p[3]) > 7 || hex_digit(p[4]) < 0)
				return E_CORRUPT;
			*to++ = (char)(hex_digit(p[3]) << 4 | hex_digit(p[4]));
			p += 5;
			continue;
		}
		const char *at = memchr(letters, *p, sizeof(letters) - 1);
		if (!at)
			return E_CORRUPT;
		*to++ = values[at - letters];
		p++;
	}
	*n = (size_t)(to - begin);
	return OK;
}

/* A string, or null as "no value". */
static int text_of(struct peek *k, struct slice raw, struct slice *out)
{
	if (slice_is(raw, "null")) {
		*out = SLICE_NONE;
		return OK;
	}
	if (raw.n < 2 || *raw.p != '"')
		return E_CORRUPT;
	*out = (struct slice){ raw.p + 1, raw.n - 2 };
	if (!memchr(out->p, '\\', out->n))
		return OK;
	/* room for everything at once, so that earlier slices stay where they are */
	if (k->scratch->len == 0 && !buf_reserve(k->scratch, k->stable_bytes))
		return k->scratch->failed;
	size_t n;
	char *to = k->scratch->data + k->scratch->len;
	int rc = unescape(to, &n, out->p, out->p + out->n);
	if (rc)
		return rc;
	k->scratch->len += n;
	*out = (struct slice){ to, (uint32_t)n };
	return OK;
}

static int truth_of(struct slice raw, bool *out)
{
	*out = slice_is(raw, "true");
	return *out || slice_is(raw, "false") ? OK : E_CORRUPT;
}

/* ---- the members wanted, by object, in the order they are written ---- */
enum kind { SKIP, TEXT, TRUTH, OBJECT, FIRST_TEXT, CANDIDATES };

struct field {
	struct slice key;
	enum kind kind;
	size_t to; /* offset into struct record_peek, or into struct candidate */
	const struct field *inner;
};

#define AT(member) offsetof(struct record_peek, member)
#define FIELD(key, k, m)                                                                                     \
	{                                                                                                    \
		SLICE(key), k, AT(m), NULL                                                                   \
	}
#define NESTED(key, table)                                                                                   \
	{                                                                                                    \
		SLICE(key), OBJECT, 0, table                                                                 \
	}
#define END                                                                                                  \
	{                                                                                                    \
		{ NULL, 0 }, SKIP, 0, NULL                                                                   \
	}

static const struct field identity[] = { FIELD("uuid", TEXT, uuid), FIELD("serial", TEXT, serial),
					 FIELD("hostname", TEXT, hostname),
					 FIELD("display_name", TEXT, display_name), END };
static const struct field os[] = { FIELD("family", TEXT, os_family), FIELD("name", TEXT, os_name),
				   FIELD("version", TEXT, os_version), END };
static const struct field encryption[] = { FIELD("state", TEXT, encryption), END };
static const struct field disk[] = { NESTED("encryption", encryption), END };
static const struct field mdm[] = { FIELD("enrollment", TEXT, enrollment), END };
static const struct field compliance[] = { FIELD("state", TEXT, compliance), END };
static const struct field owner[] = { FIELD("email", TEXT, owner_email), FIELD("source", TEXT, owner_source),
				      FIELD("ambiguous", TRUTH, owner_ambiguous),
				      FIELD("candidates", CANDIDATES, list_mapping), END };
static const struct field access[] = { FIELD("users", FIRST_TEXT, access_user),
				       FIELD("groups", FIRST_TEXT, access_group), END };
static const struct field team[] = { FIELD("name", TEXT, team_name), END };
static const struct field top[] = { NESTED("identity", identity),
				    NESTED("os", os),
				    NESTED("disk", disk),
				    NESTED("mdm", mdm),
				    NESTED("compliance", compliance),
				    NESTED("owner", owner),
				    NESTED("access", access),
				    NESTED("team", team),
				    FIELD("enrolled", TEXT, enrolled),
				    END };

struct candidate {
	struct host_mapping row;
	struct slice from;
};
static const struct field candidate[] = {
	{ SLICE("email"), TEXT, offsetof(struct candidate, row.email), NULL },
	{ SLICE("source"), TEXT, offsetof(struct candidate, row.source), NULL },
	{ SLICE("from"), TEXT, offsetof(struct candidate, from), NULL },
	END
};

/* Members are written in the tables' order, so the one looked for is nearly
 * always the one after the last found; NULL when nobody wants it. */
static const struct field *look_up(const struct field *fields, const struct field **next, struct slice key)
{
	if (slice_eq((*next)->key, key))
		return (*next)++;
	for (const struct field *f = fields; f->key.p; f++)
		if (slice_eq(f->key, key)) {
			*next = f + 1;
			return f;
		}
	return NULL;
}

static int read_member(struct peek *k, const struct field *f, char *base);

/* At the opening brace; leaves the cursor after the closing one, or at the end
 * when only the stable part's own brace may be missing. */
static int read_object(struct peek *k, const struct field *fields, char *base, bool open_end)
{
	const struct field *next = fields;
	if (k->p == k->end || *k->p != '{')
		return E_CORRUPT;
	do {
		const char *from = ++k->p;
		if (from == k->end || *from != '"')
			return E_CORRUPT;
		const char *colon = scan_string(from, k->end);
		if (!colon || colon == k->end || *colon != ':')
			return E_CORRUPT;
		k->p = colon + 1;
		int rc = read_member(
			k, look_up(fields, &next, (struct slice){ from + 1, (uint32_t)(colon - from - 2) }),
			base);
		if (rc)
			return rc;
	} while (k->p < k->end && *k->p == ',');
	if (open_end)
		return k->p == k->end ? OK : E_CORRUPT;
	return k->p < k->end && *k->p++ == '}' ? OK : E_CORRUPT;
}

static int read_candidate(struct peek *k)
{
	struct record_peek *o = k->out;
	struct candidate c = { 0 };
	int rc = read_object(k, candidate, (char *)&c, false);
	if (rc || !c.row.email.p || !c.row.source.p)
		return rc ? rc : E_CORRUPT;
	if (slice_is(c.from, "list") && o->list_mapping_count < DEVICE_MAX_CANDIDATES)
		o->list_mapping[o->list_mapping_count++] = c.row;
	return OK;
}

static int read_candidates(struct peek *k)
{
	if (k->p == k->end || *k->p++ != '[')
		return E_CORRUPT;
	k->out->has_list_mapping = true;
	while (k->p < k->end && *k->p == '{') {
		int rc = read_candidate(k);
		if (rc)
			return rc;
		if (k->p < k->end && *k->p == ',')
			k->p++;
	}
	return k->p < k->end && *k->p++ == ']' ? OK : E_CORRUPT;
}

/* The lists of `access` have one element at most. */
static int first_text(struct peek *k, struct slice array, struct slice *out)
{
	if (slice_is(array, "[]"))
		return OK;
	const char *from = array.p + 1, *end = array.p + array.n;
	const char *to = *array.p == '[' && from < end && *from == '"' ? scan_string(from, end) : NULL;
	return to ? text_of(k, (struct slice){ from, (uint32_t)(to - from) }, out) : E_CORRUPT;
}

static int read_member(struct peek *k, const struct field *f, char *base)
{
	bool present = k->end - k->p < 4 || memcmp(k->p, "null", 4) != 0;
	if (f && f->kind == OBJECT && present)
		return read_object(k, f->inner, base, false);
	if (f && f->kind == CANDIDATES)
		return read_candidates(k);

	const char *to = scan_value(k->p, k->end);
	if (!to)
		return E_CORRUPT;
	struct slice raw = { k->p, (uint32_t)(to - k->p) };
	k->p = to;
	switch (f ? f->kind : SKIP) {
	case TEXT:
		return text_of(k, raw, (struct slice *)(base + f->to));
	case TRUTH:
		return truth_of(raw, (bool *)(base + f->to));
	case FIRST_TEXT:
		return first_text(k, raw, (struct slice *)(base + f->to));
	default:
		return OK;
	}
}

int record_peek(struct record_peek *out, struct slice stable, struct buf *scratch)
{
	struct peek k = { out, scratch, stable.n, stable.p, stable.p + stable.n };
	*out = (struct record_peek){ 0 };
	buf_reset(scratch);
	return stable.p ? read_object(&k, top, (char *)out, true) : E_CORRUPT;
}
