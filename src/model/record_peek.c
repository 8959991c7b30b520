#include "model/record.h"

#include "model/record_scan.h"

struct peek {
	struct record_peek *out;
	struct buf *scratch;
	size_t stable_bytes;
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

/* ---- the members wanted, by object ---- */
typedef int member_fn(struct peek *k, struct slice key, struct slice value);

static int each_member(struct peek *k, struct slice object, bool open_end, member_fn *fn)
{
	struct member_walk w = member_walk(object, open_end);
	struct slice key, value;
	int rc;
	while ((rc = member_next(&w, &key, &value)) > 0) {
		rc = fn(k, key, value);
		if (rc)
			return rc;
	}
	return rc;
}

static int identity_member(struct peek *k, struct slice key, struct slice value)
{
	struct record_peek *o = k->out;
	if (slice_is(key, "uuid"))
		return text_of(k, value, &o->uuid);
	if (slice_is(key, "serial"))
		return text_of(k, value, &o->serial);
	if (slice_is(key, "hostname"))
		return text_of(k, value, &o->hostname);
	if (slice_is(key, "display_name"))
		return text_of(k, value, &o->display_name);
	return OK;
}

static int os_member(struct peek *k, struct slice key, struct slice value)
{
	struct record_peek *o = k->out;
	if (slice_is(key, "family"))
		return text_of(k, value, &o->os_family);
	if (slice_is(key, "name"))
		return text_of(k, value, &o->os_name);
	if (slice_is(key, "version"))
		return text_of(k, value, &o->os_version);
	return OK;
}

static int encryption_member(struct peek *k, struct slice key, struct slice value)
{
	return slice_is(key, "state") ? text_of(k, value, &k->out->encryption) : OK;
}

static int disk_member(struct peek *k, struct slice key, struct slice value)
{
	return slice_is(key, "encryption") ? each_member(k, value, false, encryption_member) : OK;
}

static int mdm_member(struct peek *k, struct slice key, struct slice value)
{
	return slice_is(key, "enrollment") ? text_of(k, value, &k->out->enrollment) : OK;
}

static int compliance_member(struct peek *k, struct slice key, struct slice value)
{
	return slice_is(key, "state") ? text_of(k, value, &k->out->compliance) : OK;
}

static int candidate(struct peek *k, struct slice object)
{
	struct member_walk w = member_walk(object, false);
	struct host_mapping row = { 0 };
	struct slice key, value, from = SLICE_NONE;
	int rc;
	while ((rc = member_next(&w, &key, &value)) > 0) {
		struct slice *to = slice_is(key, "email")    ? &row.email
				   : slice_is(key, "source") ? &row.source
				   : slice_is(key, "from")   ? &from
							     : NULL;
		if (to && (rc = text_of(k, value, to)))
			return rc;
	}
	if (rc || !row.email.p || !row.source.p)
		return rc ? rc : E_CORRUPT;
	if (slice_is(from, "list") && k->out->list_mapping_count < DEVICE_MAX_CANDIDATES)
		k->out->list_mapping[k->out->list_mapping_count++] = row;
	return OK;
}

static int owner_member(struct peek *k, struct slice key, struct slice value)
{
	struct record_peek *o = k->out;
	if (slice_is(key, "email"))
		return text_of(k, value, &o->owner_email);
	if (slice_is(key, "source"))
		return text_of(k, value, &o->owner_source);
	if (slice_is(key, "ambiguous"))
		return truth_of(value, &o->owner_ambiguous);
	if (!slice_is(key, "candidates"))
		return OK;
	struct element_walk w = element_walk(value);
	struct slice element;
	int rc;
	o->has_list_mapping = true;
	while ((rc = element_next(&w, &element)) > 0)
		if ((rc = candidate(k, element)))
			return rc;
	return rc;
}

/* The first of a list of texts; the lists of `access` have one at most. */
static int first_text(struct peek *k, struct slice array, struct slice *out)
{
	struct element_walk w = element_walk(array);
	struct slice element;
	int rc = element_next(&w, &element);
	return rc > 0 ? text_of(k, element, out) : rc;
}

static int access_member(struct peek *k, struct slice key, struct slice value)
{
	if (slice_is(key, "users"))
		return first_text(k, value, &k->out->access_user);
	if (slice_is(key, "groups"))
		return first_text(k, value, &k->out->access_group);
	return OK;
}

static int team_member(struct peek *k, struct slice key, struct slice value)
{
	return slice_is(key, "name") ? text_of(k, value, &k->out->team_name) : OK;
}

static int top_member(struct peek *k, struct slice key, struct slice value)
{
	static const struct {
		const char *key;
		member_fn *fn;
	} objects[] = {
		{ "identity", identity_member },
		{ "os", os_member },
		{ "disk", disk_member },
		{ "mdm", mdm_member },
		{ "compliance", compliance_member },
		{ "owner", owner_member },
		{ "access", access_member },
		{ "team", team_member },
	};
	if (slice_is(key, "enrolled"))
		return text_of(k, value, &k->out->enrolled);
	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++)
		if (slice_is(key, objects[i].key))
			return slice_is(value, "null") ? OK : each_member(k, value, false, objects[i].fn);
	return OK;
}

int record_peek(struct record_peek *out, struct slice stable, struct buf *scratch)
{
	struct peek k = { out, scratch, stable.n };
	*out = (struct record_peek){ 0 };
	buf_reset(scratch);
	return each_member(&k, stable, true, top_member);
}
