#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct row {
	const char *name;
	enum err_class class;
	const char *meaning;
};

static const struct row rows[] = {
#define X(name, class, text) { #name, ERR_CLASS_##class, text },
	ERR_TABLE(X)
#undef X
};

static char names[sizeof(rows) / sizeof(rows[0])][24];

__attribute__((constructor)) static void lower_names(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; rows[i].name[k] && k + 1 < sizeof(names[i]); k++)
			names[i][k] = (char)tolower((unsigned char)rows[i].name[k]);
}

static const struct row *find(int code, size_t *at)
{
	int i = code - ERR_FIRST_ - 1;
	if (i < 0 || (size_t)i >= sizeof(rows) / sizeof(rows[0]))
		return NULL;
	*at = (size_t)i;
	return &rows[i];
}

const char *err_name(int code)
{
	size_t at;
	return code == OK ? "ok" : find(code, &at) ? names[at] : "unknown";
}

const char *err_meaning(int code)
{
	size_t at;
	const struct row *r = find(code, &at);
	return code == OK ? "success" : r ? r->meaning : "unknown error";
}

enum err_class err_class(int code)
{
	size_t at;
	const struct row *r = find(code, &at);
	return code == OK ? ERR_CLASS_NONE : r ? r->class : ERR_CLASS_INTERNAL;
}

const char *err_class_name(enum err_class c)
{
	static const char *const text[] = { "none", "retry", "auth",   "data",   "limit",
					    "gone", "busy",  "system", "config", "internal" };
	return (size_t)c < sizeof(text) / sizeof(text[0]) ? text[c] : "unknown";
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		va_start(ap, fmt);
		e->code = code;
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
	}
	return code;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	if (!e)
		return;
	char old[sizeof(e->text)];
	memcpy(old, e->text, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	size_t at = n < 0 ? 0 : (size_t)n;
	if (at + 3 > sizeof(e->text))
		return;
	size_t room = sizeof(e->text) - at - 3, len = strnlen(old, room);
	memcpy(e->text + at, ": ", 2);
	memcpy(e->text + at + 2, old, len);
	e->text[at + 2 + len] = '\0';
}
