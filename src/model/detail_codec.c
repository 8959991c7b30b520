#include "model/detail_codec.h"

#include "base/err.h"

/* A format byte, a byte of flags, fetched_at, two tri-states in one byte, then
 * texts (varint length + 1, 0 for none), what a filtered list said, and arrays
 * (varint count, rows). */
enum { FORMAT = 2, TEXT_MAX_BYTES = 1020 };
enum flag { FLAG_END_USERS = 1, FLAG_MAPPING = 2, FLAG_POLICIES = 4, FLAG_LISTED = 8, FLAGS = 15 };

/* ---- packing ---- */
static void put_number(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(b, (char)(v | 0x80));
	buf_putc(b, (char)v);
}

/* Cut between characters, so that what comes back is still UTF-8. */
static uint32_t cut(struct slice s)
{
	uint32_t n = s.n;
	if (n > TEXT_MAX_BYTES)
		for (n = TEXT_MAX_BYTES; n && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
			n--;
	return n;
}

static void put_text(struct buf *b, struct slice s)
{
	uint32_t n = cut(s);
	put_number(b, s.p ? (uint64_t)n + 1 : 0);
	if (s.p)
		buf_add(b, s.p, n);
}

static void put_mapping(struct buf *b, const struct host_mapping *rows, uint32_t count)
{
	if (count > DETAIL_MAX_ROWS)
		count = DETAIL_MAX_ROWS;
	put_number(b, count);
	for (uint32_t i = 0; i < count; i++) {
		put_text(b, rows[i].email);
		put_text(b, rows[i].source);
	}
}

/* Ids ascend: the step to the next one, and result and critical in one byte. */
static void put_policies(struct buf *b, const struct host_policy *rows, uint32_t count)
{
	uint32_t before = 0;
	if (count > DEVICE_MAX_POLICIES)
		count = DEVICE_MAX_POLICIES;
	put_number(b, count);
	for (uint32_t i = 0; i < count; i++) {
		put_number(b, rows[i].id - before);
		buf_putc(b, (char)(rows[i].result << 1 | (rows[i].critical != 0)));
		before = rows[i].id;
	}
}

int detail_pack(struct buf *out, const struct detail_facts *f)
{
	unsigned flags = (f->has_end_users ? FLAG_END_USERS : 0) | (f->has_mapping ? FLAG_MAPPING : 0) |
			 (f->has_policies ? FLAG_POLICIES : 0) | (f->listed_at > 0 ? FLAG_LISTED : 0);
	buf_putc(out, FORMAT);
	buf_putc(out, (char)flags);
	put_number(out, f->fetched_at > 0 ? (uint64_t)f->fetched_at : 0);
	buf_putc(out, (char)(f->disk_encryption_enabled | f->encryption_key_available << 2));
	put_text(out, f->os_settings_disk_encryption);
	put_text(out, f->orbit_version);
	put_text(out, f->desktop_version);
	put_text(out, f->device_status);
	put_text(out, f->pending_action);
	if (f->listed_at > 0) {
		put_number(out, (uint64_t)f->listed_at);
		put_text(out, f->listed_disk_encryption);
	}
	if (f->has_end_users)
		put_mapping(out, f->end_users, f->end_user_count);
	if (f->has_mapping)
		put_mapping(out, f->mapping, f->mapping_count);
	if (f->has_policies)
		put_policies(out, f->policies, f->policy_count);
	return out->failed;
}

/* ---- unpacking ---- */
struct reader {
	const char *p, *end;
	struct arena *arena;
	int failed; /* E_CORRUPT or E_NOMEM; sticks, and everything read after is none */
};

static unsigned char get_byte(struct reader *r)
{
	if (r->failed || r->p == r->end) {
		r->failed = r->failed ? r->failed : E_CORRUPT;
		return 0;
	}
	return (unsigned char)*r->p++;
}

static uint64_t get_number(struct reader *r, uint64_t max)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 63; shift += 7) {
		unsigned char c = get_byte(r);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			if (v > max)
				break;
			return v;
		}
	}
	r->failed = r->failed ? r->failed : E_CORRUPT;
	return 0;
}

static struct slice get_text(struct reader *r)
{
	uint64_t n = get_number(r, TEXT_MAX_BYTES + 1);
	if (n == 0)
		return SLICE_NONE;
	n--;
	if ((uint64_t)(r->end - r->p) < n) {
		r->failed = E_CORRUPT;
		return SLICE_NONE;
	}
	struct slice s = { r->p, (uint32_t)n };
	r->p += n;
	return s;
}

/* An array of `count` rows; NULL when there are none or there was no memory. */
static void *rows_of(struct reader *r, uint64_t count, size_t size)
{
	if (r->failed || count == 0)
		return NULL;
	void *rows = arena_alloc(r->arena, count * size);
	if (!rows)
		r->failed = E_NOMEM;
	return rows;
}

static const struct host_mapping *get_mapping(struct reader *r, uint32_t *count)
{
	uint64_t n = get_number(r, DETAIL_MAX_ROWS);
	struct host_mapping *rows = rows_of(r, n, sizeof(*rows));
	*count = rows ? (uint32_t)n : 0;
	for (uint32_t i = 0; i < *count; i++) {
		rows[i].email = get_text(r);
		rows[i].source = get_text(r);
	}
	return rows;
}

static const struct host_policy *get_policies(struct reader *r, uint32_t *count)
{
	uint64_t n = get_number(r, DEVICE_MAX_POLICIES);
	struct host_policy *rows = rows_of(r, n, sizeof(*rows));
	uint32_t id = 0;
	*count = rows ? (uint32_t)n : 0;
	for (uint32_t i = 0; i < *count; i++) {
		id += (uint32_t)get_number(r, UINT32_MAX - id);
		unsigned char bits = get_byte(r);
		if (bits >> 1 > POLICY_FAIL)
			r->failed = r->failed ? r->failed : E_CORRUPT;
		rows[i] = (struct host_policy){ id, bits >> 1, bits & 1 };
	}
	return rows;
}

static void get_facts(struct reader *r, struct detail_facts *out)
{
	unsigned format = get_byte(r), flags = get_byte(r);
	if (!r->failed && (format != FORMAT || flags > FLAGS))
		r->failed = E_CORRUPT;
	out->fetched_at = (int64_t)get_number(r, INT64_MAX);
	unsigned states = get_byte(r);
	if (states > 15 || (states & 3) > HOST_YES || states >> 2 > HOST_YES)
		r->failed = r->failed ? r->failed : E_CORRUPT;
	out->disk_encryption_enabled = states & 3;
	out->encryption_key_available = states >> 2;
	out->os_settings_disk_encryption = get_text(r);
	out->orbit_version = get_text(r);
	out->desktop_version = get_text(r);
	out->device_status = get_text(r);
	out->pending_action = get_text(r);
	if (flags & FLAG_LISTED) {
		out->listed_at = (int64_t)get_number(r, INT64_MAX);
		out->listed_disk_encryption = get_text(r);
	}
	out->has_end_users = flags & FLAG_END_USERS;
	out->has_mapping = flags & FLAG_MAPPING;
	out->has_policies = flags & FLAG_POLICIES;
	if (out->has_end_users)
		out->end_users = get_mapping(r, &out->end_user_count);
	if (out->has_mapping)
		out->mapping = get_mapping(r, &out->mapping_count);
	if (out->has_policies)
		out->policies = get_policies(r, &out->policy_count);
	if (!r->failed && r->p != r->end)
		r->failed = E_CORRUPT;
}

int detail_unpack(struct detail_facts *out, const void *bytes, size_t n, struct arena *arena)
{
	*out = (struct detail_facts){ 0 };
	if (n == 0)
		return OK;
	if (n > UINT32_MAX)
		return E_CORRUPT;
	struct slice copy = arena_copy(arena, bytes, n);
	if (!copy.p)
		return E_NOMEM;
	struct reader r = { copy.p, copy.p + n, arena, OK };
	get_facts(&r, out);
	if (r.failed)
		*out = (struct detail_facts){ 0 };
	return r.failed;
}
