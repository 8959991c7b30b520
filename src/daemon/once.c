#include "daemon/once.h"

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/progress.h"
#include "muster/exit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TENANTS_AT_ONCE = 16, DRAW_MS = 200 };

struct once;

struct turn {
	struct once *once;
	const struct conf_tenant *conf;
	struct tenant_sync *sync;
	size_t line;
	int64_t begun_ms;
	bool ended;
};

struct once {
	const struct options *options;
	struct sync_environment env;
	struct waker *waker;
	struct timer *drawing;
	struct interrupts *interrupts;
	struct progress *progress;
	struct turn *turns;
	size_t count, started, running;
	bool failed, stopping;
};

static void start_more(struct once *o);

static void draw(void *arg)
{
	struct once *o = arg;
	struct sync_progress now;
	for (size_t i = 0; i < o->started; i++)
		if (o->turns[i].sync) {
			tenant_sync_progress(o->turns[i].sync, &now);
			progress_update(o->progress, i, o->turns[i].conf->name, &now,
					clock_mono_ms() - o->turns[i].begun_ms);
		}
	progress_draw(o->progress);
	if (o->running)
		timer_arm(o->drawing, DRAW_MS);
}

static void on_sync_done(void *arg, const struct sync_report *r)
{
	struct turn *t = arg;
	struct once *o = t->once;
	if (r->rc != OK || r->accept_refused)
		o->failed = true;
	progress_end(o->progress, t->line, t->conf->name, r);
	tenant_sync_free(t->sync);
	t->sync = NULL;
	t->ended = true;
	o->running--;
	start_more(o);
}

/* --accept-deletions alone accepts what is held at this moment. */
static void set_accept(struct once *o, const struct conf_tenant *c, struct sync_options *s)
{
	struct tenant_row row;
	for (size_t i = 0; i < o->options->accept_count; i++) {
		const struct accept_deletions *a = &o->options->accepts[i];
		if (strlen(c->name) == a->tenant_n && memcmp(c->name, a->tenant, a->tenant_n) == 0) {
			s->accept = true;
			s->accept_count = a->count;
		}
	}
	if (o->options->accept_held && !s->accept &&
	    store_tenant_by_name(o->env.store, c->name, &row) == OK && row.hold != HOLD_NONE) {
		s->accept = true;
		s->accept_count = row.hold_count;
	}
}

static int start_one(struct once *o, struct turn *t, struct err *e)
{
	struct sync_options s = o->options->sync;
	set_accept(o, t->conf, &s);
	int rc = tenant_sync_new(&t->sync, &o->env, t->conf, &s, e);
	if (rc != OK)
		return rc;
	t->begun_ms = clock_mono_ms();
	o->running++;
	tenant_sync_start(t->sync, on_sync_done, t);
	return OK;
}

static void start_more(struct once *o)
{
	while (!o->stopping && o->running < TENANTS_AT_ONCE && o->started < o->count) {
		struct turn *t = &o->turns[o->started++];
		struct sync_report r = { .rc = OK };
		r.rc = start_one(o, t, &r.err);
		if (r.rc != OK) {
			o->failed = t->ended = true;
			progress_end(o->progress, t->line, t->conf->name, &r);
		}
	}
	if (!o->running)
		loop_stop(o->env.loop);
}

static void on_interrupt(void *arg, int count)
{
	struct once *o = arg;
	if (count > 1)
		_exit(MUSTER_EXIT_FAILED);
	o->stopping = o->failed = true;
	for (size_t i = 0; i < o->started; i++)
		if (o->turns[i].sync)
			tenant_sync_cancel(o->turns[i].sync);
	if (!o->running)
		loop_stop(o->env.loop);
}

static void wake_loop(void *arg)
{
	waker_wake(arg);
}

static void answer_jobs(void *arg)
{
	struct once *o = arg;
	if (o->env.writer)
		writer_answer(o->env.writer);
}

static bool wanted(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->tenant_count; i++)
		if (strcmp(options->tenants[i], name) == 0)
			return true;
	return options->tenant_count == 0;
}

/* A name that was mistyped must not look like a sync that went well. */
static bool name_known(const struct conf *conf, const char *option, const char *name, size_t n)
{
	for (size_t i = 0; i < conf->tenant_count; i++)
		if (strlen(conf->tenants[i].name) == n && memcmp(conf->tenants[i].name, name, n) == 0)
			return true;
	fprintf(stderr,
		"musterd: --%s names \"%.*s\", which is no tenant of the configuration; mend the name\n",
		option, (int)n, name);
	return false;
}

static bool names_known(const struct conf *conf, const struct options *o)
{
	bool known = true;
	for (size_t i = 0; i < o->tenant_count; i++)
		known &= name_known(conf, "tenant", o->tenants[i], strlen(o->tenants[i]));
	for (size_t i = 0; i < o->accept_count; i++)
		known &= name_known(conf, "accept-deletions", o->accepts[i].tenant, o->accepts[i].tenant_n);
	return known;
}

static int fill_turns(struct once *o, const struct conf *conf)
{
	o->turns = mem_zalloc(conf->tenant_count * sizeof(*o->turns));
	if (!o->turns)
		return E_NOMEM;
	for (size_t i = 0; i < conf->tenant_count; i++)
		if (wanted(o->options, conf->tenants[i].name)) {
			o->turns[o->count] =
				(struct turn){ .once = o, .conf = &conf->tenants[i], .line = o->count };
			o->count++;
		}
	return OK;
}

static int open_all(struct once *o, const struct conf *conf, struct err *e)
{
	struct store_options so = { .path = conf->store_path };
	bool live = o->options->progress == PROGRESS_ALWAYS ||
		    (o->options->progress == PROGRESS_AUTO && isatty(STDOUT_FILENO));
	int rc = err_set(e, fill_turns(o, conf), "out of memory");
	if (rc == OK && !(o->progress = progress_new(stdout, o->count, live)))
		rc = err_set(e, E_NOMEM, "out of memory");
	if (rc == OK)
		rc = store_open(&o->env.store, &so, e);
	if (rc == OK)
		rc = loop_new(&o->env.loop, e);
	if (rc == OK)
		rc = http_client_new(&o->env.http, o->env.loop, e);
	if (rc == OK)
		rc = err_set(e, waker_new(&o->waker, o->env.loop, answer_jobs, o),
			     "the event loop could not be set up");
	if (rc == OK)
		rc = err_set(e, timer_new(&o->drawing, o->env.loop, draw, o),
			     "the event loop could not be set up");
	if (rc == OK)
		rc = err_set(e, interrupts_new(&o->interrupts, o->env.loop, on_interrupt, o),
			     "the event loop could not be set up");
	if (rc == OK)
		rc = writer_start(&o->env.writer, o->env.store, wake_loop, o->waker, e);
	o->env.random.state = random_seed();
	return rc;
}

static int close_all(struct once *o)
{
	int rc = OK;
	if (o->env.writer)
		writer_stop(o->env.writer);
	interrupts_free(o->interrupts);
	timer_free(o->drawing);
	if (o->waker)
		waker_free(o->waker);
	if (o->env.http)
		http_client_free(o->env.http);
	if (o->env.loop)
		rc = loop_free(o->env.loop);
	store_close(o->env.store);
	progress_free(o->progress);
	mem_free(o->turns);
	return rc;
}

static int exit_of(int rc)
{
	switch (rc) {
	case E_LOCKED:
		return MUSTER_EXIT_BUSY;
	case E_NOMEM:
	case E_INTERNAL:
		return MUSTER_EXIT_SYSTEM;
	default:
		return MUSTER_EXIT_STORE;
	}
}

int once_run(const struct conf *conf, const struct options *options)
{
	struct once o = { .options = options };
	struct err e = { 0 };
	if (!names_known(conf, options))
		return MUSTER_EXIT_USAGE;
	int rc = open_all(&o, conf, &e);
	if (rc != OK) {
		fprintf(stderr, "musterd: %s\n", e.text);
		close_all(&o);
		return exit_of(rc);
	}
	start_more(&o);
	draw(&o);
	if (o.running)
		loop_run(o.env.loop);
	if (close_all(&o) != OK) {
		fprintf(stderr, "musterd: the event loop did not close clean\n");
		return MUSTER_EXIT_SYSTEM;
	}
	return o.failed ? MUSTER_EXIT_FAILED : MUSTER_EXIT_OK;
}
