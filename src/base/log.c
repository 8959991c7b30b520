#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log_repeats.h"
#include "base/suggest.h"
#include "base/utf8.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const level_names[LOG_LEVELS] = { "error", "warning", "notice", "info", "debug" };
static const char *const groups[] = { "base",  "conf", "crypto", "store", "net",    "fleet",
				      "query", "sync", "serve",  "admin", "daemon", "secrets" };

enum {
	GROUPS = sizeof(groups) / sizeof(groups[0]),
	LINE_MAX_BYTES = PIPE_BUF,
	BODY_MAX = LINE_MAX_BYTES - 128, /* the rest is for time, level, the count and the end */
	VALUE_MAX = 680,
	FLUSH_WAIT_MS = 1000,
};

/* The last one is what was set for all of them. */
static atomic_int levels[GROUPS + 1] = { [0 ... GROUPS] = LOG_NOTICE };
static atomic_int highest = LOG_NOTICE;
static atomic_ullong counts[LOG_LEVELS];
static atomic_ullong lost;

static void say(void *arg, int level, const char *body, size_t n, uint64_t repeated);

/* All below is under `writing`. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static struct log_repeats repeats = { .say = say };
static uint64_t lost_unsaid;
static int wait_ms;
static bool as_json, in_journal, torn;

/* ---- levels ---- */

static size_t group_index(const char *name)
{
	size_t i = 0;
	while (i < GROUPS && strcmp(groups[i], name) != 0)
		i++;
	return i;
}

int log_set_level(const char *group, enum log_level level, struct err *e)
{
	size_t at = group ? group_index(group) : GROUPS;
	int top = LOG_ERROR;
	if (group && at == GROUPS) {
		const char *near = suggest(group, groups, GROUPS);
		if (near)
			return err_set(e, E_NOT_FOUND,
				       "no group of the log is called \"%s\": did you mean \"%s\"?", group,
				       near);
		return err_set(
			e, E_NOT_FOUND,
			"no group of the log is called \"%s\": groups are named as sync, store and net",
			group);
	}
	for (size_t i = 0; i <= GROUPS; i++) {
		if (!group || i == at)
			atomic_store(&levels[i], (int)level);
		if (atomic_load(&levels[i]) > top)
			top = atomic_load(&levels[i]);
	}
	atomic_store(&highest, top);
	return OK;
}

enum log_level log_level_of(const char *group)
{
	return (enum log_level)atomic_load_explicit(&levels[group ? group_index(group) : GROUPS],
						    memory_order_relaxed);
}

const char *log_group(size_t i)
{
	return i < GROUPS ? groups[i] : NULL;
}

int log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&highest, memory_order_relaxed);
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < LOG_LEVELS; i++)
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 1;
		}
	return 0;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

uint64_t log_count(enum log_level level)
{
	return atomic_load_explicit(&counts[level], memory_order_relaxed);
}

uint64_t log_lost(void)
{
	return atomic_load_explicit(&lost, memory_order_relaxed);
}

/* ---- writing ---- */

/* Whether standard error is the stream that systemd gave to the journal. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* Whoever waited in vain once does not wait again. */
static bool writable(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	int ready;
	do
		ready = poll(&fd, 1, wait_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		wait_ms = 0;
	return ready == 1 && fd.revents & POLLOUT;
}

/* A pipe that polls as writable takes PIPE_BUF bytes without waiting; the
 * descriptor is left as it is, because others may share it. */
static bool write_line(const char *p, size_t n)
{
	size_t left = n;
	while (left && writable()) {
		ssize_t put = write(STDERR_FILENO, p, left);
		if (put < 0 && errno != EINTR)
			break;
		if (put > 0) {
			p += put;
			left -= (size_t)put;
		}
	}
	torn = left && (torn || left < n);
	return !left;
}

static void put_head(struct buf *b, enum log_level level)
{
	static const int priorities[LOG_LEVELS] = { 3, 4, 5, 6, 7 };
	char when[CLOCK_RFC3339_BYTES];
	if (torn)
		buf_putc(b, '\n');
	if (in_journal)
		buf_printf(b, "<%d>", priorities[level]);
	if (in_journal && !as_json)
		return;
	clock_format_rfc3339(clock_unix_s(), when);
	if (as_json)
		buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",", when, level_names[level]);
	else
		buf_printf(b, "%s %-7s ", when, level_names[level]);
}

static void put_tail(struct buf *b, const char *key, uint64_t number)
{
	if (number)
		buf_printf(b, as_json ? ",\"%s\":%llu" : " %s=%llu", key, (unsigned long long)number);
	buf_puts(b, as_json ? "}\n" : "\n");
}

static bool write_event(enum log_level level, const char *body, size_t n, const char *key, uint64_t number)
{
	char line[LINE_MAX_BYTES];
	struct buf b;
	buf_init_fixed(&b, line, sizeof(line));
	put_head(&b, level);
	buf_add(&b, body, n);
	put_tail(&b, key, number);
	return write_line(b.data, b.len);
}

static void say_lost(void)
{
	const char *body =
		as_json ? "\"group\":\"base\",\"event\":\"log lines lost\"" : "base   log lines lost";
	if (lost_unsaid && write_event(LOG_WARNING, body, strlen(body), "count", lost_unsaid))
		lost_unsaid = 0;
}

static void say(void *arg, int level, const char *body, size_t n, uint64_t repeated)
{
	(void)arg;
	say_lost();
	if (!lost_unsaid && write_event((enum log_level)level, body, n, "repeated", repeated))
		return;
	lost_unsaid++;
	atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
}

void log_settle(void)
{
	pthread_mutex_lock(&writing);
	log_repeats_settle(&repeats, clock_mono_ms());
	say_lost();
	pthread_mutex_unlock(&writing);
}

void log_flush(void)
{
	pthread_mutex_lock(&writing);
	wait_ms = FLUSH_WAIT_MS;
	log_repeats_flush(&repeats);
	say_lost();
	wait_ms = 0;
	pthread_mutex_unlock(&writing);
}

static void flush_at_exit(void)
{
	atexit(log_flush);
}

void log_configure(enum log_level level, int json)
{
	log_set_level(NULL, level, NULL);
	pthread_mutex_lock(&writing);
	log_repeats_flush(&repeats); /* their texts have the former form */
	as_json = json;
	in_journal = is_journal();
	pthread_mutex_unlock(&writing);
}

/* ---- events ---- */

static bool bare(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

static void put_value(struct buf *b, const struct log_value *v)
{
	char repaired[3 * VALUE_MAX], escaped[6 * VALUE_MAX + 2];
	struct buf text;
	if (v->kind == 'i') {
		buf_printf(b, "%lld", (long long)v->i);
		return;
	}
	const char *s = v->s ? v->s : "";
	size_t replaced, n = strnlen(s, VALUE_MAX);
	if (!as_json && n < VALUE_MAX && bare(s)) {
		buf_add(b, s, n);
		return;
	}
	n = utf8_repair_into(repaired, s, n, &replaced);
	/* json_text() puts commas by the last byte, which here is '=' or ':' */
	buf_init_fixed(&text, escaped, sizeof(escaped));
	json_text(&text, (struct slice){ repaired, (uint32_t)n });
	if (text.failed)
		b->failed = text.failed;
	else
		buf_add(b, text.data, text.len);
}

/* FNV-1a */
static uint64_t mix(uint64_t hash, const char *s)
{
	do
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
	while (*s++);
	return hash;
}

/* A pair that does not fit is left out together with those behind it. */
static void put_pairs(struct buf *b, va_list *ap, uint64_t *key_hash)
{
	for (const char *key; (key = va_arg(*ap, const char *));) {
		const struct log_value *v = va_arg(*ap, const struct log_value *);
		size_t before = b->len;
		if (strcmp(key, "tenant") == 0 && v->s)
			*key_hash = mix(*key_hash, v->s);
		buf_printf(b, as_json ? ",\"%s\":" : " %s=", key);
		put_value(b, v);
		if (b->failed) {
			b->len = before;
			b->failed = 0;
			b->cap = b->ceiling = b->ceiling + 16;
			buf_puts(b, as_json ? ",\"cut\":true" : " cut=yes");
			return;
		}
	}
}

void log_event_(const char *group, enum log_level level, const char *what, ...)
{
	static pthread_once_t flushing = PTHREAD_ONCE_INIT;
	char body[BODY_MAX];
	struct buf b;
	uint64_t key = mix(mix(0xcbf29ce484222325u + (uint64_t)level, group), what);
	va_list ap;
	if (level > log_level_of(group))
		return;
	pthread_once(&flushing, flush_at_exit);
	atomic_fetch_add_explicit(&counts[level], 1, memory_order_relaxed);
	pthread_mutex_lock(&writing);
	buf_init_fixed(&b, body, sizeof(body) - 16);
	buf_printf(&b, as_json ? "\"group\":\"%s\",\"event\":\"%s\"" : "%-6s %s", group, what);
	va_start(ap, what);
	put_pairs(&b, &ap, &key);
	va_end(ap);
	int64_t now = clock_mono_ms();
	log_repeats_settle(&repeats, now);
	log_repeats_take(&repeats, key, (int)level, b.data, b.len, now);
	pthread_mutex_unlock(&writing);
}
