#include "stats.h"

#include "grab.h"

#include <string.h>

static const char *const names[] = {
#define X(name, text) text,
	ENDPOINTS(X)
#undef X
};

const char *endpoint_name(enum endpoint e)
{
	return names[e];
}

int endpoint_parse(const char *name)
{
	for (int i = 0; i < ENDPOINT_COUNT; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

struct stats *stats_new(void)
{
	return grab(sizeof(struct stats));
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	for (int i = 0; i < STATS_LOG; i++)
		mem_free(s->log[i].target);
	mem_free(s);
}

/* What is in flight stays counted: those requests will still end. */
void stats_clear(struct stats *s)
{
	int in_flight[ENDPOINT_COUNT];
	memcpy(in_flight, s->in_flight, sizeof(in_flight));
	for (int i = 0; i < STATS_LOG; i++)
		mem_free(s->log[i].target);
	*s = (struct stats){ 0 };
	memcpy(s->in_flight, in_flight, sizeof(in_flight));
	memcpy(s->max_in_flight, in_flight, sizeof(in_flight));
}

void stats_begin(struct stats *s, enum endpoint e)
{
	if (++s->in_flight[e] > s->max_in_flight[e])
		s->max_in_flight[e] = s->in_flight[e];
}

void stats_end(struct stats *s, enum endpoint e, const char *method, const char *target, int status,
	       int64_t began_ms, int64_t ended_ms)
{
	s->in_flight[e]--;
	for (int i = 0; i < STATS_STATUSES; i++) {
		if (s->by_status[e][i].count && s->by_status[e][i].status != status)
			continue;
		s->by_status[e][i].status = status;
		s->by_status[e][i].count++;
		break;
	}
	struct stats_entry *l = &s->log[s->requests++ % STATS_LOG];
	mem_free(l->target);
	*l = (struct stats_entry){ .target = grab_text(target),
				   .status = status,
				   .at_ms = began_ms,
				   .took_ms = ended_ms - began_ms };
	snprintf(l->method, sizeof(l->method), "%s", method);
}

static void render_counts(const struct stats *s, struct jout *o)
{
	char status[16];
	jout_key(o, "by_endpoint");
	jout_open(o, '{');
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		jout_key(o, names[e]);
		jout_open(o, '{');
		for (int i = 0; i < STATS_STATUSES && s->by_status[e][i].count; i++) {
			snprintf(status, sizeof(status), "%d", s->by_status[e][i].status);
			jout_ki(o, status, (int64_t)s->by_status[e][i].count);
		}
		jout_close(o, '{');
	}
	jout_close(o, '{');
}

void stats_render(const struct stats *s, struct jout *o)
{
	jout_ki(o, "requests", (int64_t)s->requests);
	jout_ki(o, "connections", (int64_t)s->connections);
	jout_ki(o, "bytes", (int64_t)s->bytes);
	jout_ki(o, "hosts_listed", (int64_t)s->hosts_listed);
	render_counts(s, o);
	jout_key(o, "max_in_flight");
	jout_open(o, '{');
	for (int e = 0; e < ENDPOINT_COUNT; e++)
		if (s->max_in_flight[e])
			jout_ki(o, names[e], s->max_in_flight[e]);
	jout_close(o, '{');
	jout_key(o, "log");
	jout_open(o, '[');
	uint64_t first = s->requests > STATS_LOG ? s->requests - STATS_LOG : 0;
	for (uint64_t i = first; i < s->requests; i++) {
		const struct stats_entry *l = &s->log[i % STATS_LOG];
		jout_open(o, '{');
		jout_kt(o, "method", l->method);
		jout_kt(o, "target", l->target);
		jout_ki(o, "status", l->status);
		jout_ki(o, "at_ms", l->at_ms);
		jout_ki(o, "took_ms", l->took_ms);
		jout_close(o, '{');
	}
	jout_close(o, '[');
}
