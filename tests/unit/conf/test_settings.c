#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "conf/tenant.h"

#include <stdio.h>
#include <stdlib.h>

static const struct setting_table *const tables[] = { &conf_settings, &tenant_settings };

static void read_file(const char *name, struct buf *b)
{
	char part[4096];
	size_t n;
	FILE *f = fopen(name, "rb");
	if (!f)
		fail_msg("%s is missing", name);
	buf_init(b, 1 << 20);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(b, part, n);
	fclose(f);
}

static void each_setting(void (*check)(const struct setting *s, const char *text), const char *text)
{
	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < tables[t]->count; i++)
			check(&tables[t]->rows[i], text);
}

static void in_order(const struct setting *s, const char *text)
{
	(void)text;
	assert_non_null(s->group);
	if (!s->help && strcmp(s->name, "token") != 0)
		fail_msg("%s has no help", s->name);
	if ((s->kind == SETTING_OWN) != (s->read != NULL))
		fail_msg("%s: only a setting of its own kind has a reader", s->name);
	bool bounded = s->kind == SETTING_SIZE || s->kind == SETTING_DURATION_S || s->kind == SETTING_AGE ||
		       s->kind == SETTING_DURATION_MS || s->kind == SETTING_COUNT ||
		       s->kind == SETTING_COUNT_OR_AUTO;
	if (bounded != (s->most > s->least))
		fail_msg("%s: bounds and kind do not agree", s->name);
	/* in milliseconds and in 32 bits */
	assert_true(s->kind != SETTING_DURATION_MS || s->most <= UINT32_MAX / 1000);
}

/* "name:" or "#name:" at the begin of a line. */
static void in_reference(const struct setting *s, const char *text)
{
	size_t n = strlen(s->name);
	if (strcmp(s->name, "token") == 0)
		return;
	for (const char *p = text; (p = strstr(p, s->name)); p += n)
		if (p > text && strchr("\n #-", p[-1]) && p[n] == ':')
			return;
	fail_msg("conf/muster.yaml does not show \"%s\"", s->name);
}

static void in_manual(const struct setting *s, const char *text)
{
	char line[64];
	bool heading = s->kind == SETTING_MAP || s->kind == SETTING_LATER;
	if (strcmp(s->name, "token") == 0)
		return;
	snprintf(line, sizeof(line), heading ? "%s\n" : "\n.BI %s: \"", s->name);
	if (!strstr(text, line))
		fail_msg("docs/man/muster.yaml.5 does not tell of \"%s\"", s->name);
	snprintf(line, sizeof(line), "Default:\n.BR %s .", s->standard ? s->standard : "");
	if (s->standard && !strstr(text, line))
		fail_msg("docs/man/muster.yaml.5 has another default for \"%s\"", s->name);
}

static void tables_are_in_order(void **state)
{
	(void)state;
	each_setting(in_order, NULL);
}

static void every_setting_is_documented(void **state)
{
	struct buf reference, manual;
	(void)state;
	read_file(MUSTER_SOURCE_DIR "/conf/muster.yaml", &reference);
	read_file(MUSTER_SOURCE_DIR "/docs/man/muster.yaml.5", &manual);
	each_setting(in_reference, buf_cstr(&reference));
	each_setting(in_manual, buf_cstr(&manual));
	buf_release(&reference);
	buf_release(&manual);
}

static void show(void *arg, const char *text)
{
	(void)arg;
	print_message("%s\n", text);
}

static struct conf *parse(const char *text, size_t n)
{
	struct conf *c = NULL;
	assert_int_equal(conf_parse(&c, "/srv/muster.yaml", text, n, show, NULL), OK);
	assert_int_equal(c->tenant_count, 1);
	return c;
}

/* The reference says what holds when nothing is said. */
static void reference_shows_the_defaults(void **state)
{
	static const char least[] =
		"tenants: [{name: acme, url: fleet.example.com, token_env: MUSTER_TEST_TOKEN}]";
	static const char from[] = "    token_file: tokens/acme", to[] = "    token_env: MUSTER_TEST_TOKEN";
	struct buf reference, text;
	(void)state;
	setenv("MUSTER_TEST_TOKEN", "x", 1);
	read_file(MUSTER_SOURCE_DIR "/conf/muster.yaml", &reference);
	const char *all = buf_cstr(&reference), *at = strstr(all, from);
	assert_non_null(at);
	buf_init(&text, 1 << 20);
	buf_add(&text, all, (size_t)(at - all));
	buf_puts(&text, to);
	buf_puts(&text, at + sizeof(from) - 1);
	struct conf *a = parse(text.data, text.len), *b = parse(least, sizeof(least) - 1);
	struct conf_tenant *s = &a->tenants[0], *t = &b->tenants[0];
	assert_string_equal(a->store_path, b->store_path);
	assert_string_equal(a->admin_socket, b->admin_socket);
	assert_true(a->http.kind == LISTEN_NONE && b->http.kind == LISTEN_NONE);
	assert_true(!a->key_file && !b->key_file);
	assert_memory_equal(&a->limits, &b->limits, sizeof(a->limits));
	assert_memory_equal(&a->retention, &b->retention, sizeof(a->retention));
	assert_int_equal(a->log.level, b->log.level);
	assert_int_equal(a->log.json, b->log.json);
	assert_int_equal(a->log.group_count, b->log.group_count);
	assert_int_equal(s->interval_s, t->interval_s);
	assert_string_equal(s->url, t->url);
	assert_memory_equal(&s->limits, &t->limits, sizeof(s->limits));
	assert_int_equal(s->stale_after_s, t->stale_after_s);
	assert_int_equal(s->allow_http, t->allow_http);
	assert_int_equal(s->allow_private, t->allow_private);
	assert_int_equal(s->derive.map_users, t->derive.map_users);
	assert_int_equal(s->derive.map_teams, t->derive.map_teams);
	assert_int_equal(s->derive.critical_only, t->derive.critical_only);
	assert_int_equal(s->derive.ignore_count, t->derive.ignore_count);
	assert_memory_equal(s->derive.owner_precedence, t->derive.owner_precedence,
			    sizeof(s->derive.owner_precedence));
	assert_int_equal(s->derive.owner_precedence_count, t->derive.owner_precedence_count);
	assert_true(!s->ca_file && !s->client_cert && !s->client_key && !s->proxy && !s->headers);
	conf_free(a);
	conf_free(b);
	buf_release(&text);
	buf_release(&reference);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_in_order),
		cmocka_unit_test(every_setting_is_documented),
		cmocka_unit_test(reference_shows_the_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
