#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "sync/schedule.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MINUTE   ((int64_t)60 * 1000)
#define HOUR     (60 * MINUTE)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { NOW = 1000 * 1000, DRAWS = 3000 };

static struct random draws = { 42 };

static enum schedule_action step(struct schedule *s, enum schedule_event event, int rc, int64_t now_ms)
{
	struct schedule_facts f = { .interval_ms = HOUR, .rc = rc, .retry_after_s = -1 };
	return schedule_step(s, event, &f, now_ms, &draws);
}

static void succeed(struct schedule *s)
{
	assert_int_equal(step(s, SCHEDULE_STARTED, OK, NOW), SCHEDULE_NOTHING);
	assert_int_equal(step(s, SCHEDULE_SUCCEEDED, OK, NOW), SCHEDULE_NOTHING);
}

static void fail_once(struct schedule *s, int rc)
{
	if (s->state != SCHEDULE_QUEUED)
		assert_int_equal(step(s, SCHEDULE_ASKED, OK, NOW), SCHEDULE_START);
	step(s, SCHEDULE_STARTED, OK, NOW);
	assert_int_equal(step(s, SCHEDULE_FAILED, rc, NOW), SCHEDULE_NOTHING);
}

/* A schedule that has come to `state` the usual way. */
static struct schedule in_state(enum schedule_state state)
{
	struct schedule s = { 0 };
	if (state == SCHEDULE_NEW)
		return s;
	assert_int_equal(step(&s, SCHEDULE_ADDED, OK, NOW), SCHEDULE_START);
	switch (state) {
	case SCHEDULE_QUEUED:
		break;
	case SCHEDULE_RUNNING:
		step(&s, SCHEDULE_STARTED, OK, NOW);
		break;
	case SCHEDULE_BACKING_OFF:
		fail_once(&s, E_CONNECT);
		break;
	case SCHEDULE_BROKEN:
	case SCHEDULE_PROBING:
		for (int i = 0; i < SCHEDULE_STRIKES; i++)
			fail_once(&s, E_CONNECT);
		if (state == SCHEDULE_BROKEN)
			break;
		assert_int_equal(step(&s, SCHEDULE_DUE, OK, s.next_ms), SCHEDULE_START);
		step(&s, SCHEDULE_STARTED, OK, NOW);
		break;
	case SCHEDULE_AUTH_FAILED:
		fail_once(&s, E_TOKEN);
		break;
	default:
		succeed(&s);
		if (state == SCHEDULE_PAUSED)
			step(&s, SCHEDULE_PAUSE, OK, NOW);
		if (state == SCHEDULE_REMOVING)
			step(&s, SCHEDULE_REMOVE, OK, NOW);
	}
	assert_int_equal(s.state, state);
	return s;
}

/* What each event does in each state: the state after it and the action. The
 * events DUE come at next_ms. "-" cannot be. Failures are of the network. */
static const struct {
	enum schedule_event event;
	const char *cell[SCHEDULE_STATES];
} expected[] = {
	/* new, waiting, queued, running, backing_off, broken, probing, auth_failed, paused, removing */
	{ SCHEDULE_ADDED, { "queued start", "-", "-", "-", "-", "-", "-", "-", "-", "-" } },
	{ SCHEDULE_DUE,
	  { "-", "queued start", "queued", "running", "queued start", "queued start", "probing",
	    "auth_failed", "paused", "removing" } },
	{ SCHEDULE_STARTED, { "-", "-", "running", "-", "-", "-", "-", "-", "-", "-" } },
	{ SCHEDULE_SUCCEEDED,
	  { "-", "-", "-", "waiting", "-", "-", "waiting", "-", "-", "removing forget" } },
	{ SCHEDULE_FAILED,
	  { "-", "-", "-", "backing_off", "-", "-", "broken", "-", "-", "removing forget" } },
	{ SCHEDULE_CANCELLED, { "-", "-", "-", "waiting", "-", "-", "broken", "-", "-", "removing forget" } },
	{ SCHEDULE_ASKED,
	  { "-", "queued start", "queued", "running", "queued start", "queued start", "probing",
	    "queued start", "queued start", "removing" } },
	{ SCHEDULE_SETTINGS_CHANGED,
	  { "-", "waiting", "queued", "running cancel", "queued start", "queued start", "probing cancel",
	    "auth_failed", "paused", "removing" } },
	{ SCHEDULE_TOKEN_CHANGED,
	  { "-", "queued start", "queued", "running cancel", "queued start", "queued start", "probing cancel",
	    "queued start", "paused", "removing" } },
	{ SCHEDULE_PAUSE,
	  { "-", "paused", "paused withdraw", "running cancel", "paused", "paused", "probing cancel",
	    "paused", "paused", "removing" } },
	{ SCHEDULE_RESUME,
	  { "-", "waiting", "queued", "running", "backing_off", "broken", "probing", "auth_failed", "waiting",
	    "removing" } },
	{ SCHEDULE_REMOVE,
	  { "removing forget", "removing forget", "removing forget", "removing cancel", "removing forget",
	    "removing forget", "removing cancel", "removing forget", "removing forget", "removing" } },
};

static const char *const actions[] = { "", " start", " withdraw", " cancel", " forget" };

static int64_t time_of(const struct schedule *s, enum schedule_event event)
{
	return event == SCHEDULE_DUE && s->next_ms != SCHEDULE_NEVER ? s->next_ms : NOW;
}

/* Whether the event stops the program, tried in a child. */
static bool stops(enum schedule_state state, enum schedule_event event)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDERR_FILENO);
		struct schedule s = in_state(state);
		step(&s, event, E_CONNECT, NOW);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void every_state_and_event(void **state)
{
	int wrong = 0;
	(void)state;
	assert_int_equal(COUNT(expected), SCHEDULE_EVENTS);
	for (size_t e = 0; e < COUNT(expected); e++) {
		enum schedule_event event = expected[e].event;
		assert_int_equal(event, e);
		for (enum schedule_state from = SCHEDULE_NEW; from < SCHEDULE_STATES; from++) {
			const char *want = expected[e].cell[from];
			char got[64] = "-";
			assert_non_null(want);
			if (strcmp(want, "-") != 0) {
				struct schedule s = in_state(from);
				enum schedule_action a = step(&s, event, E_CONNECT, time_of(&s, event));
				snprintf(got, sizeof(got), "%s%s", schedule_state_name(s.state), actions[a]);
			} else if (!stops(from, event)) {
				snprintf(got, sizeof(got), "is taken");
			}
			if (strcmp(got, want) == 0)
				continue;
			wrong++;
			print_error("event %zu in %s: \"%s\", wanted \"%s\"\n", e, schedule_state_name(from),
				    got, want);
		}
	}
	assert_int_equal(wrong, 0);
}

/* Stories: events one after the other, each with the state and action it leads to. */
enum {
	A = SCHEDULE_ASKED,
	S = SCHEDULE_SETTINGS_CHANGED,
	T = SCHEDULE_TOKEN_CHANGED,
	P = SCHEDULE_PAUSE,
	R = SCHEDULE_RESUME,
	X = SCHEDULE_REMOVE,
	GO = SCHEDULE_STARTED,
	WELL = SCHEDULE_SUCCEEDED,
	BAD = SCHEDULE_FAILED,
	CUT = SCHEDULE_CANCELLED,
	D = SCHEDULE_DUE
};

struct line {
	int event, rc;
	const char *after; /* NULL: the story's end */
};

static const struct {
	const char *name;
	enum schedule_state from;
	struct line lines[12];
} stories[] = {
	{ "settings change: cut, then anew",
	  SCHEDULE_RUNNING,
	  { { S, 0, "running cancel" },
	    { S, 0, "running" },
	    { CUT, 0, "queued start" },
	    { GO, 0, "running" },
	    { WELL, 0, "waiting" } } },
	{ "settings change as it ends well: still anew",
	  SCHEDULE_RUNNING,
	  { { S, 0, "running cancel" }, { WELL, 0, "queued start" } } },
	{ "settings change as it fails: anew, no pause",
	  SCHEDULE_RUNNING,
	  { { S, 0, "running cancel" }, { BAD, E_TIMEOUT, "queued start" } } },
	{ "settings change as the token is refused: no second attempt",
	  SCHEDULE_RUNNING,
	  { { S, 0, "running cancel" }, { BAD, E_TOKEN, "auth_failed" } } },
	{ "the token changes as the old one is refused: anew",
	  SCHEDULE_RUNNING,
	  { { T, 0, "running cancel" },
	    { BAD, E_TOKEN, "queued start" },
	    { GO, 0, "running" },
	    { BAD, E_TIMEOUT, "backing_off" } } },
	{ "pause cuts, resume is due at once",
	  SCHEDULE_RUNNING,
	  { { P, 0, "running cancel" },
	    { P, 0, "running" },
	    { CUT, 0, "paused" },
	    { D, 0, "paused" },
	    { R, 0, "queued start" } } },
	{ "resume before the cut is done",
	  SCHEDULE_RUNNING,
	  { { P, 0, "running cancel" }, { R, 0, "running" }, { CUT, 0, "queued start" } } },
	{ "pause, but it ended well first",
	  SCHEDULE_RUNNING,
	  { { P, 0, "running cancel" }, { WELL, 0, "paused" }, { R, 0, "waiting" } } },
	{ "asked while cut for a pause: one more sync, then paused",
	  SCHEDULE_RUNNING,
	  { { P, 0, "running cancel" },
	    { A, 0, "running" },
	    { CUT, 0, "queued start" },
	    { GO, 0, "running" },
	    { WELL, 0, "paused" } } },
	{ "settings change, then pause",
	  SCHEDULE_RUNNING,
	  { { S, 0, "running cancel" },
	    { P, 0, "running" },
	    { CUT, 0, "paused" },
	    { R, 0, "queued start" } } },
	{ "settings change while cut for a pause",
	  SCHEDULE_RUNNING,
	  { { P, 0, "running cancel" }, { S, 0, "running" }, { CUT, 0, "paused" } } },
	{ "asked while paused: one sync",
	  SCHEDULE_PAUSED,
	  { { A, 0, "queued start" },
	    { A, 0, "queued" },
	    { GO, 0, "running" },
	    { A, 0, "running" },
	    { BAD, E_DNS, "paused" },
	    { D, 0, "paused" },
	    { R, 0, "backing_off" } } },
	{ "resumed while the one asked for runs",
	  SCHEDULE_PAUSED,
	  { { A, 0, "queued start" }, { GO, 0, "running" }, { R, 0, "running" }, { WELL, 0, "waiting" } } },
	{ "paused again while the one asked for runs",
	  SCHEDULE_PAUSED,
	  { { A, 0, "queued start" },
	    { GO, 0, "running" },
	    { P, 0, "running cancel" },
	    { CUT, 0, "paused" } } },
	{ "a refused token stays refused",
	  SCHEDULE_AUTH_FAILED,
	  { { D, 0, "auth_failed" }, { S, 0, "auth_failed" }, { P, 0, "paused" }, { R, 0, "auth_failed" } } },
	{ "asked with a refused token: one attempt",
	  SCHEDULE_AUTH_FAILED,
	  { { A, 0, "queued start" }, { GO, 0, "running" }, { BAD, E_TOKEN, "auth_failed" } } },
	{ "asked with a refused token while the network is down: one attempt",
	  SCHEDULE_AUTH_FAILED,
	  { { A, 0, "queued start" }, { GO, 0, "running" }, { BAD, E_CONNECT, "auth_failed" } } },
	{ "asked with a refused token, cut",
	  SCHEDULE_AUTH_FAILED,
	  { { A, 0, "queued start" }, { GO, 0, "running" }, { CUT, 0, "auth_failed" } } },
	{ "let in again, though not to hosts",
	  SCHEDULE_AUTH_FAILED,
	  { { A, 0, "queued start" }, { GO, 0, "running" }, { BAD, E_FORBIDDEN, "waiting" } } },
	{ "let in again",
	  SCHEDULE_AUTH_FAILED,
	  { { A, 0, "queued start" }, { GO, 0, "running" }, { WELL, 0, "waiting" } } },
	{ "a changed token",
	  SCHEDULE_AUTH_FAILED,
	  { { T, 0, "queued start" }, { GO, 0, "running" }, { BAD, E_CONNECT, "backing_off" } } },
	{ "a token changed while paused",
	  SCHEDULE_AUTH_FAILED,
	  { { P, 0, "paused" }, { T, 0, "paused" }, { R, 0, "queued start" } } },
	{ "a token changed while the attempt waits",
	  SCHEDULE_AUTH_FAILED,
	  { { A, 0, "queued start" },
	    { T, 0, "queued" },
	    { GO, 0, "running" },
	    { BAD, E_DNS, "backing_off" } } },
	{ "withdrawn, then resumed",
	  SCHEDULE_QUEUED,
	  { { P, 0, "paused withdraw" }, { R, 0, "queued start" } } },
	{ "a probe that works",
	  SCHEDULE_PROBING,
	  { { WELL, 0, "waiting" },
	    { A, 0, "queued start" },
	    { GO, 0, "running" },
	    { BAD, E_CONNECT, "backing_off" } } },
	{ "a probe that finds the token refused", SCHEDULE_PROBING, { { BAD, E_TOKEN, "auth_failed" } } },
	{ "a probe that finds a server with another role for us",
	  SCHEDULE_PROBING,
	  { { BAD, E_LICENCE, "waiting" } } },
	{ "a probe that ends at TLS", SCHEDULE_PROBING, { { BAD, E_TLS, "broken" } } },
	{ "a probe that meets a full disk", SCHEDULE_PROBING, { { BAD, E_DISK_FULL, "broken" } } },
	{ "asked while broken is a probe",
	  SCHEDULE_BROKEN,
	  { { A, 0, "queued start" }, { GO, 0, "probing" }, { BAD, E_SERVER, "broken" } } },
	{ "broken, paused, resumed", SCHEDULE_BROKEN, { { P, 0, "paused" }, { R, 0, "broken" } } },
	{ "removed while it runs",
	  SCHEDULE_RUNNING,
	  { { X, 0, "removing cancel" },
	    { A, 0, "removing" },
	    { S, 0, "removing" },
	    { R, 0, "removing" },
	    { X, 0, "removing" },
	    { CUT, 0, "removing forget" } } },
	{ "removed while it is cut anyway",
	  SCHEDULE_RUNNING,
	  { { P, 0, "running cancel" }, { X, 0, "removing" }, { BAD, E_CONNECT, "removing forget" } } },
	{ "a failure that is a cancel", SCHEDULE_RUNNING, { { BAD, E_CANCELLED, "waiting" } } },
	{ "held deletions are no failure", SCHEDULE_PROBING, { { BAD, E_HELD, "waiting" } } },
};

static void told(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		struct schedule s = in_state(stories[i].from);
		for (const struct line *l = stories[i].lines; l->after; l++) {
			char got[64];
			enum schedule_action a = step(&s, (enum schedule_event)l->event, l->rc, NOW);
			snprintf(got, sizeof(got), "%s%s", schedule_state_name(s.state), actions[a]);
			if (strcmp(got, l->after) == 0)
				continue;
			wrong++;
			print_error("%s: line %d: \"%s\", wanted \"%s\"\n", stories[i].name,
				    (int)(l - stories[i].lines), got, l->after);
			break;
		}
	}
	assert_int_equal(wrong, 0);
}

/* How long a schedule rests after `before` failures of the network and one more
 * of `rc` (OK: a success). */
static const struct {
	const char *name;
	unsigned before;
	int rc;
	int64_t interval_ms, retry_after_s;
	enum schedule_state state;
	int64_t least, most;
} waits[] = {
	{ "success", 0, OK, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "success after failures", 9, OK, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "held", 3, E_HELD, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "success of a week", 0, OK, 168 * HOUR, -1, SCHEDULE_WAITING, 151 * HOUR, 185 * HOUR },
	{ "an interval of nothing", 0, OK, 0, -1, SCHEDULE_WAITING, SCHEDULE_GAP_MS, SCHEDULE_GAP_MS + 1500 },
	{ "first failure", 0, E_CONNECT, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "second", 1, E_DNS, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, 2 * MINUTE },
	{ "fourth", 3, E_SERVER, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, 8 * MINUTE },
	{ "fourth, short interval", 3, E_SERVER, 5 * MINUTE, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS,
	  5 * MINUTE },
	{ "fourth, no interval", 3, E_SERVER, 0, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "fifth opens", 4, E_TIMEOUT, HOUR, -1, SCHEDULE_BROKEN, 30 * MINUTE * 3 / 4, 30 * MINUTE },
	{ "sixth", 5, E_TIMEOUT, HOUR, -1, SCHEDULE_BROKEN, 45 * MINUTE, HOUR },
	{ "seventh", 6, E_TIMEOUT, HOUR, -1, SCHEDULE_BROKEN, 90 * MINUTE, 2 * HOUR },
	{ "eighth", 7, E_TIMEOUT, HOUR, -1, SCHEDULE_BROKEN, 90 * MINUTE, 2 * HOUR },
	{ "many, short interval", 40, E_TIMEOUT, MINUTE, -1, SCHEDULE_BROKEN, 45 * MINUTE, HOUR },
	{ "many, long interval", 300, E_TIMEOUT, 24 * HOUR, -1, SCHEDULE_BROKEN, 270 * MINUTE, 6 * HOUR },
	{ "garbage", 0, E_SYNTAX, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "a maintenance page", 4, E_NOT_FLEET, HOUR, -1, SCHEDULE_BROKEN, 30 * MINUTE * 3 / 4, 30 * MINUTE },
	{ "a redirect", 0, E_REDIRECT, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "throttled", 0, E_THROTTLED, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "throttled for 20 min", 0, E_THROTTLED, HOUR, 1200, SCHEDULE_BACKING_OFF, 20 * MINUTE,
	  22 * MINUTE + 100 },
	{ "throttled for a year", 0, E_THROTTLED, HOUR, 365 * 86400, SCHEDULE_BACKING_OFF, HOUR,
	  66 * MINUTE + 100 },
	{ "throttled for an hour, broken", 4, E_THROTTLED, HOUR, 3600, SCHEDULE_BROKEN, HOUR,
	  66 * MINUTE + 100 },
	{ "a full disk", 4, E_DISK_FULL, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, 16 * MINUTE },
	{ "a store in use", 0, E_LOCKED, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "a bug", 0, E_INTERNAL, HOUR, -1, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS, MINUTE },
	{ "TLS", 0, E_TLS, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "TLS after failures", 4, E_TLS, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "TLS, broken", 5, E_TLS, HOUR, -1, SCHEDULE_BROKEN, 45 * MINUTE, HOUR },
	{ "a refused address", 0, E_ADDRESS, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "a setting", 0, E_CONFIG, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "a ceiling", 0, E_LIMIT, HOUR, -1, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "the role", 2, E_FORBIDDEN, HOUR, -1, SCHEDULE_WAITING, 324 * MINUTE, 396 * MINUTE },
	{ "the licence", 0, E_LICENCE, HOUR, -1, SCHEDULE_WAITING, 324 * MINUTE, 396 * MINUTE },
	{ "the role, interval of a day", 0, E_FORBIDDEN, 24 * HOUR, -1, SCHEDULE_WAITING,
	  21 * HOUR + 36 * MINUTE, 26 * HOUR + 24 * MINUTE },
};

static void how_long(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(waits); i++) {
		int64_t least = INT64_MAX, most = 0, span = waits[i].most - waits[i].least;
		enum schedule_state to = SCHEDULE_NEW;
		for (int n = 0; n < DRAWS; n++) {
			struct schedule s = in_state(SCHEDULE_QUEUED);
			struct schedule_facts f = { waits[i].interval_ms, .rc = waits[i].rc,
						    .retry_after_s = waits[i].retry_after_s };
			for (unsigned k = 0; k < waits[i].before; k++)
				fail_once(&s, E_CONNECT);
			if (s.state != SCHEDULE_QUEUED)
				step(&s, SCHEDULE_ASKED, OK, NOW);
			step(&s, SCHEDULE_STARTED, OK, NOW);
			schedule_step(&s, f.rc == OK ? SCHEDULE_SUCCEEDED : SCHEDULE_FAILED, &f, NOW, &draws);
			least = s.next_ms - NOW < least ? s.next_ms - NOW : least;
			most = s.next_ms - NOW > most ? s.next_ms - NOW : most;
			to = s.state;
		}
		if (to == waits[i].state && least >= waits[i].least && most <= waits[i].most &&
		    least <= waits[i].least + span / 50 && most >= waits[i].most - span / 50 - 100)
			continue;
		wrong++;
		print_error("%s: %s, %lld to %lld ms\n", waits[i].name, schedule_state_name(to),
			    (long long)least, (long long)most);
	}
	assert_int_equal(wrong, 0);
}

/* At the start of the process: what the store remembers, by the wall clock. */
static const struct {
	const char *name;
	int64_t ended_at, unix_s;
	int ended_rc;
	uint32_t slot_ms;
	bool paused;
	enum schedule_state state;
	int64_t least, most; /* of next_ms, counted from now */
} restarts[] = {
	{ "never synced", 0, 5000000, OK, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "never synced, in a slot", 0, 5000000, OK, 700, false, SCHEDULE_WAITING, 700, 700 },
	{ "just ended", 5000000, 5000000, OK, 700, false, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "half an hour ago", 4998200, 5000000, OK, 0, false, SCHEDULE_WAITING, 24 * MINUTE, 36 * MINUTE },
	{ "two hours ago", 4992800, 5000000, OK, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "two hours ago, in a slot", 4992800, 5000000, OK, 9, false, SCHEDULE_WAITING, 9, 9 },
	{ "in the future", 9000000, 5000000, OK, 0, false, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "at the end of time", INT64_MAX, 5000000, OK, 0, false, SCHEDULE_WAITING, 54 * MINUTE,
	  66 * MINUTE },
	{ "now is the end of time", 5, INT64_MAX, OK, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "now is before 1970", 5, INT64_MIN, OK, 0, false, SCHEDULE_WAITING, 54 * MINUTE, 66 * MINUTE },
	{ "ended before 1970", INT64_MIN, 5000000, OK, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "held", 4998200, 5000000, E_HELD, 0, false, SCHEDULE_WAITING, 24 * MINUTE, 36 * MINUTE },
	{ "failed just now", 5000000, 5000000, E_SERVER, 0, false, SCHEDULE_BACKING_OFF, SCHEDULE_GAP_MS,
	  MINUTE },
	{ "failed a minute ago", 4999940, 5000000, E_SERVER, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "cut by the restart", 4999980, 5000000, E_CANCELLED, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "a refused token: one attempt", 4999980, 5000000, E_TOKEN, 3, false, SCHEDULE_WAITING, 3, 3 },
	{ "a refused token in a crash loop", 4999999, 5000000, E_TOKEN, 0, false, SCHEDULE_WAITING, 14000,
	  14000 },
	{ "a setting", 4999980, 5000000, E_TLS, 0, false, SCHEDULE_QUEUED, 0, 0 },
	{ "paused", 4992800, 5000000, OK, 0, true, SCHEDULE_PAUSED, 0, 0 },
};

static void process_start(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(restarts); i++) {
		for (int n = 0; n < DRAWS / 10; n++) {
			struct schedule s = { 0 };
			struct schedule_facts f = { .interval_ms = HOUR,
						    .ended_at = restarts[i].ended_at,
						    .unix_s = restarts[i].unix_s,
						    .ended_rc = restarts[i].ended_rc,
						    .slot_ms = restarts[i].slot_ms,
						    .paused = restarts[i].paused };
			enum schedule_action a = schedule_step(&s, SCHEDULE_ADDED, &f, NOW, &draws);
			assert_int_equal(s.strikes, f.ended_rc == E_SERVER);
			int64_t in = s.next_ms == SCHEDULE_NEVER ? 0 : s.next_ms - NOW;
			if (s.state == restarts[i].state && in >= restarts[i].least &&
			    in <= restarts[i].most && (a == SCHEDULE_START) == (s.state == SCHEDULE_QUEUED))
				continue;
			wrong++;
			print_error("%s: %s, in %lld ms\n", restarts[i].name, schedule_state_name(s.state),
				    (long long)in);
			break;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Another interval moves what is waited for; what is overdue keeps its slot. */
static void another_interval(void **state)
{
	struct schedule s = in_state(SCHEDULE_WAITING), first = { 0 }, slow = in_state(SCHEDULE_RUNNING);
	struct schedule_facts f = { .interval_ms = 4 * HOUR, .slot_ms = 40, .retry_after_s = 1800 };
	(void)state;
	assert_int_equal(schedule_step(&s, SCHEDULE_SETTINGS_CHANGED, &f, NOW + HOUR / 2, &draws),
			 SCHEDULE_NOTHING);
	assert_in_range(s.next_ms, NOW + 216 * MINUTE, NOW + 264 * MINUTE);
	f.interval_ms = 10 * MINUTE;
	schedule_step(&s, SCHEDULE_SETTINGS_CHANGED, &f, NOW + HOUR / 2, &draws);
	assert_int_equal(s.next_ms, NOW + HOUR / 2 + 40);
	/* a first sync is not put off */
	schedule_step(&first, SCHEDULE_ADDED, &f, NOW, &draws);
	assert_int_equal(first.next_ms, NOW + 40);
	f.interval_ms = 4 * HOUR;
	schedule_step(&first, SCHEDULE_SETTINGS_CHANGED, &f, NOW + 1, &draws);
	assert_int_equal(first.next_ms, NOW + 41);
	/* nor a server's wish overridden */
	f.rc = E_THROTTLED;
	schedule_step(&slow, SCHEDULE_FAILED, &f, NOW, &draws);
	int64_t next_ms = slow.next_ms;
	assert_true(next_ms >= NOW + 30 * MINUTE);
	schedule_step(&slow, SCHEDULE_SETTINGS_CHANGED, &f, NOW + 1, &draws);
	assert_int_equal(slow.next_ms, next_ms);
	/* too early is not yet */
	assert_int_equal(schedule_step(&slow, SCHEDULE_DUE, &f, next_ms - 1, &draws), SCHEDULE_NOTHING);
	assert_int_equal(schedule_step(&slow, SCHEDULE_DUE, &f, next_ms, &draws), SCHEDULE_START);
}

static void small(void **state)
{
	(void)state;
	assert_true(sizeof(struct schedule) <= 64);
	for (enum schedule_state st = SCHEDULE_NEW; st < SCHEDULE_STATES; st++)
		assert_string_not_equal(schedule_state_name(st), "unknown");
	assert_string_equal(schedule_state_name(SCHEDULE_STATES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_and_event),
		cmocka_unit_test(told),
		cmocka_unit_test(how_long),
		cmocka_unit_test(process_start),
		cmocka_unit_test(another_interval),
		cmocka_unit_test(small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
