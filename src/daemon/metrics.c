#include "daemon/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/metrics_state.h"

#include <string.h>

#define COUNT_OF(x) (sizeof(x) / sizeof(*(x)))

static const double request_bounds[] = { 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 100 };
static const double sync_bounds[] = { 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 3600, 14400 };

/* ---- counting ---- */

static int code_of(long status)
{
	static const long known[] = { 200, 400, 401, 402, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504 };
	int i = 0;
	if (status == 0)
		return METRICS_CODES - 1;
	while (i < (int)COUNT_OF(known) && known[i] != status)
		i++;
	return i;
}

/* That a host is gone is an answer. */
static bool is_error(const struct sync_exchange *x)
{
	return x->rc != OK && x->rc != E_CANCELLED && !(x->rc == E_GONE && x->endpoint == ENDPOINT_HOST);
}

static void on_exchange(void *arg, const struct sync_exchange *x)
{
	struct metrics *m = arg;
	const struct http_result *r = x->result;
	struct tenant *t = tenants_find(m->s->tenants, x->tenant->name);
	bool error = is_error(x);
	m->requests[x->endpoint][code_of(r->status)]++;
	histogram_observe(&m->request_s[x->endpoint], r->total_ms / 1e3);
	m->received += r->body_bytes;
	if (error)
		m->errors[x->rc - ERR_FIRST_]++;
	if (!t)
		return; /* it is being removed */
	t->seen.errors += error;
	t->seen.received += r->body_bytes;
	if (r->certificate_expires)
		t->last.certificate_expires = r->certificate_expires;
}

static void on_sync_ended(void *arg, struct tenant *t, const struct sync_report *r)
{
	struct metrics *m = arg;
	struct tenant_row row;
	if (r->rc != E_CANCELLED) {
		histogram_observe(&m->sync_s[r->rc != OK], r->took_ms / 1e3);
		t->seen.took_s = r->took_ms / 1e3;
		t->seen.up = r->rc == OK;
	}
	if (r->rc == OK)
		t->seen.ok_at = t->last.ok_at;
	if (store_tenant_by_name(m->s->env.store, t->name, &row) != OK)
		return;
	t->seen.seq = row.seq;
	t->seen.missing = row.missing;
	t->seen.held = row.hold ? row.hold_count : 0;
}

int metrics_new(struct metrics **out, struct service *s)
{
	struct metrics *m = mem_zalloc(sizeof(*m));
	*out = m;
	if (!m)
		return E_NOMEM;
	m->s = s;
	for (int i = 0; i < SYNC_ENDPOINTS; i++)
		histogram_init(&m->request_s[i], request_bounds, COUNT_OF(request_bounds));
	for (int i = 0; i < 2; i++)
		histogram_init(&m->sync_s[i], sync_bounds, COUNT_OF(sync_bounds));
	m->started_at = metrics_process_started();
	m->observer = (struct sync_observer){ on_exchange, m };
	s->env.observer = &m->observer;
	tenants_on_end(s->tenants, on_sync_ended, m);
	return OK;
}

void metrics_free(struct metrics *m)
{
	if (m)
		m->s->env.observer = NULL;
	mem_free(m);
}

/* ---- measuring ---- */

static bool same_reader(const struct store_reader *a, const struct store_reader *b)
{
	return a->pid == b->pid && a->thread == b->thread && a->snapshot == b->snapshot;
}

void metrics_look(struct metrics *m)
{
	m->stat_at_ms = clock_mono_ms();
	if (store_stat(m->s->env.store, &m->stat) != OK)
		return;
	if (!same_reader(&m->oldest, &m->stat.oldest)) {
		m->oldest = m->stat.oldest;
		m->oldest_since_ms = m->stat_at_ms;
	}
}

static void measure_store(struct metrics *m)
{
	const struct store_stat *stat = &m->stat;
	double *v = m->values;
	metrics_look(m);
	v[VALUE_STORE_USED] = (double)stat->used_bytes;
	v[VALUE_STORE_FILE] = (double)stat->file_bytes;
	v[VALUE_STORE_MAP] = (double)stat->map_bytes;
	v[VALUE_DISK_FREE] = (double)stat->disk_free_bytes;
	v[VALUE_DISK_SIZE] = (double)stat->disk_size_bytes;
	v[VALUE_READERS] = stat->readers;
	v[VALUE_OLDEST_READER] = m->oldest.pid ? (double)(m->stat_at_ms - m->oldest_since_ms) / 1e3 : 0;
}

static void measure_load(struct metrics *m)
{
	const struct service *s = m->s;
	struct http_stat http;
	struct turns_stat turns;
	double *v = m->values;
	http_client_stat(s->env.http, &http);
	turns_stat(&s->turns, clock_mono_ms(), &turns);
	tenants_load(s->tenants, &m->load);
	writer_stat(s->env.writer, &m->writer);
	v[VALUE_TRANSFERS] = http.running;
	v[VALUE_TRANSFERS_LIMIT] = s->conf->limits.transfers;
	v[VALUE_TRANSFERS_WAITING] = (double)m->load.in_line;
	v[VALUE_CONNECTIONS] = http.open;
	v[VALUE_CONNECTIONS_LIMIT] = s->conf->limits.connections;
	v[VALUE_UNPROVEN] = (double)turns.bytes;
	v[VALUE_UNPROVEN_LIMIT] = (double)s->conf->limits.unproven_bytes;
	v[VALUE_WRITER_JOBS] = (double)writer_queued(s->env.writer);
	v[VALUE_READS_WAITING] = (double)work_queue_waiting(s->work);
}

static void measure(struct metrics *m)
{
	double *v = m->values;
	v[VALUE_RELOAD_OK] = !m->s->reload_failed;
	v[VALUE_RELOAD_AT] = (double)m->s->conf_loaded_at;
	v[VALUE_RECEIVED] = (double)m->received;
	v[VALUE_LOG_LOST] = (double)log_lost();
	v[VALUE_STARTED_AT] = m->started_at;
	measure_load(m);
	measure_store(m);
	metrics_measure_process(v);
}

/* ---- a scrape ---- */

int metrics_begin(void *arg, void **state, unsigned *status, struct err *e)
{
	struct service *s = arg;
	struct metrics_scrape *scrape = mem_zalloc(sizeof(*scrape));
	(void)status;
	if (!scrape)
		return err_set(e, E_NOMEM, "out of memory for the metrics");
	scrape->m = s->metrics;
	scrape->x = (struct exposition){ .rows = metrics_rows, .count = metrics_row_count, .arg = scrape };
	measure(s->metrics);
	*state = scrape;
	return OK;
}

int metrics_slice(void *state, struct buf *body, size_t bytes, bool *more)
{
	struct metrics_scrape *scrape = state;
	scrape->at = NULL;
	*more = exposition_slice(&scrape->x, body, bytes);
	return body->failed;
}

void metrics_end(void *state)
{
	mem_free(state);
}
