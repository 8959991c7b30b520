#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "conf/plan.h"
#include "daemon/notify.h"
#include "daemon/runtime.h"
#include "daemon/service.h"

struct telling {
	void (*row)(void *arg, struct slice json);
	void *arg;
	struct buf json;
};

static void tell(struct telling *t, const char *what, const char *name, const char *settings,
		 const char *text)
{
	buf_reset(&t->json);
	json_open(&t->json, '{');
	json_k(&t->json, "what");
	json_text(&t->json, slice_of(what));
	json_k(&t->json, "name");
	json_text(&t->json, name ? slice_of(name) : SLICE_NONE);
	json_k(&t->json, "settings");
	json_text(&t->json, settings ? slice_of(settings) : SLICE_NONE);
	json_k(&t->json, "text");
	json_text(&t->json, text ? slice_of(text) : SLICE_NONE);
	json_close(&t->json, '}');
	t->row(t->arg, buf_slice(&t->json));
}

static void on_complaint(void *arg, const char *text)
{
	tell(arg, "complaint", NULL, NULL, text);
}

static bool token_differs(const struct conf_tenant *a, const struct conf_tenant *b)
{
	return a->token_bytes != b->token_bytes || memcmp(a->token, b->token, a->token_bytes) != 0;
}

static void change(struct service *s, struct telling *tell_to, const struct plan_row *row, uint32_t slot)
{
	struct tenant *t = tenants_find(s->tenants, row->name);
	struct err e;
	switch (row->kind) {
	case PLAN_REMOVED:
		if (t && t->source == TENANT_OF_FILE && tenants_remove(t, true, NULL, &e) == OK)
			tell(tell_to, "removed", row->name, NULL,
			     "its devices are kept: \"tenant remove\" removes them");
		break;
	case PLAN_ADDED:
		if (tenants_add(s->tenants, TENANT_OF_FILE, row->now, slot, &t, &e) == OK)
			tell(tell_to, "added", row->name, NULL, NULL);
		else
			tell(tell_to, "complaint", row->name, NULL, e.text);
		break;
	case PLAN_CHANGED:
		if (t && t->source == TENANT_OF_FILE) {
			tenant_configure(t, row->now, token_differs(row->was, row->now), slot);
			tell(tell_to, "changed", row->name, row->settings, NULL);
		}
		break;
	case PLAN_UNCHANGED:
		if (t && t->source == TENANT_OF_FILE)
			tenant_adopt(t, row->now);
		break;
	case PLAN_SETTING:
		tell(tell_to, "changed", row->name, row->fresh, NULL);
		break;
	case PLAN_RESTART:
		tell(tell_to, "restart_needed", row->name, row->fresh, "holds after a restart");
		break;
	case PLAN_KINDS:
		break;
	}
}

static void on_runtime_changed(void *arg, const char *tenant, const char *settings)
{
	tell(arg, "changed", tenant, settings, NULL);
}

static void on_runtime_complaint(void *arg, const char *tenant, const char *text)
{
	tell(arg, "complaint", tenant, NULL, text);
}

static void apply(struct service *s, struct conf *now, struct telling *t, struct plan *plan)
{
	uint32_t slot = 0, starting = (uint32_t)(plan->counts[PLAN_ADDED] + plan->counts[PLAN_CHANGED]);
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];
		bool starts = row->kind == PLAN_ADDED || row->kind == PLAN_CHANGED;
		change(s, t, row,
		       starts ? schedule_slot_ms(slot++, starting, row->now->interval_s * 1000) : 0);
	}
	if (plan->defaults)
		runtime_defaults(s, now,
				 &(struct runtime_telling){ on_runtime_changed, on_runtime_complaint, t });
	service_limit(s, &now->limits);
	log_configure(now->log.level, now->log.json);
	for (size_t i = 0; i < now->log.group_count; i++)
		log_set_level(now->log.groups[i].group, now->log.groups[i].level, NULL);
}

bool service_reload(struct service *s, void (*row)(void *arg, struct slice json), void *arg)
{
	struct telling t = { .row = row, .arg = arg };
	struct conf *now = NULL;
	struct plan *plan = NULL;
	notify_reloading();
	buf_init(&t.json, 64 << 10);
	int rc = conf_load(&now, s->conf->file, on_complaint, &t);
	if (!rc)
		rc = plan_make(&plan, s->conf, now);
	if (!rc) {
		struct conf *was = s->conf;
		apply(s, now, &t, plan);
		plan_free(plan);
		s->conf = now;
		s->conf_loaded_at = clock_unix_s();
		conf_free(was);
	} else {
		conf_free(now);
	}
	s->reload_failed = rc != OK;
	log_event(rc ? LOG_ERROR : LOG_NOTICE, "daemon", rc ? "configuration refused" : "configuration read",
		  "tenants", LOG_I(tenants_count(s->tenants)));
	buf_release(&t.json);
	notify_ready(rc ? "the new configuration was refused" : "ready");
	return rc == OK;
}
