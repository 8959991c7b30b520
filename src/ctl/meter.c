#include "ctl/meter.h"

#include "base/err.h"
#include "base/mem.h"
#include "ctl/when.h"

#define HASH_NONFATAL_OOM      1
#define uthash_malloc(n)       mem_alloc(n)
#define uthash_free(p, n)      mem_free(p)
#define uthash_nonfatal_oom(e) (void)(e)
#include <uthash.h>

enum { LINE_BYTES = 256, SHOWN_LINES = 20, BAR = 20, NARROW_BAR = 8, NARROW = 72 };

struct running {
	UT_hash_handle hh;
	char *tenant, *phase;
	uint64_t hosts, expected, first_hosts;
	int64_t first_ms, now_ms;
};

struct meter {
	FILE *out;
	bool live;
	unsigned width;
	size_t drawn;
	struct running *tenants;
};

struct meter *meter_new(FILE *out, bool live, unsigned width)
{
	struct meter *m = mem_zalloc(sizeof(*m));
	if (m)
		*m = (struct meter){ .out = out, .live = live, .width = width };
	return m;
}

static void erase(struct meter *m)
{
	if (m->drawn)
		fprintf(m->out, "\033[%zuA\r\033[J", m->drawn);
	m->drawn = 0;
}

static void forget(struct meter *m, struct running *r)
{
	if (r->hh.tbl)
		HASH_DEL(m->tenants, r);
	mem_free(r->tenant);
	mem_free(r->phase);
	mem_free(r);
}

void meter_free(struct meter *m)
{
	if (!m)
		return;
	erase(m);
	fflush(m->out);
	for (struct running *r = m->tenants, *next; r; r = next) {
		next = r->hh.next;
		forget(m, r);
	}
	mem_free(m);
}

static struct running *find(struct meter *m, const char *tenant)
{
	struct running *r;
	HASH_FIND_STR(m->tenants, tenant, r);
	return r;
}

static struct running *add(struct meter *m, const char *tenant, uint64_t hosts, int64_t now_ms)
{
	struct running *r = mem_zalloc(sizeof(*r));
	if (!r)
		return NULL;
	r->tenant = mem_strdup(tenant);
	r->first_hosts = hosts;
	r->first_ms = now_ms;
	if (r->tenant)
		HASH_ADD_KEYPTR(hh, m->tenants, r->tenant, strlen(r->tenant), r);
	if (r->tenant && r->hh.tbl)
		return r;
	forget(m, r);
	return NULL;
}

int meter_update(struct meter *m, const char *tenant, const char *phase, uint64_t hosts, uint64_t expected,
		 int64_t now_ms)
{
	struct running *r = find(m, tenant);
	if (!r && !(r = add(m, tenant, hosts, now_ms)))
		return E_NOMEM;
	bool other = !r->phase || strcmp(r->phase, phase) != 0;
	r->hosts = hosts;
	r->expected = expected;
	r->now_ms = now_ms;
	if (!other)
		return OK;
	char *kept = mem_strdup(phase);
	if (!kept)
		return E_NOMEM;
	mem_free(r->phase);
	r->phase = kept;
	if (!m->live) {
		fprintf(m->out, "%-20s %-10s %llu hosts\n", tenant, phase, (unsigned long long)hosts);
		fflush(m->out);
	}
	return OK;
}

void meter_done(struct meter *m, const char *tenant, const char *line)
{
	struct running *r = find(m, tenant);
	if (r)
		forget(m, r);
	erase(m);
	fprintf(m->out, "%s\n", line);
	fflush(m->out);
}

/* "[######......]", or nothing when the end is not known. */
static void bar(char *out, int columns, uint64_t done, uint64_t all)
{
	int filled = done >= all ? columns : (int)((double)done / (double)all * columns);
	*out = '\0';
	if (!all)
		return;
	out[0] = '[';
	memset(out + 1, '#', (size_t)filled);
	memset(out + 1 + filled, '.', (size_t)(columns - filled));
	memcpy(out + 1 + columns, "] ", 3);
}

static void draw_line(const struct meter *m, const struct running *r)
{
	char line[LINE_BYTES], meter[BAR + 4], count[64], left[WHEN_BYTES + 16] = "", span[WHEN_BYTES];
	int64_t elapsed = r->now_ms - r->first_ms;
	uint64_t rate = elapsed > 0 && r->hosts > r->first_hosts
				? (r->hosts - r->first_hosts) * 1000 / (uint64_t)elapsed
				: 0;
	bar(meter, m->width < NARROW ? NARROW_BAR : BAR, r->hosts, r->expected);
	if (r->expected)
		snprintf(count, sizeof(count), "%llu of %llu hosts", (unsigned long long)r->hosts,
			 (unsigned long long)r->expected);
	else
		snprintf(count, sizeof(count), "%llu hosts", (unsigned long long)r->hosts);
	if (rate && r->expected > r->hosts) {
		when_span((int64_t)((r->expected - r->hosts) / rate), span);
		snprintf(left, sizeof(left), ", %s left", span);
	}
	snprintf(line, sizeof(line), "%-12s %-8s %s%s, %llu/s%s", r->tenant, r->phase, meter, count,
		 (unsigned long long)rate, left);
	fprintf(m->out, "%.*s\n", (int)(m->width > 1 ? m->width - 1 : 1), line);
}

void meter_draw(struct meter *m)
{
	size_t hidden = 0;
	if (!m->live)
		return;
	erase(m);
	for (const struct running *r = m->tenants; r; r = r->hh.next) {
		if (m->drawn == SHOWN_LINES) {
			hidden++;
			continue;
		}
		draw_line(m, r);
		m->drawn++;
	}
	if (hidden) {
		fprintf(m->out, "and %zu more\n", hidden);
		m->drawn++;
	}
	fflush(m->out);
}
