#include "query/tenant_json.h"

#include "base/clock.h"
#include "base/json.h"

bool tenant_failed(const struct tenant_row *row)
{
	return row->sync_ended_at && row->sync_result != OK;
}

const char *tenant_sync_word(const struct tenant_row *row)
{
	if (!row->sync_ended_at)
		return "never";
	return row->sync_result == OK ? "ok" : "failed";
}

void tenant_json_time(struct buf *out, int64_t unix_s)
{
	char text[CLOCK_RFC3339_BYTES];
	if (!unix_s) {
		json_null(out);
		return;
	}
	clock_format_rfc3339(unix_s, text);
	json_text(out, slice_of(text));
}

static struct slice word(const char *s)
{
	return *s ? slice_of(s) : SLICE_NONE;
}

void tenant_json_sync(struct buf *out, const struct tenant_row *row)
{
	json_k(out, "sync");
	json_open(out, '{');
	json_k(out, "result");
	json_text(out, slice_of(tenant_sync_word(row)));
	json_k(out, "error");
	json_text(out, tenant_failed(row) ? slice_of(err_name(row->sync_result)) : SLICE_NONE);
	json_k(out, "text");
	json_text(out, word(row->sync_text));
	json_k(out, "begun");
	tenant_json_time(out, row->sync_begun_at);
	json_k(out, "ended");
	tenant_json_time(out, row->sync_ended_at);
	json_k(out, "last_ok");
	tenant_json_time(out, row->sync_ok_at);
	json_close(out, '}');
}

void tenant_json_hold(struct buf *out, const struct tenant_row *row)
{
	json_k(out, "hold");
	if (row->hold == HOLD_NONE) {
		json_null(out);
		return;
	}
	json_open(out, '{');
	json_k(out, "reason");
	json_text(out, slice_of(store_hold_reason_name(row->hold)));
	json_k(out, "count");
	json_int(out, (int64_t)row->hold_count);
	json_k(out, "since");
	tenant_json_time(out, row->hold_since);
	json_close(out, '}');
}

static void server(struct buf *out, const struct tenant_row *row)
{
	json_k(out, "server");
	json_open(out, '{');
	json_k(out, "url");
	json_text(out, word(row->url));
	json_k(out, "version");
	json_text(out, word(row->server_version));
	json_k(out, "role");
	json_text(out, word(row->role));
	json_k(out, "tier");
	json_text(out, word(row->tier));
	json_close(out, '}');
}

static void walk(struct buf *out, const struct tenant_row *row)
{
	json_k(out, "walk");
	json_open(out, '{');
	json_k(out, "state");
	json_text(out, slice_of(row->walking ? "under_way" : row->walk_completed_at ? "complete" : "none"));
	json_k(out, "number");
	json_int(out, (int64_t)row->walk);
	json_k(out, "hosts");
	json_int(out, (int64_t)row->walk_hosts);
	json_k(out, "cursor");
	json_int(out, (int64_t)row->cursor);
	json_k(out, "begun");
	tenant_json_time(out, row->walk_begun_at);
	json_k(out, "touched");
	tenant_json_time(out, row->walk_touched_at);
	json_k(out, "completed");
	tenant_json_time(out, row->walk_completed_at);
	json_close(out, '}');
}

void tenant_json(struct buf *out, const struct tenant_row *row)
{
	json_open(out, '{');
	json_k(out, "tenant");
	json_text(out, slice_of(row->name));
	json_k(out, "devices");
	json_int(out, (int64_t)row->devices);
	server(out, row);
	tenant_json_sync(out, row);
	walk(out, row);
	json_k(out, "baseline");
	json_bool(out, row->baseline);
	json_k(out, "seq");
	json_int(out, (int64_t)row->seq);
	json_k(out, "missing");
	json_int(out, (int64_t)row->missing);
	tenant_json_hold(out, row);
	json_close(out, '}');
}
