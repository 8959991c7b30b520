#include "list.h"

#include "grab.h"
#include "list_query.h"
#include "prepared.h"
#include "render.h"
#include "replay.h"

#include <string.h>

/* The hosts of one page, in the order they are sent. */
struct selection {
	uint32_t *at; /* indices into the tenant's hosts */
	uint32_t count, capacity;
};

/* A page shorter than this is a probe: not worth preparing everything for. */
enum { PREPARED_MIN_PER_PAGE = 20 };

struct sort_row {
	int64_t number;
	uint32_t at;
	char text[64];
};

static int compare_rows(const void *a, const void *b)
{
	const struct sort_row *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	int c = strcmp(x->text, y->text);
	return c ? c : x->at < y->at ? -1 : x->at > y->at;
}

static void fill_row(struct sort_row *row, const struct tenant *t, enum list_order order)
{
	const struct sim_host *h = &t->hosts[row->at];
	if (order == ORDER_NONE)
		row->number = (int64_t)(fleet_mix(h->id, t->order_salt, 99) >> 1);
	if (order == ORDER_ID)
		row->number = (int64_t)h->id;
	if (order <= ORDER_ID)
		return;
	struct facts f;
	facts_make(&f, t, h);
	if (order == ORDER_CREATED)
		row->number = f.created_s;
	else if (order == ORDER_SEEN)
		row->number = f.seen_s;
	else
		snprintf(row->text, sizeof(row->text), "%.63s", f.hostname.s);
}

static bool behind_cursor(const struct list_query *q, const struct sort_row *row)
{
	if (!q->after)
		return true;
	if (q->order == ORDER_HOSTNAME)
		return q->descending ? strcmp(row->text, q->after) < 0 : strcmp(row->text, q->after) > 0;
	return q->descending ? row->number < (int64_t)q->after_id : row->number > (int64_t)q->after_id;
}

static void add(struct selection *s, uint32_t at)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 256;
		s->at = regrab(s->at, s->capacity * sizeof(s->at[0]));
	}
	s->at[s->count++] = at;
}

/* Filters, sorts and cuts a page out of everything: slow and general. */
static void select_any(struct selection *s, const struct tenant *t, const struct list_query *q)
{
	struct sort_row *rows = grab(t->count * sizeof(*rows));
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->count; i++) {
		if (!list_query_matches(q, t, &t->hosts[i]))
			continue;
		rows[n].at = i;
		fill_row(&rows[n], t, q->order);
		n += behind_cursor(q, &rows[n]);
	}
	qsort(rows, n, sizeof(*rows), compare_rows);
	uint64_t first = q->after ? 0 : q->page * q->per_page;
	for (uint64_t i = first; i < n && i - first < q->per_page; i++)
		add(s, rows[q->descending ? n - 1 - i : i].at);
	mem_free(rows);
}

/* In id order without a filter a page is a range. */
static bool is_range(const struct list_query *q, const struct tenant *t)
{
	return q->order == ORDER_ID && !q->descending && list_query_plain(q, t);
}

static uint32_t range(const struct tenant *t, const struct list_query *q, uint32_t *first)
{
	uint64_t at = q->after ? fleet_upper(t, q->after_id) : q->page * q->per_page;
	*first = at < t->count ? (uint32_t)at : t->count;
	uint32_t left = t->count - *first;
	return q->per_page < left ? (uint32_t)q->per_page : left;
}

/* What the faults do to which hosts are on the page. */
static void bend(struct selection *s, const struct effect *e)
{
	if (e->clamp >= 0 && s->count > e->clamp)
		s->count = (uint32_t)e->clamp;
	for (int64_t i = 0; i < e->missing && s->count > 1; i++) {
		memmove(&s->at[1], &s->at[2], (s->count - 2) * sizeof(s->at[0]));
		s->count--;
	}
	if (e->duplicate && s->count > 1)
		s->at[s->count - 1] = s->at[s->count - 2];
	if (!e->backwards)
		return;
	for (uint32_t i = 0; i < s->count / 2; i++) {
		uint32_t other = s->at[i];
		s->at[i] = s->at[s->count - 1 - i];
		s->at[s->count - 1 - i] = other;
	}
}

static void put_oversize(struct jout *o, int64_t string_bytes, int64_t depth)
{
	if (string_bytes > 0) {
		jout_key(o, "x_long");
		buf_putc(o->b, '"');
		for (int64_t i = 0; i < string_bytes && buf_reserve(o->b, 1); i++)
			buf_putc(o->b, (char)('a' + i % 26));
		buf_putc(o->b, '"');
		o->after_key = false;
		o->after_value = true;
	}
	if (depth > 0) {
		jout_key(o, "x_deep");
		for (int64_t i = 0; i < depth; i++)
			buf_putc(o->b, '[');
		for (int64_t i = 0; i < depth; i++)
			buf_putc(o->b, ']');
		o->after_key = false;
		o->after_value = true;
	}
}

/* The host that was just written gets more members before its last brace. */
static void extend_last(struct jout *o, const struct effect *e, bool first)
{
	int64_t string_bytes = e->bad_host == BAD_OVERSIZE && first ? 20 << 20 : 0;
	if (e->long_string_bytes > 0 && first)
		string_bytes = e->long_string_bytes;
	int64_t depth = first ? e->depth : 0;
	bool bad_utf8 = e->bad_utf8 && first;
	if (!string_bytes && !depth && !bad_utf8)
		return;
	while (o->b->len && o->b->data[o->b->len - 1] != '}')
		o->b->len--;
	o->b->len--;
	while (o->b->len && (o->b->data[o->b->len - 1] == '\n' || o->b->data[o->b->len - 1] == ' '))
		o->b->len--;
	o->after_value = true;
	o->depth++;
	put_oversize(o, string_bytes, depth);
	if (bad_utf8) {
		/* a lone surrogate, an overlong slash, a cut sequence */
		jout_key(o, "code_name");
		jout_raw(o, "\"bad \xed\xa0\x80 \xc0\xaf \xe2\x82 end\"");
	}
	jout_close(o, '{');
}

static void render_one(struct jout *o, struct tenant *t, const struct sim_host *h, const struct effect *e,
		       unsigned flags, bool first)
{
	if (e->nulls)
		flags |= RENDER_NULLS;
	if (first && e->bad_host == BAD_STRING) {
		jout_text(o, "this is not a host");
		return;
	}
	if (first && e->bad_host == BAD_NO_ID)
		flags |= RENDER_NO_ID;
	if (first && e->bad_host == BAD_WRONG_TYPES)
		flags |= RENDER_WRONG_TYPES;
	render_host(o, t, h, flags);
	extend_last(o, e, first);
}

static void ghost(struct jout *o, struct tenant *t, const struct selection *s, unsigned flags)
{
	struct sim_host h = s->count ? t->hosts[s->at[s->count - 1]] : (struct sim_host){ .machine = 1 };
	h.overrides = NULL;
	h.id = t->next_id + 1;
	h.machine = t->next_machine + 7;
	render_host(o, t, &h, flags);
}

static void write_hosts(struct jout *o, struct tenant *t, const struct selection *s, const struct effect *e,
			unsigned flags, struct reply *reply)
{
	bool streams = version_streams(&t->version);
	for (uint32_t i = 0; i < s->count; i++) {
		if (e->inband_hosts >= 0 && i >= e->inband_hosts)
			break;
		if (e->cut_hosts >= 0 && i >= e->cut_hosts)
			break;
		render_one(o, t, &t->hosts[s->at[i]], e, flags, i == s->count / 2);
		if (streams)
			reply_chunk_ends_here(reply);
	}
	if (e->lag_deleted)
		ghost(o, t, s, flags);
}

static void write_page(struct tenant *t, const struct selection *s, const struct effect *e, unsigned flags,
		       struct reply *reply)
{
	bool streams = version_streams(&t->version);
	struct jout o;
	reply_json(reply, &o);
	if (streams) {
		reply->type = "application/json";
		buf_reset(&reply->body);
		jout_init(&o, &reply->body, false);
		buf_puts(&reply->body, "{\"hosts\": ");
		o.depth = 1;
		o.after_key = true;
	} else {
		jout_key(&o, "hosts");
	}
	jout_open(&o, '[');
	write_hosts(&o, t, s, e, flags, reply);
	if (e->cut_hosts >= 0) {
		/* the sender stops here, in the middle of the document */
		buf_putc(&reply->body, ',');
		reply->mishap.cut_bytes = (int64_t)reply->body.len;
	}
	jout_close(&o, '[');
	if (e->inband_hosts >= 0) {
		buf_puts(&reply->body, ",\"error\": ");
		o.after_key = true;
		jout_text(&o, e->inband_text ? e->inband_text : "context deadline exceeded");
	}
	jout_close(&o, '{');
	if (!streams)
		buf_putc(&reply->body, '\n');
	reply->chunked = streams || reply->body.len > 2048;
}

void list_answer(struct tenant *t, const struct request *r, const struct effect *e, struct reply *reply)
{
	struct list_query q;
	if (!list_query_parse(&q, t, r, reply))
		return;
	if (q.order == ORDER_NONE)
		t->order_salt++;
	if (t->replay && replay_list(t->replay, &q, reply))
		return;
	struct selection s = { 0 };
	if (e->more > 0)
		q.per_page += (uint64_t)e->more;
	uint32_t first = 0, n = 0;
	bool by_range = is_range(&q, t);
	if (by_range)
		n = range(t, &q, &first);
	if (by_range && t->prepare && version_streams(&t->version) && q.per_page >= PREPARED_MIN_PER_PAGE &&
	    !effect_on_hosts(e)) {
		prepared_page(prepared_for(t, q.flags), reply, first, n);
		t->stats->hosts_listed += n;
		return;
	}
	if (by_range)
		for (uint32_t i = 0; i < n; i++)
			add(&s, first + i);
	else
		select_any(&s, t, &q);
	bend(&s, e);
	write_page(t, &s, e, q.flags, reply);
	t->stats->hosts_listed += s.count;
	mem_free(s.at);
}

void count_answer(struct tenant *t, const struct request *r, struct reply *reply)
{
	struct list_query q;
	if (!list_query_parse(&q, t, r, reply))
		return;
	uint32_t n = 0;
	bool plain = list_query_plain(&q, t);
	for (uint32_t i = 0; i < t->count; i++)
		n += plain || list_query_matches(&q, t, &t->hosts[i]);
	struct jout o;
	reply_json(reply, &o);
	jout_ki(&o, "count", n);
	reply_json_end(reply, &o);
}
