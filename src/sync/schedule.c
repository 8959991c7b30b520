#include "sync/schedule.h"

#include "base/err.h"
#include "base/must.h"
#include "sync/backoff.h"

enum {
	PAUSED = 1,     /* the operator's wish, whatever runs */
	REFUSED = 2,    /* the token was refused and has not been let in since */
	OPEN = 4,       /* the breaker */
	CANCELLING = 8, /* SCHEDULE_CANCEL was answered */
	AGAIN = 16,     /* when this sync ends, another starts */
	NEW_TOKEN = 32, /* the token changed while the sync ran */
	CROWD = 64,     /* started in a slot beside many others */
};

/* An end so far back that any interval is over, and the most by which a wall
 * clock is believed. */
#define LONG_AGO (INT64_MIN / 2)
#define YEARS_S  ((int64_t)1 << 32)

struct step {
	struct schedule *s;
	const struct schedule_facts *f;
	int64_t now_ms;
	struct random *random;
};

typedef enum schedule_action rule_fn(const struct step *t);

enum follow {
	FOLLOW_SUCCESS,
	FOLLOW_SERVER,  /* back off; the breaker counts */
	FOLLOW_LOCAL,   /* back off */
	FOLLOW_SETTING, /* an interval */
	FOLLOW_ROLE,
	FOLLOW_TOKEN,
};

static enum follow follow_of(int rc)
{
	switch (rc) {
	case E_HELD:
		return FOLLOW_SUCCESS;
	case E_TOKEN:
		return FOLLOW_TOKEN;
	case E_THROTTLED:
		return FOLLOW_SERVER;
	default:
		break;
	}
	switch (err_class(rc)) {
	case ERR_CLASS_NONE:
		return FOLLOW_SUCCESS;
	case ERR_CLASS_RETRY:
	case ERR_CLASS_DATA:
		return FOLLOW_SERVER;
	case ERR_CLASS_AUTH:
		return FOLLOW_ROLE;
	case ERR_CLASS_LIMIT:
	case ERR_CLASS_GONE:
	case ERR_CLASS_CONFIG:
		return FOLLOW_SETTING;
	case ERR_CLASS_BUSY:
	case ERR_CLASS_SYSTEM:
	case ERR_CLASS_INTERNAL:
		break;
	}
	return FOLLOW_LOCAL;
}

/* ---- how long ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t between(const struct step *t, int64_t from, int64_t to)
{
	return from + (int64_t)random_below(t->random, (uint64_t)(to - from) + 1);
}

static int64_t interval_of(const struct step *t)
{
	return most(t->f->interval_ms, SCHEDULE_GAP_MS);
}

static int64_t doubled(int64_t ms, unsigned times, int64_t cap)
{
	while (times-- > 0 && ms < cap)
		ms *= 2;
	return least(ms, cap);
}

static int64_t jittered(const struct step *t, int64_t ms)
{
	return most(between(t, ms - ms / 10, ms + ms / 10), SCHEDULE_GAP_MS);
}

static int64_t backoff_wait(const struct step *t)
{
	int64_t cap = most(interval_of(t), SCHEDULE_BACKOFF_MS);
	return between(t, SCHEDULE_GAP_MS, doubled(SCHEDULE_BACKOFF_MS, t->s->failures - 1u, cap));
}

static int64_t probe_wait(const struct step *t)
{
	int64_t cap = most(least(2 * interval_of(t), SCHEDULE_PROBE_CAP_MS), SCHEDULE_PROBE_FLOOR_MS);
	unsigned past = t->s->strikes > SCHEDULE_STRIKES ? t->s->strikes - (unsigned)SCHEDULE_STRIKES : 0;
	int64_t ms = doubled(SCHEDULE_PROBE_MS, past, cap);
	return between(t, ms - ms / 4, ms);
}

/* Tenants that started together would meet again every interval for days: the
 * first wait after that is a random part of it. */
static int64_t interval_wait(const struct step *t)
{
	int64_t ms = interval_of(t);
	if (t->s->flags & CROWD)
		return most(between(t, ms / 4, ms), SCHEDULE_GAP_MS);
	return jittered(t, ms);
}

/* ---- where to ---- */

static enum schedule_action become(const struct step *t, enum schedule_state state, int64_t next_ms)
{
	t->s->state = (uint8_t)state;
	t->s->next_ms = next_ms;
	return SCHEDULE_NOTHING;
}

static enum schedule_action start(const struct step *t)
{
	become(t, SCHEDULE_QUEUED, SCHEDULE_NEVER);
	return SCHEDULE_START;
}

/* Nothing runs: the state that the flags and counters say, until due_ms. */
static enum schedule_action rest(const struct step *t)
{
	const struct schedule *s = t->s;
	if (s->flags & PAUSED)
		return become(t, SCHEDULE_PAUSED, SCHEDULE_NEVER);
	if (s->flags & REFUSED)
		return become(t, SCHEDULE_AUTH_FAILED, SCHEDULE_NEVER);
	if (s->due_ms <= t->now_ms)
		return start(t);
	if (s->flags & OPEN)
		return become(t, SCHEDULE_BROKEN, s->due_ms);
	return become(t, s->failures ? SCHEDULE_BACKING_OFF : SCHEDULE_WAITING, s->due_ms);
}

static enum schedule_action rest_until(const struct step *t, int64_t due_ms)
{
	t->s->due_ms = due_ms;
	return rest(t);
}

static enum schedule_action rest_in_slot(const struct step *t)
{
	if (t->f->slot_ms)
		t->s->flags |= CROWD;
	return rest_until(t, t->now_ms + t->f->slot_ms);
}

/* ---- added ---- */

/* How long after the last sync the next one comes, as far as its result tells.
 * A restart is how people mend a setting or a token, and what it cut was not
 * finished: those are due at once. */
static int64_t wait_from_before(const struct step *t)
{
	struct schedule *s = t->s;
	enum follow follow = follow_of(s->rc);
	if (follow == FOLLOW_SERVER || follow == FOLLOW_LOCAL) {
		s->failures = 1;
		s->strikes = follow == FOLLOW_SERVER;
		return backoff_wait(t);
	}
	return follow == FOLLOW_SUCCESS && s->rc != E_CANCELLED ? interval_wait(t) : SCHEDULE_GAP_MS;
}

/* What has passed is known by the wall clock only, which may have been set. */
static enum schedule_action added(const struct step *t)
{
	struct schedule *s = t->s;
	const struct schedule_facts *f = t->f;
	*s = (struct schedule){ .flags = f->paused ? PAUSED : 0, .ended_ms = LONG_AGO };
	if (f->ended_at <= 0)
		return rest_in_slot(t);
	int64_t since_s = f->ended_at < f->unix_s ? least(f->unix_s - f->ended_at, YEARS_S) : 0;
	s->rc = f->ended_rc;
	s->ended_ms = t->now_ms - 1000 * since_s;
	int64_t due_ms = s->ended_ms + wait_from_before(t);
	return due_ms <= t->now_ms ? rest_in_slot(t) : rest_until(t, due_ms);
}

/* ---- while nothing runs ---- */

static enum schedule_action nothing(const struct step *t)
{
	(void)t;
	return SCHEDULE_NOTHING;
}

static enum schedule_action due(const struct step *t)
{
	return t->now_ms < t->s->next_ms ? SCHEDULE_NOTHING : start(t);
}

/* The time by the new interval; a failure may be mended by the change, unless it
 * was the server's wish to be left alone. */
static int64_t due_by_settings(const struct step *t)
{
	const struct schedule *s = t->s;
	if (s->rc == E_THROTTLED)
		return s->due_ms;
	if (s->rc != OK && s->rc != E_HELD)
		return t->now_ms;
	return s->ended_ms + interval_wait(t);
}

static enum schedule_action settings_changed(const struct step *t)
{
	int64_t due_ms = due_by_settings(t);
	return due_ms <= t->now_ms ? rest_in_slot(t) : rest_until(t, due_ms);
}

static enum schedule_action settings_while_paused(const struct step *t)
{
	t->s->due_ms = due_by_settings(t);
	return SCHEDULE_NOTHING;
}

static enum schedule_action token_changed(const struct step *t)
{
	t->s->flags &= (uint8_t)~REFUSED;
	return rest_in_slot(t);
}

static enum schedule_action token_while_paused(const struct step *t)
{
	t->s->flags &= (uint8_t)~REFUSED;
	t->s->due_ms = t->now_ms;
	return SCHEDULE_NOTHING;
}

static enum schedule_action pause_idle(const struct step *t)
{
	t->s->flags |= PAUSED;
	return rest(t);
}

static enum schedule_action resume_paused(const struct step *t)
{
	t->s->flags &= (uint8_t)~PAUSED;
	return t->s->due_ms <= t->now_ms ? rest_in_slot(t) : rest(t);
}

static enum schedule_action forget(const struct step *t)
{
	become(t, SCHEDULE_REMOVING, SCHEDULE_NEVER);
	return SCHEDULE_FORGET;
}

/* ---- while a start is waited for ---- */

static enum schedule_action started(const struct step *t)
{
	return become(t, t->s->flags & OPEN ? SCHEDULE_PROBING : SCHEDULE_RUNNING, SCHEDULE_NEVER);
}

static enum schedule_action token_while_queued(const struct step *t)
{
	t->s->flags &= (uint8_t)~REFUSED;
	return SCHEDULE_NOTHING;
}

static enum schedule_action pause_queued(const struct step *t)
{
	t->s->flags |= PAUSED;
	rest_until(t, t->now_ms);
	return SCHEDULE_WITHDRAW;
}

static enum schedule_action resume_queued(const struct step *t)
{
	t->s->flags &= (uint8_t)~PAUSED;
	return SCHEDULE_NOTHING;
}

/* ---- while a sync runs ---- */

static enum schedule_action cancel(const struct step *t)
{
	if (t->s->flags & CANCELLING)
		return SCHEDULE_NOTHING;
	t->s->flags |= CANCELLING;
	return SCHEDULE_CANCEL;
}

/* Joins, except one that is being cancelled for good. */
static enum schedule_action asked_running(const struct step *t)
{
	if (t->s->flags & CANCELLING)
		t->s->flags |= AGAIN;
	return SCHEDULE_NOTHING;
}

static enum schedule_action settings_running(const struct step *t)
{
	uint8_t flags = t->s->flags;
	/* on its way into the pause, after which it is due anyway */
	if ((flags & PAUSED) && (flags & CANCELLING))
		return SCHEDULE_NOTHING;
	t->s->flags |= AGAIN;
	return cancel(t);
}

static enum schedule_action token_running(const struct step *t)
{
	t->s->flags |= NEW_TOKEN;
	return settings_running(t);
}

static enum schedule_action pause_running(const struct step *t)
{
	t->s->flags = (uint8_t)((t->s->flags | PAUSED) & ~AGAIN);
	return cancel(t);
}

static enum schedule_action resume_running(const struct step *t)
{
	if ((t->s->flags & PAUSED) && (t->s->flags & CANCELLING))
		t->s->flags |= AGAIN;
	return resume_queued(t);
}

static enum schedule_action remove_running(const struct step *t)
{
	become(t, SCHEDULE_REMOVING, SCHEDULE_NEVER);
	return cancel(t);
}

/* ---- how a sync ended ---- */

static void count(uint8_t *n)
{
	if (*n < UINT8_MAX)
		++*n;
}

/* The server let the token in, whatever it said then. */
static void close_breaker(struct schedule *s)
{
	s->failures = s->strikes = 0;
	s->flags &= (uint8_t) ~(OPEN | REFUSED);
}

static int64_t failure_wait(const struct step *t, enum follow follow)
{
	struct schedule *s = t->s;
	count(&s->failures);
	if (follow == FOLLOW_SERVER) {
		count(&s->strikes);
		if (s->strikes >= SCHEDULE_STRIKES)
			s->flags |= OPEN;
	}
	int64_t wait = s->flags & OPEN ? probe_wait(t) : backoff_wait(t);
	if (t->f->rc == E_THROTTLED && t->f->retry_after_s >= 0)
		wait = most(wait, (int64_t)backoff_ms(t->random, 0, 1, t->f->retry_after_s));
	return wait;
}

/* Counts the failure and answers how long to wait. */
static int64_t book(const struct step *t, enum follow follow)
{
	struct schedule *s = t->s;
	switch (follow) {
	case FOLLOW_SUCCESS:
		close_breaker(s);
		break;
	case FOLLOW_SERVER:
	case FOLLOW_LOCAL:
		return failure_wait(t, follow);
	case FOLLOW_SETTING:
		if (s->flags & OPEN)
			return failure_wait(t, FOLLOW_SERVER);
		s->failures = 0;
		return jittered(t, interval_of(t));
	case FOLLOW_ROLE:
		close_breaker(s);
		return jittered(t, most(interval_of(t), SCHEDULE_ROLE_MS));
	case FOLLOW_TOKEN:
		close_breaker(s);
		s->flags |= REFUSED;
		return 0;
	}
	return interval_wait(t);
}

static enum schedule_action ended(const struct step *t, int rc, int64_t wait_ms)
{
	struct schedule *s = t->s;
	uint8_t flags = s->flags;
	s->rc = rc;
	s->ended_ms = t->now_ms;
	s->due_ms = t->now_ms + wait_ms;
	s->flags &= (uint8_t) ~(CANCELLING | AGAIN | NEW_TOKEN | CROWD);
	if (flags & NEW_TOKEN)
		s->flags &= (uint8_t)~REFUSED;
	if ((flags & AGAIN) && !(rc == E_TOKEN && (s->flags & REFUSED)))
		return start(t);
	return rest(t);
}

static enum schedule_action succeeded(const struct step *t)
{
	return ended(t, OK, book(t, FOLLOW_SUCCESS));
}

/* Cut for a pause it is overdue when that ends; otherwise nobody is in a hurry. */
static enum schedule_action cancelled(const struct step *t)
{
	return ended(t, E_CANCELLED, t->s->flags & PAUSED ? 0 : jittered(t, interval_of(t)));
}

static enum schedule_action failed(const struct step *t)
{
	must(t->f->rc < OK);
	if (t->f->rc == E_CANCELLED)
		return cancelled(t);
	return ended(t, t->f->rc, book(t, follow_of(t->f->rc)));
}

/* NULL: cannot be. The states of a row:
 * new, waiting, queued, running, backing_off, broken, probing, auth_failed, paused, removing */
static rule_fn *const rules[SCHEDULE_EVENTS][SCHEDULE_STATES] = {
	[SCHEDULE_ADDED] = { added },
	[SCHEDULE_DUE] = { NULL, due, nothing, nothing, due, due, nothing, nothing, nothing, nothing },
	[SCHEDULE_STARTED] = { NULL, NULL, started },
	[SCHEDULE_SUCCEEDED] = { NULL, NULL, NULL, succeeded, NULL, NULL, succeeded, NULL, NULL, forget },
	[SCHEDULE_FAILED] = { NULL, NULL, NULL, failed, NULL, NULL, failed, NULL, NULL, forget },
	[SCHEDULE_CANCELLED] = { NULL, NULL, NULL, cancelled, NULL, NULL, cancelled, NULL, NULL, forget },
	[SCHEDULE_ASKED] = { NULL, start, nothing, asked_running, start, start, asked_running, start, start,
			     nothing },
	[SCHEDULE_SETTINGS_CHANGED] = { NULL, settings_changed, nothing, settings_running, settings_changed,
					settings_changed, settings_running, nothing, settings_while_paused,
					nothing },
	[SCHEDULE_TOKEN_CHANGED] = { NULL, token_changed, token_while_queued, token_running, token_changed,
				     token_changed, token_running, token_changed, token_while_paused,
				     nothing },
	[SCHEDULE_PAUSE] = { NULL, pause_idle, pause_queued, pause_running, pause_idle, pause_idle,
			     pause_running, pause_idle, nothing, nothing },
	[SCHEDULE_RESUME] = { NULL, nothing, resume_queued, resume_running, nothing, nothing, resume_running,
			      nothing, resume_paused, nothing },
	[SCHEDULE_REMOVE] = { forget, forget, forget, remove_running, forget, forget, remove_running, forget,
			      forget, nothing },
};

enum schedule_action schedule_step(struct schedule *s, enum schedule_event event,
				   const struct schedule_facts *f, int64_t now_ms, struct random *r)
{
	must(s->state < SCHEDULE_STATES && event < SCHEDULE_EVENTS);
	rule_fn *rule = rules[event][s->state];
	must(rule != NULL);
	return rule(&(struct step){ s, f, now_ms, r });
}

bool schedule_breaker_open(const struct schedule *s)
{
	return s->flags & OPEN;
}

uint32_t schedule_slot_ms(uint32_t i, uint32_t count, int64_t interval_ms)
{
	uint64_t tenth = interval_ms > 0 ? (uint64_t)interval_ms / 10 : 0,
		 all = (uint64_t)count * SCHEDULE_SLOT_MS;
	uint64_t window = all < tenth ? all : tenth;
	return i < count ? (uint32_t)(window * i / count) : (uint32_t)window;
}

const char *schedule_state_name(enum schedule_state state)
{
	static const char *const names[SCHEDULE_STATES] = {
		"new",    "waiting", "queued",      "running", "backing_off",
		"broken", "probing", "auth_failed", "paused",  "removing",
	};
	return (unsigned)state < SCHEDULE_STATES ? names[state] : "unknown";
}
