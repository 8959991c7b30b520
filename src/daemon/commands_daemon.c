/* The daemon itself: status, reload, log, copies of the store, the end. */
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/commands.h"
#include "store/backup.h"

#include <stdio.h>
#include <unistd.h>

void command_version(struct admin_call *call)
{
	struct buf b;
	command_row(&b);
	json_word(&b, "program", "musterd");
	json_word(&b, "version", MUSTER_VERSION);
	json_count(&b, "store_format", STORE_FORMAT);
	command_send(call, &b);
	admin_end(call, OK, NULL);
}

/* ---- status ---- */

static void milliseconds(struct buf *b, const char *key, double seconds)
{
	json_key(b, key, strlen(key));
	buf_printf(b, "%.1f", seconds * 1000);
}

static void daemon_members(struct buf *b, const struct service *s)
{
	static const char *const states[] = { "starting", "ready", "draining" };
	int64_t now = clock_unix_s();
	json_k(b, "daemon");
	json_open(b, '{');
	json_word(b, "version", MUSTER_VERSION);
	json_count(b, "pid", (uint64_t)getpid());
	json_when(b, "started", s->started_at);
	json_count(b, "uptime_s", now > s->started_at ? (uint64_t)(now - s->started_at) : 0);
	json_word(b, "state", states[s->state]);
	json_word(b, "config", s->conf->file);
	json_when(b, "config_loaded", s->conf_loaded_at);
	json_k(b, "config_refused");
	json_bool(b, s->reload_failed);
	json_word(b, "log_level", log_level_name(log_level_of(NULL)));
	json_close(b, '}');
	json_k(b, "loop");
	json_open(b, '{');
	milliseconds(b, "lag_p50_ms", histogram_quantile(&s->lag, 0.5));
	milliseconds(b, "lag_p99_ms", histogram_quantile(&s->lag, 0.99));
	milliseconds(b, "lag_max_ms", (double)s->lag_max_us / 1e6);
	json_close(b, '}');
}

static void store_members(struct buf *b, const struct service *s)
{
	struct store_stat stat = { 0 };
	struct writer_stat writer;
	store_stat(s->env.store, &stat);
	writer_stat(s->env.writer, &writer);
	json_k(b, "store");
	json_open(b, '{');
	json_word(b, "path", s->conf->store_path);
	json_count(b, "used_bytes", stat.used_bytes);
	json_count(b, "map_bytes", stat.map_bytes);
	json_count(b, "readers", stat.readers);
	json_count(b, "commits", writer.commits);
	json_key(b, "commit_max_ms", strlen("commit_max_ms"));
	buf_printf(b, "%.1f", (double)writer.commit_ns_max / 1e6);
	json_close(b, '}');
	json_k(b, "queues");
	json_open(b, '{');
	json_count(b, "writer_jobs", writer_queued(s->env.writer));
	json_count(b, "work", work_queue_busy(s->work));
	json_count(b, "admin_calls", admin_calls(s->admin));
	json_close(b, '}');
}

static int add_devices(void *arg, const struct tenant_row *row)
{
	*(uint64_t *)arg += row->devices;
	return OK;
}

void command_status(struct admin_call *call)
{
	struct service *s = command_service(call);
	struct tenants_load load;
	uint64_t devices = 0;
	struct buf b;
	command_row(&b);
	daemon_members(&b, s);
	store_members(&b, s);
	tenants_load(s->tenants, &load);
	json_k(&b, "tenants");
	json_open(&b, '{');
	json_count(&b, "total", load.total);
	for (int i = SCHEDULE_WAITING; i < SCHEDULE_STATES; i++)
		json_count(&b, schedule_state_name(i), load.states[i]);
	json_close(&b, '}');
	store_tenants(s->env.store, add_devices, &devices);
	json_count(&b, "devices", devices);
	command_send(call, &b);
	admin_end(call, OK, NULL);
}

/* ---- reload and log ---- */

static void reload_row(void *arg, struct slice json)
{
	admin_row(arg, json);
}

void command_reload(struct admin_call *call)
{
	bool applied = service_reload(command_service(call), reload_row, call);
	json_k(admin_members(call), "applied");
	json_bool(admin_members(call), applied);
	admin_end(call, applied ? OK : E_CONFIG,
		  applied ? NULL : "the configuration has errors; the old one stays in force");
}

void command_log(struct admin_call *call)
{
	const char *group = call->word_count > 1 ? call->words[1] : NULL;
	enum log_level level;
	struct err e = { 0 };
	struct buf b;
	if (!log_level_parse(call->words[0], &level)) {
		admin_end(call, E_CONFIG, "the level is error, warning, notice, info or debug");
		return;
	}
	int rc = log_set_level(group, level, &e);
	if (rc == OK) {
		command_row(&b);
		json_word(&b, "level", log_level_name(level));
		json_word(&b, "group", group);
		command_send(call, &b);
	}
	admin_end(call, rc, rc ? e.text : NULL);
}

/* ---- copies ---- */

struct copying {
	struct work work;
	struct admin_call *call;
	struct store *store;
	char *path;
	bool compact;
	uint64_t bytes;
	int64_t begun_ms;
	int rc;
	struct err err;
};

static void run_copy(struct work *w)
{
	struct copying *c = (struct copying *)w;
	c->rc = store_backup(c->store, c->path, c->compact, &c->bytes, &c->err);
}

static void copied(struct work *w)
{
	struct copying *c = (struct copying *)w;
	struct buf b;
	if (w->cancelled && !c->bytes && c->rc == OK)
		c->rc = err_set(&c->err, E_CANCELLED, "the daemon stops; no copy was made");
	if (c->rc == OK) {
		command_row(&b);
		json_word(&b, "path", c->path);
		json_count(&b, "bytes", c->bytes);
		json_count(&b, "took_ms", (uint64_t)(clock_mono_ms() - c->begun_ms));
		command_send(c->call, &b);
	}
	admin_end(c->call, c->rc, c->rc ? c->err.text : NULL);
	mem_free(c->path);
	mem_free(c);
}

static void copy(struct admin_call *call, bool compact)
{
	struct service *s = command_service(call);
	struct copying *c;
	if (call->words[0][0] != '/') {
		admin_end(call, E_CONFIG,
			  "give the whole path, from the root on: the daemon has a folder of its own");
		return;
	}
	c = mem_zalloc(sizeof(*c));
	if (!c || !(c->path = mem_strdup(call->words[0]))) {
		mem_free(c);
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	c->work = (struct work){ .run = run_copy, .done = copied };
	c->call = call;
	c->store = s->env.store;
	c->compact = compact;
	c->begun_ms = clock_mono_ms();
	if (work_start(s->work, &c->work) != OK) {
		mem_free(c->path);
		mem_free(c);
		admin_end(call, E_NOMEM, NULL);
	}
}

void command_backup(struct admin_call *call)
{
	copy(call, false);
}

void command_compact(struct admin_call *call)
{
	copy(call, true);
}

void command_shutdown(struct admin_call *call)
{
	struct service *s = command_service(call);
	admin_end(call, OK, NULL);
	service_stop(s);
}
