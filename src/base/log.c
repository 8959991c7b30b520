#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug" };
static atomic_int level_now = LOG_NOTICE;
static atomic_int json_now;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

enum { LINE_CEILING = 16 * 1024 };

void log_configure(enum log_level level, int json)
{
	atomic_store(&level_now, (int)level);
	atomic_store(&json_now, json);
}

int log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 1;
		}
	return 0;
}

static bool bare(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

static void put_value(struct buf *b, const struct log_value *v, bool json)
{
	char fixed[2048];
	if (v->kind == 'i') {
		buf_printf(b, "%lld", (long long)v->i);
		return;
	}
	const char *s = v->s ? v->s : "";
	if (!json && bare(s)) {
		buf_puts(b, s);
		return;
	}
	size_t replaced, n = strnlen(s, sizeof(fixed) / 3);
	n = utf8_repair_into(fixed, s, n, &replaced);
	/* json_text() puts commas by the last byte, which here is '=' or ':' */
	struct buf text;
	buf_init(&text, LINE_CEILING);
	json_text(&text, (struct slice){ fixed, (uint32_t)n });
	buf_add(b, text.data, text.len);
	buf_release(&text);
}

void log_event_(const char *group, enum log_level level, const char *what, ...)
{
	char when[CLOCK_RFC3339_BYTES];
	bool json = atomic_load(&json_now);
	struct buf b;
	va_list ap;
	buf_init(&b, LINE_CEILING);
	clock_format_rfc3339(clock_unix_s(), when);
	if (json)
		buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"group\":\"%s\",\"event\":\"%s\"", when,
			   level_names[level], group, what);
	else
		buf_printf(&b, "%s %-7s %-6s %s", when, level_names[level], group, what);
	va_start(ap, what);
	for (const char *key; (key = va_arg(ap, const char *));) {
		buf_printf(&b, json ? ",\"%s\":" : " %s=", key);
		put_value(&b, va_arg(ap, const struct log_value *), json);
	}
	va_end(ap);
	buf_puts(&b, json ? "}\n" : "\n");
	pthread_mutex_lock(&writing);
	if (b.len && fwrite(b.data, 1, b.len, stderr) == b.len)
		fflush(stderr);
	pthread_mutex_unlock(&writing);
	buf_release(&b);
}
