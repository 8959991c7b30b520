#include "control.h"

#include "fault.h"
#include "mutate.h"
#include "stats.h"

#include <string.h>

static void answer_stats(struct sim *s, struct reply *reply)
{
	struct jout o;
	reply_json(reply, &o);
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		struct tenant *t = s->tenants[i];
		pthread_mutex_lock(&t->lock);
		jout_key(&o, t->name);
		jout_open(&o, '{');
		jout_ki(&o, "hosts", t->count);
		stats_render(t->stats, &o);
		jout_close(&o, '{');
		pthread_mutex_unlock(&t->lock);
	}
	reply_json_end(reply, &o);
}

static void clear_stats(struct sim *s, struct reply *reply)
{
	struct jout o;
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		pthread_mutex_lock(&s->tenants[i]->lock);
		stats_clear(s->tenants[i]->stats);
		pthread_mutex_unlock(&s->tenants[i]->lock);
	}
	reply_json(reply, &o);
	reply_json_end(reply, &o);
}

static void refuse(struct reply *reply, int status, const char *why)
{
	struct jout o;
	reply_json(reply, &o);
	jout_kt(&o, "error", why);
	reply_json_end(reply, &o);
	reply->status = status;
}

static void answer_fault(struct tenant *t, struct request *r, struct reply *reply)
{
	const char *wrong = NULL;
	pthread_mutex_lock(&t->lock);
	if (!strcmp(r->method, "DELETE"))
		fault_clear(t);
	else
		wrong = fault_add(t, buf_cstr(&r->body));
	pthread_mutex_unlock(&t->lock);
	if (wrong) {
		refuse(reply, 400, wrong);
		return;
	}
	struct jout o;
	reply_json(reply, &o);
	reply_json_end(reply, &o);
}

static void answer_mutate(struct tenant *t, struct request *r, struct reply *reply)
{
	struct jout o;
	reply_json(reply, &o);
	pthread_mutex_lock(&t->lock);
	const char *wrong = mutate(t, buf_cstr(&r->body), &o);
	pthread_mutex_unlock(&t->lock);
	if (wrong)
		jout_kt(&o, "error", wrong);
	reply_json_end(reply, &o);
	if (wrong)
		reply->status = 400;
}

void control_answer(struct sim *s, struct request *r, struct reply *reply)
{
	if (!strcmp(r->path, "/stats")) {
		if (!strcmp(r->method, "DELETE"))
			clear_stats(s, reply);
		else
			answer_stats(s, reply);
		return;
	}
	const char *name = !strncmp(r->path, "/t/", 3) ? r->path + 3 : "";
	size_t n = strcspn(name, "/");
	struct tenant *t = sim_tenant(s, name, n);
	if (t && !strcmp(name + n, "/fault"))
		answer_fault(t, r, reply);
	else if (t && !strcmp(name + n, "/mutate"))
		answer_mutate(t, r, reply);
	else
		refuse(reply, 404, t ? "no such control command" : "no such tenant");
}
