#include "store/tenant.h"

#include "base/err.h"

/* One description of the fields serves both directions. Numbers are 64 bits
 * big-endian, texts a 16-bit length and bytes. */
struct codec {
	struct buf *out; /* writing */
	struct slice in; /* reading */
	bool bad;
};

static void number(struct codec *c, uint64_t *v)
{
	unsigned char bytes[8];
	if (c->out) {
		put_u64(bytes, *v);
		buf_add(c->out, bytes, sizeof(bytes));
	} else if (c->in.n < sizeof(bytes)) {
		c->bad = true;
	} else {
		*v = get_u64((const unsigned char *)c->in.p);
		c->in.p += sizeof(bytes);
		c->in.n -= sizeof(bytes);
	}
}

#define NUMBER(c, field)                                                                                     \
	do {                                                                                                 \
		uint64_t v_ = (uint64_t)(field);                                                             \
		number(c, &v_);                                                                              \
		(field) = (__typeof__(field))v_;                                                             \
	} while (0)

static void text(struct codec *c, char *s, size_t size)
{
	uint64_t n = c->out ? strlen(s) : 0;
	number(c, &n);
	if (c->out) {
		buf_add(c->out, s, n);
	} else if (c->bad || n > c->in.n || n >= size) {
		c->bad = true;
	} else {
		memcpy(s, c->in.p, n);
		s[n] = '\0';
		c->in.p += n;
		c->in.n -= (uint32_t)n;
	}
}

#define TEXT(c, field) text(c, field, sizeof(field))

static void walk_fields(struct codec *c, struct tenant_row *r)
{
	NUMBER(c, r->walk);
	NUMBER(c, r->walking);
	NUMBER(c, r->mode);
	NUMBER(c, r->cursor);
	NUMBER(c, r->walk_begun_at);
	NUMBER(c, r->walk_touched_at);
	NUMBER(c, r->walk_completed_at);
	NUMBER(c, r->walk_hosts);
	TEXT(c, r->fingerprint);
}

static void upkeep_fields(struct codec *c, struct tenant_row *r)
{
	NUMBER(c, r->paused);
	NUMBER(c, r->removing);
	NUMBER(c, r->seq_dropped);
}

static void beside_fields(struct codec *c, struct tenant_row *r)
{
	NUMBER(c, r->details_cursor);
	NUMBER(c, r->encryption_at);
	NUMBER(c, r->encryption_tried_at);
}

static void state_fields(struct codec *c, struct tenant_row *r)
{
	NUMBER(c, r->baseline);
	NUMBER(c, r->indexed);
	NUMBER(c, r->devices);
	NUMBER(c, r->seq);
	NUMBER(c, r->missing);
	NUMBER(c, r->hold);
	NUMBER(c, r->hold_count);
	NUMBER(c, r->hold_since);
	for (size_t i = 0; i < sizeof(r->deleted_hour) / sizeof(r->deleted_hour[0]); i++) {
		NUMBER(c, r->deleted_hour[i]);
		NUMBER(c, r->deleted_count[i]);
	}
	NUMBER(c, r->sync_begun_at);
	NUMBER(c, r->sync_ended_at);
	NUMBER(c, r->sync_ok_at);
	NUMBER(c, r->sync_result);
	TEXT(c, r->sync_text);
	TEXT(c, r->server_version);
	TEXT(c, r->role);
	TEXT(c, r->tier);
	TEXT(c, r->url);
	NUMBER(c, r->stale_after_s);
}

static void fields(struct codec *c, struct tenant_state *t)
{
	NUMBER(c, t->row.number);
	walk_fields(c, &t->row);
	beside_fields(c, &t->row);
	upkeep_fields(c, &t->row);
	state_fields(c, &t->row);
	NUMBER(c, t->completed_walk);
	NUMBER(c, t->details);
	NUMBER(c, t->tombstones);
	NUMBER(c, t->reject_first);
	NUMBER(c, t->reject_next);
	NUMBER(c, t->index_upto);
	NUMBER(c, t->index_reach);
}

void tenant_state_write(struct buf *out, const struct tenant_state *t)
{
	struct codec c = { .out = out };
	struct tenant_state copy = *t;
	fields(&c, &copy);
}

int tenant_state_read(struct tenant_state *t, struct slice name, struct slice value)
{
	struct codec c = { .in = value };
	*t = (struct tenant_state){ 0 };
	if (name.n > STORE_NAME_MAX)
		return E_CORRUPT;
	memcpy(t->row.name, name.p, name.n);
	fields(&c, t);
	return c.bad || c.in.n ? E_CORRUPT : OK;
}

void tenant_count_deletion(struct tenant_row *row, int64_t now)
{
	uint32_t hour = (uint32_t)(now / 3600);
	size_t at = hour % (sizeof(row->deleted_hour) / sizeof(row->deleted_hour[0]));
	if (row->deleted_hour[at] != hour) {
		row->deleted_hour[at] = hour;
		row->deleted_count[at] = 0;
	}
	row->deleted_count[at]++;
}

uint64_t tenant_row_deleted_24h(const struct tenant_row *row, int64_t now)
{
	uint64_t sum = 0;
	uint32_t hour = (uint32_t)(now / 3600);
	for (size_t i = 0; i < sizeof(row->deleted_hour) / sizeof(row->deleted_hour[0]); i++)
		if (row->deleted_hour[i] <= hour && hour - row->deleted_hour[i] < 24)
			sum += row->deleted_count[i];
	return sum;
}

const char *store_hold_reason_name(enum store_hold_reason r)
{
	switch (r) {
	case HOLD_NONE:
		return "none";
	case HOLD_ALL_GONE:
		return "all_gone";
	case HOLD_TOO_MANY:
		return "too_many";
	case HOLD_REPLACED:
		return "replaced";
	case HOLD_SCOPE_CHANGED:
		return "scope_changed";
	}
	return "unknown";
}
