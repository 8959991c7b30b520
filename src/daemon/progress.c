#include "daemon/progress.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_BYTES = 640, SHOWN_LINES = 30 };

struct progress {
	FILE *out;
	size_t lines, drawn;
	bool live;
	char (*text)[LINE_BYTES];
	const char **phase;
	bool *ended;
};

struct progress *progress_new(FILE *out, size_t lines, bool live)
{
	struct progress *p = mem_zalloc(sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct progress){ .out = out, .lines = lines, .live = live };
	p->text = mem_zalloc(lines * sizeof(*p->text));
	p->phase = mem_zalloc(lines * sizeof(*p->phase));
	p->ended = mem_zalloc(lines * sizeof(*p->ended));
	if (!p->text || !p->phase || !p->ended) {
		progress_free(p);
		return NULL;
	}
	return p;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	mem_free(p->text);
	mem_free(p->phase);
	mem_free(p->ended);
	mem_free(p);
}

static unsigned width(const struct progress *p)
{
	struct winsize w;
	if (ioctl(fileno(p->out), TIOCGWINSZ, &w) == 0 && w.ws_col > 20)
		return w.ws_col;
	return 100;
}

static void clear_drawn(struct progress *p)
{
	if (p->drawn)
		fprintf(p->out, "\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

void progress_draw(struct progress *p)
{
	if (!p->live)
		return;
	unsigned columns = width(p);
	size_t waiting = 0;
	clear_drawn(p);
	for (size_t i = 0; i < p->lines; i++) {
		if (p->ended[i] || !p->text[i][0])
			continue;
		if (p->drawn == SHOWN_LINES) {
			waiting++;
			continue;
		}
		fprintf(p->out, "%.*s\n", (int)columns - 1, p->text[i]);
		p->drawn++;
	}
	if (waiting) {
		fprintf(p->out, "and %zu more\n", waiting);
		p->drawn++;
	}
	fflush(p->out);
}

static void bar(char out[24], uint64_t done, uint64_t all)
{
	int filled = all ? (int)(done >= all ? 20 : done * 20 / all) : 0;
	out[0] = '[';
	memset(out + 1, '#', (size_t)filled);
	memset(out + 1 + filled, '.', (size_t)(20 - filled));
	memcpy(out + 21, "]", 2);
}

void progress_update(struct progress *p, size_t line, const char *tenant, const struct sync_progress *now,
		     int64_t elapsed_ms)
{
	char meter[24];
	uint64_t rate = elapsed_ms > 0 ? now->hosts * 1000 / (uint64_t)elapsed_ms : 0;
	bar(meter, now->hosts, now->expected > now->hosts ? now->expected : now->hosts);
	snprintf(p->text[line], LINE_BYTES, "%-20s %-10s %s %8llu hosts %7llu/s  %llu details  %llu retries",
		 tenant, now->phase, meter, (unsigned long long)now->hosts, (unsigned long long)rate,
		 (unsigned long long)now->details, (unsigned long long)now->retries);
	if (!p->live && p->phase[line] != now->phase)
		fprintf(p->out, "%-20s %-10s %8llu hosts\n", tenant, now->phase,
			(unsigned long long)now->hosts);
	p->phase[line] = now->phase;
}

static void describe_changes(struct buf *b, const struct sync_report *r)
{
	const struct {
		uint64_t n;
		const char *what;
	} counts[] = {
		{ r->counts.created, "created" },
		{ r->counts.changed, "changed" },
		{ r->gone + r->counts.replaced, "deleted" },
		{ r->out_of_scope, "out of scope" },
		{ r->counts.revived, "revived" },
		{ r->counts.returned, "returned" },
		{ r->counts.rejected, "rejected" },
		{ r->details_failed, "details failed" },
		{ r->total.retries, "retries" },
	};
	bool any = false;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (counts[i].n) {
			buf_printf(b, ", %llu %s", (unsigned long long)counts[i].n, counts[i].what);
			any = true;
		}
	if (!any)
		buf_puts(b, ", nothing changed");
	if (r->wrong_types)
		buf_printf(b, ", %llu values of a wrong type read as null",
			   (unsigned long long)r->wrong_types);
	if (r->bad_utf8)
		buf_printf(b, ", %llu strings that were not UTF-8 repaired", (unsigned long long)r->bad_utf8);
}

static const char *const refusals[] = {
	[ACCEPT_OTHER_NUMBER] = "refused    the number given to --accept-deletions is not the number held",
	[ACCEPT_NOTHING_HELD] =
		"warning    --accept-deletions accepted nothing: nothing is held for this tenant",
	[ACCEPT_SCOPE_UNKNOWN] =
		"warning    --accept-deletions accepted nothing: the token's scope is unknown, so "
		"nothing may be deleted",
};

void progress_end(struct progress *p, size_t line, const char *tenant, const struct sync_report *r)
{
	struct buf b;
	buf_init(&b, 4096);
	if (r->rc == OK) {
		buf_printf(&b, "%-20s ok         %llu hosts", tenant, (unsigned long long)r->total.hosts);
		describe_changes(&b, r);
		buf_printf(&b, " (%u.%u s, Fleet %s%s%s%s)", r->took_ms / 1000, r->took_ms / 100 % 10,
			   r->server.version[0] ? r->server.version : "of unknown version",
			   r->server.tier[0] ? " " : "", r->server.tier, r->resumed ? ", resumed" : "");
	} else {
		buf_printf(&b, "%-20s failed     %s (%s)", tenant, r->err.text, err_name(r->rc));
	}
	if (r->hold != HOLD_NONE)
		buf_printf(
			&b,
			"\n%-20s held       %llu deletions (%s); look with musterctl deletions, accept with "
			"--accept-deletions %s=%llu",
			tenant, (unsigned long long)r->hold_count, store_hold_reason_name(r->hold), tenant,
			(unsigned long long)r->hold_count);
	if (r->accept_refused)
		buf_printf(&b, "\n%-20s %s", tenant, refusals[r->accept_refused]);
	if (r->warning[0])
		buf_printf(&b, "\n%-20s warning    %s", tenant, r->warning);
	clear_drawn(p);
	fprintf(p->out, "%s\n", buf_cstr(&b));
	fflush(p->out);
	buf_release(&b);
	p->ended[line] = true;
}
