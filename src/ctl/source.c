#include "ctl/source.h"

#include "base/json.h"
#include "base/utf8.h"
#include "ctl/command.h"
#include "ctl/link.h"
#include "query/value.h"

enum { SLICE_BYTES = 256 << 10, ROWS_CEILING = 64 << 20, COMMAND_MAX = 32 << 20 };

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

/* ---- of a daemon ---- */

static void send_options(struct buf *line, const struct ctl_options *o)
{
	const struct {
		uint64_t bit;
		const char *name, *value; /* NULL: has none */
	} rows[] = {
		{ OPTION_STATE, "state", o->state },
		{ OPTION_PLATFORM, "platform", o->platform },
		{ OPTION_OWNER, "owner", o->owner },
		{ OPTION_GROUP, "group", o->group },
		{ OPTION_FOLLOW, "follow", NULL },
		{ OPTION_ALL, "all", NULL },
		{ OPTION_WAIT, "wait", NULL },
		{ OPTION_YES, "yes", NULL },
		{ OPTION_KEEP_DEVICES, "keep-devices", NULL },
		{ OPTION_NO_CHECK, "no-check", NULL },
	};
	const struct {
		uint64_t bit;
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ OPTION_SINCE, "since", o->since },
		{ OPTION_COUNT, "count", o->count },
		{ OPTION_STALE_AFTER, "stale-after", (uint64_t)o->stale_after_s },
	};
	char text[24];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (o->given & rows[i].bit)
			link_option(line, rows[i].name, rows[i].value);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i].value);
		if (o->given & numbers[i].bit)
			link_option(line, numbers[i].name, text);
	}
}

int source_ask_daemon(struct ctl *c, const struct buf *more, int (*each)(void *arg, struct slice row),
		      void *arg)
{
	struct buf line;
	int rc = OK;
	buf_init(&line, COMMAND_MAX);
	buf_puts(&line, c->command->name);
	for (size_t i = 0; i < c->word_count; i++)
		link_word(&line, c->words[i]);
	send_options(&line, &c->options);
	if (more && more->len) {
		link_reserve(&line, more->len + 1);
		buf_putc(&line, ' ');
		buf_add(&line, more->data, more->len);
	}
	if (line.failed)
		rc = err_set(&c->err, line.failed, "the command is too long, or there is no memory");
	else if (!utf8_valid(line.data, line.len))
		rc = err_set(&c->err, E_CONFIG, "the command is not UTF-8: write its words in UTF-8");
	if (!rc)
		rc = link_ask(c->link, buf_slice(&line), each, arg, &c->end, &c->err);
	link_wipe(&line);
	return rc;
}

/* ---- of a store ---- */

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

static int ask_store(struct ctl *c, const struct query_request *r, int (*each)(void *arg, struct slice row),
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

int source_ask(struct ctl *c, const struct query_request *r, int (*each)(void *arg, struct slice row),
	       void *arg)
{
	return c->link ? source_ask_daemon(c, NULL, each, arg) : ask_store(c, r, each, arg);
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
