#include "daemon/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/health.h"
#include "daemon/metrics.h"
#include "daemon/notify.h"
#include "daemon/runtime.h"
#include "muster/exit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A sync that waits for the writer, for memory or for its next attempt has no
 * transfer, and each of those is to be used. Three of four syncs may wait, or
 * their servers hang, before anybody is held up. */
enum { SYNCS_PER_TRANSFER = 4 };
enum { DRAIN_MS = 20000, ALIVE_MS = 5000 };

/* ---- the end ---- */

static void check_ended(struct service *s)
{
	if (s->state == SERVICE_DRAINING && s->admin_closed && s->tenants_stopped &&
	    !service_upkeep_busy(s) && work_queue_busy(s->work) == 0)
		loop_stop(s->env.loop);
}

static void on_deadline(void *arg)
{
	struct service *s = arg;
	if (s->state != SERVICE_DRAINING)
		return;
	check_ended(s);
	if (clock_mono_ms() >= s->drain_until_ms) {
		log_event(LOG_WARNING, "daemon", "left before all was ended");
		log_flush();
		_exit(MUSTER_EXIT_FAILED);
	}
	timer_arm(s->deadline, 50);
}

static void on_admin_closed(void *arg)
{
	struct service *s = arg;
	s->admin_closed = true;
	check_ended(s);
}

static void on_tenants_stopped(void *arg)
{
	struct service *s = arg;
	s->tenants_stopped = true;
	check_ended(s);
}

void service_stop(struct service *s)
{
	if (s->state == SERVICE_DRAINING)
		return;
	s->state = SERVICE_DRAINING;
	log_event(LOG_NOTICE, "daemon", "stopping");
	notify_stopping(DRAIN_MS);
	s->drain_until_ms = clock_mono_ms() + DRAIN_MS;
	service_upkeep_stop(s);
	s->admin_closed = !s->admin;
	if (s->admin)
		admin_close(s->admin, on_admin_closed, s);
	tenants_stop(s->tenants, on_tenants_stopped, s);
	timer_arm(s->deadline, 50);
}

static void on_interrupt(void *arg, int count)
{
	if (count > 1) {
		log_flush();
		_exit(MUSTER_EXIT_FAILED);
	}
	service_stop(arg);
}

/* ---- while it runs ---- */

static void wake_loop(void *arg)
{
	waker_wake(arg);
}

static void answer_jobs(void *arg)
{
	struct service *s = arg;
	if (s->env.writer)
		writer_answer(s->env.writer);
}

static void wake_turns(void *arg)
{
	struct service *s = arg;
	timer_arm(s->turns_timer, 0);
}

static void on_turns(void *arg)
{
	struct service *s = arg;
	turns_run(&s->turns, clock_mono_ms());
}

void service_limit(struct service *s, const struct conf_ceilings *l)
{
	http_client_limit(s->env.http,
			  &(struct http_limits){ .transfers = l->transfers, .connections = l->connections });
	turns_set_limits(&s->turns, &(struct turns_limits){ UINT32_MAX, l->unproven_bytes });
	tenants_limit(s->tenants, (size_t)l->transfers * SYNCS_PER_TRANSFER);
}

static void log_row(void *arg, struct slice json)
{
	char text[1024];
	(void)arg;
	snprintf(text, sizeof(text), "%.*s", (int)json.n, json.p);
	log_event(LOG_NOTICE, "daemon", "reload", "row", LOG_S(text));
}

static void on_hangup(void *arg)
{
	struct service *s = arg;
	if (s->state == SERVICE_READY)
		service_reload(s, log_row, NULL);
}

static void on_alive(void *arg)
{
	struct service *s = arg;
	uint64_t every = notify_alive_every_ms();
	notify_alive();
	log_settle();
	metrics_look(s->metrics);
	timer_arm(s->alive, every && every < ALIVE_MS ? every : ALIVE_MS);
}

static void on_lag(void *arg, uint64_t late_us)
{
	struct service *s = arg;
	histogram_observe(&s->lag, (double)late_us / 1e6);
	if (late_us > s->lag_max_us)
		s->lag_max_us = late_us;
}

/* ---- the beginning ---- */

static int add_tenants_of_file(struct service *s, struct err *e)
{
	struct tenant *t;
	int rc = OK;
	for (size_t i = 0; i < s->conf->tenant_count && !rc; i++) {
		const struct conf_tenant *c = &s->conf->tenants[i];
		uint32_t slot =
			schedule_slot_ms((uint32_t)i, (uint32_t)s->conf->tenant_count, c->interval_s * 1000);
		rc = tenants_add(s->tenants, TENANT_OF_FILE, c, slot, &t, e);
	}
	return rc;
}

/* What a removal that was cut off has left. */
static int note_removing(void *arg, const struct tenant_row *row)
{
	struct service *s = arg;
	struct err e;
	if (row->removing && tenants_remove_stored(s->tenants, row->name, NULL, &e) != OK)
		return E_NOMEM;
	return OK;
}

static int open_store(struct service *s, struct err *e)
{
	struct store_options so = { .path = s->conf->store_path };
	int rc = store_open(&s->env.store, &so, e);
	if (!rc)
		rc = keyring_open(&s->keyring_line.keyring, s->conf->store_path, s->conf->key_file, e);
	return rc == E_NOT_FOUND && !s->conf->key_file ? OK : rc;
}

static int open_loop(struct service *s, struct err *e)
{
	static const double bounds[] = {
		0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5
	};
	static const char failed[] = "the event loop could not be set up";
	struct loop *l;
	int rc = loop_new(&s->env.loop, e);
	if (rc)
		return rc;
	l = s->env.loop;
	turns_init(&s->turns, &(struct turns_limits){ UINT32_MAX, s->conf->limits.unproven_bytes },
		   wake_turns, s);
	s->env.turns = &s->turns;
	histogram_init(&s->lag, bounds, sizeof(bounds) / sizeof(*bounds));
	if (!(rc = http_client_new(&s->env.http, l, e)) &&
	    !(rc = err_set(e, waker_new(&s->waker, l, answer_jobs, s), failed)) &&
	    !(rc = err_set(e, work_queue_new(&s->work, l), failed)) &&
	    !(rc = err_set(e, interrupts_new(&s->interrupts, l, on_interrupt, s), failed)) &&
	    !(rc = err_set(e, signal_watch_new(&s->hangup, l, SIGHUP, on_hangup, s), failed)) &&
	    !(rc = err_set(e, timer_new(&s->alive, l, on_alive, s), failed)) &&
	    !(rc = err_set(e, timer_new(&s->turns_timer, l, on_turns, s), failed)) &&
	    !(rc = err_set(e, timer_new(&s->deadline, l, on_deadline, s), failed)) &&
	    !(rc = err_set(e, loop_lag_new(&s->lag_watch, l, on_lag, s), failed)))
		rc = writer_start(&s->env.writer, s->env.store, wake_loop, s->waker, e);
	return rc;
}

static int open_tenants(struct service *s, struct err *e)
{
	struct tenants_options o = {
		.env = &s->env,
		.work = s->work,
		.sync = s->options->sync,
	};
	s->keyring_line.work = s->work;
	int rc = tenants_new(&s->tenants, &o, e);
	if (!rc)
		rc = err_set(e, metrics_new(&s->metrics, s), "the metrics could not be set up");
	if (!rc)
		service_limit(s, &s->conf->limits);
	if (!rc && store_tenants(s->env.store, note_removing, s) != OK)
		rc = err_set(e, E_NOMEM, "the tenants could not be read");
	if (!rc)
		rc = add_tenants_of_file(s, e);
	if (!rc && s->keyring_line.keyring)
		rc = runtime_load(s, e);
	return rc;
}

static int open_admin(struct service *s, struct err *e)
{
	struct admin_options o = {
		.path = s->conf->admin_socket,
		.commands = service_commands,
		.count = service_command_count,
		.work = s->work,
		.arg = s,
	};
	return o.path ? admin_new(&s->admin, s->env.loop, &o, e) : OK;
}

static int open_http(struct service *s, struct err *e)
{
	static const char plain[] = "text/plain; charset=utf-8";
	static const struct http_route routes[] = {
		{ "/metrics", EXPOSITION_CONTENT_TYPE, metrics_begin, metrics_slice, metrics_end },
		{ "/healthz", plain, health_begin_live, health_slice, health_end },
		{ "/readyz", plain, health_begin_ready, health_slice, health_end },
	};
	const struct conf_listen *l = &s->conf->http;
	char listen[PATH_MAX + sizeof("unix:")];
	struct http_server_options o = {
		.listen = listen,
		.routes = routes,
		.count = sizeof(routes) / sizeof(*routes),
		.arg = s,
	};
	if (l->kind == LISTEN_NONE)
		return OK;
	if (l->kind == LISTEN_UNIX)
		snprintf(listen, sizeof(listen), "unix:%s", l->path);
	else
		snprintf(listen, sizeof(listen), strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host,
			 l->port);
	return http_server_new(&s->http, s->env.loop, &o, e);
}

static void close_all(struct service *s)
{
	http_server_free(s->http);
	admin_free(s->admin);
	service_upkeep_free(s);
	tenants_free(s->tenants);
	metrics_free(s->metrics);
	writer_stop(s->env.writer);
	timer_free(s->deadline);
	timer_free(s->alive);
	timer_free(s->turns_timer);
	signal_watch_free(s->hangup);
	interrupts_free(s->interrupts);
	loop_lag_free(s->lag_watch);
	work_queue_free(s->work);
	waker_free(s->waker);
	if (s->env.http)
		http_client_free(s->env.http);
}

static int exit_of(int rc)
{
	switch (rc) {
	case E_LOCKED:
		return MUSTER_EXIT_BUSY;
	case E_NOMEM:
	case E_INTERNAL:
		return MUSTER_EXIT_SYSTEM;
	case E_CONFIG:
		return MUSTER_EXIT_CONFIG;
	default:
		return MUSTER_EXIT_STORE;
	}
}

static void say_ready(struct service *s)
{
	char status[64];
	snprintf(status, sizeof(status), "%zu tenants", tenants_count(s->tenants));
	s->state = SERVICE_READY;
	log_event(LOG_NOTICE, "daemon", "ready", "tenants", LOG_I(tenants_count(s->tenants)), "store",
		  LOG_S(s->conf->store_path), "socket",
		  LOG_S(s->conf->admin_socket ? s->conf->admin_socket : "none"), "http",
		  LOG_S(s->http ? http_server_address(s->http) : "none"), "version", LOG_S(MUSTER_VERSION));
	notify_ready(status);
	on_alive(s);
}

int service_run(struct conf *conf, const struct options *options)
{
	struct service s = { .options = options, .conf = conf, .env.random.state = random_seed() };
	struct err e = { 0 };
	int code = MUSTER_EXIT_OK;
	s.started_at = s.conf_loaded_at = clock_unix_s();
	int rc = open_store(&s, &e);
	if (!rc)
		rc = open_loop(&s, &e);
	if (!rc)
		rc = open_tenants(&s, &e);
	if (!rc)
		rc = open_admin(&s, &e);
	if (!rc)
		rc = open_http(&s, &e);
	if (!rc)
		rc = err_set(&e, service_upkeep_start(&s), "the upkeep of the store could not be set up");
	if (rc) {
		fprintf(stderr, "musterd: %s\n", e.text);
		code = exit_of(rc);
		if (s.tenants)
			service_stop(&s);
	} else {
		say_ready(&s);
	}
	if (s.tenants)
		loop_run(s.env.loop);
	close_all(&s);
	if (s.env.loop && loop_free(s.env.loop) != OK) {
		log_event(LOG_ERROR, "daemon", "the event loop did not close clean");
		code = MUSTER_EXIT_SYSTEM;
	}
	keyring_close(s.keyring_line.keyring);
	store_close(s.env.store);
	conf_free(s.conf);
	return code;
}
