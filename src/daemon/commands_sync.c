/* Syncs by hand, waiting for them, and what follows from accepting deletions. */
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/commands.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROGRESS_EVERY_MS = 200 };

const struct admin_option sync_options[] = {
	{ "all", NULL, "every tenant that is not paused", false },
	{ "wait", NULL, "until it has ended, with progress", false },
	{ NULL, NULL, NULL, false },
};
const struct admin_option accept_options[] = {
	{ "count", "N", "the number of devices that are held, exactly", false },
	{ "wait", NULL, "until the sync that deletes them has ended", false },
	{ NULL, NULL, NULL, false },
};

/* A call that waits for the ends of some syncs. */
struct waiting {
	struct admin_call *call;
	struct service *s;
	struct timer *timer; /* for progress; NULL: none is told */
	size_t count, left;
	bool synced; /* a failure is one of the command, too */
	bool failed;
	struct one {
		struct tenant_waiter waiter;
		struct waiting *all;
		struct tenant *tenant; /* NULL: told */
	} items[];
};

static void free_waiting(struct waiting *w)
{
	for (size_t i = 0; i < w->count; i++)
		tenant_unwait(&w->items[i].waiter);
	timer_free(w->timer);
	mem_free(w);
}

static void done_row(struct admin_call *call, const struct tenant *t)
{
	const struct tenant_last *last = &t->last;
	struct buf b;
	command_row(&b);
	json_word(&b, "done", t->name);
	json_word(&b, "state", schedule_state_name(t->schedule.state));
	json_word(&b, "result", !last->ended_at ? "none" : last->rc == OK ? "ok" : err_name(last->rc));
	json_word(&b, "text", last->text);
	json_count(&b, "hosts", last->hosts);
	json_count(&b, "created", last->created);
	json_count(&b, "changed", last->changed);
	json_count(&b, "deleted", last->deleted);
	json_count(&b, "took_ms", last->took_ms);
	command_send(call, &b);
}

static void on_ended(struct tenant_waiter *waiter, bool gone)
{
	struct one *one = (struct one *)((char *)waiter - offsetof(struct one, waiter));
	struct waiting *w = one->all;
	struct tenant *t = one->tenant;
	one->tenant = NULL;
	if (!gone) {
		done_row(w->call, t);
		w->failed = w->failed || t->last.rc != OK;
	} else {
		w->failed = true;
	}
	if (--w->left)
		return;
	struct admin_call *call = w->call;
	bool failed = w->failed && w->synced;
	free_waiting(w);
	admin_end(call, failed ? E_SERVER : OK, failed ? "not every sync succeeded" : NULL);
}

static void on_gone(struct admin_call *call)
{
	free_waiting(call->state);
	admin_end(call, E_CANCELLED, NULL);
}

static void progress_row(struct admin_call *call, const struct tenant *t)
{
	struct sync_progress now;
	struct buf b;
	if (!t->sync || admin_full(call))
		return;
	tenant_sync_progress(t->sync, &now);
	command_row(&b);
	json_word(&b, "progress", t->name);
	json_word(&b, "phase", now.phase);
	json_count(&b, "hosts", now.hosts);
	json_count(&b, "expected", now.expected);
	json_count(&b, "details", now.details);
	json_count(&b, "retries", now.retries);
	command_send(call, &b);
}

static void on_timer(void *arg)
{
	struct waiting *w = arg;
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].tenant)
			progress_row(w->call, w->items[i].tenant);
	timer_arm(w->timer, PROGRESS_EVERY_MS);
}

static struct waiting *new_waiting(struct admin_call *call, size_t count, bool progress)
{
	struct service *s = command_service(call);
	struct waiting *w = mem_zalloc(sizeof(*w) + count * sizeof(w->items[0]));
	if (!w)
		return NULL;
	w->call = call;
	w->s = s;
	w->synced = true;
	if (progress && timer_new(&w->timer, s->env.loop, on_timer, w) != OK) {
		mem_free(w);
		return NULL;
	}
	call->state = w;
	return w;
}

static void wait_for(struct waiting *w, struct tenant *t)
{
	struct one *one = &w->items[w->count++];
	one->all = w;
	one->tenant = t;
	one->waiter.ended = on_ended;
	w->left++;
	tenant_wait(t, &one->waiter);
}

/* At least one is waited for. */
static void begin_waiting(struct waiting *w)
{
	admin_on_gone(w->call, on_gone);
	if (w->timer)
		timer_arm(w->timer, 0);
}

static void sync_one(struct admin_call *call, struct tenant *t)
{
	struct waiting *w = admin_flag(call, "wait") ? new_waiting(call, 1, true) : NULL;
	if (admin_flag(call, "wait") && !w) {
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	tenant_ask(t);
	if (!w) {
		admin_end(call, OK, NULL);
		return;
	}
	wait_for(w, t);
	begin_waiting(w);
}

static void sync_all(struct admin_call *call)
{
	struct service *s = command_service(call);
	size_t count = tenants_count(s->tenants), asked = 0;
	bool wait = admin_flag(call, "wait");
	struct waiting *w = wait ? new_waiting(call, count, true) : NULL;
	if (wait && !w) {
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	for (struct tenant *t = NULL; (t = tenants_next(s->tenants, t));) {
		if (t->schedule.state == SCHEDULE_PAUSED || t->schedule.state == SCHEDULE_REMOVING)
			continue;
		tenant_ask(t);
		asked++;
		if (w)
			wait_for(w, t);
	}
	json_count(admin_members(call), "asked", asked);
	if (w && w->count) {
		begin_waiting(w);
		return;
	}
	if (w)
		free_waiting(w);
	admin_end(call, OK, NULL);
}

void command_sync(struct admin_call *call)
{
	bool all = admin_flag(call, "all");
	if (all == (call->word_count == 1)) {
		admin_end(call, E_CONFIG,
			  all ? "give one tenant or --all, not both" : "say which tenant, or --all");
		return;
	}
	if (all) {
		sync_all(call);
		return;
	}
	struct tenant *t = command_tenant(call, 0);
	if (t)
		sync_one(call, t);
}

void command_wait(struct admin_call *call)
{
	const char *what = call->words[1];
	bool synced = !strcmp(what, "synced");
	if (!synced && strcmp(what, "idle") != 0) {
		admin_end(call, E_CONFIG, "it is \"synced\" or \"idle\" that can be waited for");
		return;
	}
	struct tenant *t = command_tenant(call, 0);
	if (!t)
		return;
	if (synced && !tenant_busy(t) && !t->last.ended_at)
		tenant_ask(t); /* it has not been synced since the start */
	struct waiting *w = new_waiting(call, 1, false);
	if (!w) {
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	w->synced = synced;
	wait_for(w, t);
	begin_waiting(w);
}

/* ---- accepting deletions ---- */

void command_accept(struct admin_call *call)
{
	struct service *s = command_service(call);
	const char *text = admin_value(call, "count");
	struct tenant_row row;
	struct err e = { 0 };
	struct buf b;
	char *end;
	uint64_t count = text ? strtoull(text, &end, 10) : 0;
	if (!text || text[0] < '0' || text[0] > '9' || *end) {
		admin_end(call, E_CONFIG,
			  "say how many are accepted: --count N, the number that \"deletions\" shows");
		return;
	}
	struct tenant *t = command_tenant(call, 0);
	if (!t)
		return;
	if (store_tenant_by_name(s->env.store, t->name, &row) != OK || row.hold == HOLD_NONE)
		err_set(&e, E_CONFLICT, "no deletion of \"%s\" is held; nothing was accepted", t->name);
	else if (row.hold_count != count)
		err_set(&e, E_CONFLICT,
			"%llu deletions of \"%s\" are held, not %llu; look at them again: nothing was "
			"accepted",
			(unsigned long long)row.hold_count, t->name, (unsigned long long)count);
	if (e.code) {
		admin_end(call, e.code, e.text);
		return;
	}
	command_row(&b);
	json_word(&b, "tenant", t->name);
	json_count(&b, "accepted", count);
	command_send(call, &b);
	/* a sync under way decided before the operator did: another follows it */
	tenant_accept(t, count);
	sync_one(call, t);
}
