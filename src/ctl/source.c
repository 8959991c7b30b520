#include "ctl/source.h"

#include "base/json.h"
#include "ctl/command.h"
#include "query/value.h"

enum { SLICE_BYTES = 256 << 10, ROWS_CEILING = 64 << 20 };

struct query_request source_request(const struct ctl *c, enum query_kind kind)
{
	const struct ctl_options *o = &c->options;
	return (struct query_request){
		.kind = kind,
		.tenant = ctl_word(c, 0),
		.word = ctl_word(c, 1),
		.since = o->since,
		.filter = { o->state, o->platform, o->owner, o->group },
		.now = c->now,
		.stale_after_s = o->stale_after_s,
	};
}

static int hand_out(const struct buf *rows, int (*each)(void *arg, struct slice row), void *arg)
{
	const char *p = rows->data, *end = p + rows->len;
	int rc = OK;
	while (!rc && rows->len && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		rc = each(arg, (struct slice){ p, (uint32_t)(stop - p) });
		p = stop + 1;
	}
	return rc;
}

int source_ask(struct ctl *c, const struct query_request *r, int (*each)(void *arg, struct slice row),
	       void *arg)
{
	struct query *q;
	struct buf rows;
	bool more = true;
	int rc = query_new(&q, c->store, r, &c->err);
	if (rc)
		return rc;
	buf_init(&rows, ROWS_CEILING);
	while (!rc && more) {
		buf_reset(&rows);
		rc = query_slice(q, &rows, SLICE_BYTES, &more, &c->err);
		int taken = hand_out(&rows, each, arg);
		rc = rc ? rc : taken;
	}
	buf_release(&rows);
	buf_reset(&c->end);
	json_open(&c->end, '{');
	query_end(q, &c->end);
	json_close(&c->end, '}');
	query_free(q);
	return rc ? rc : c->end.failed;
}

struct slice source_end(const struct ctl *c, const char *paths)
{
	return value_at(buf_slice(&c->end), paths);
}

uint64_t source_end_count(const struct ctl *c, const char *paths)
{
	int64_t v;
	return value_int(source_end(c, paths), &v) && v > 0 ? (uint64_t)v : 0;
}
