#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "ctl/link.h"
#include "unit/ctl/fake_daemon.h"

/* ---- words ---- */

static void words(void **state)
{
	static const struct {
		const char *word, *sent;
	} rows[] = {
		{ "acme", "x acme" },
		{ "", "x \"\"" },
		{ "--yes", "x \"--yes\"" },
		{ "-", "x \"-\"" },
		{ "a b", "x \"a b\"" },
		{ "say \"hi\"", "x \"say \\\"hi\\\"\"" },
		{ "a\\b", "x \"a\\\\b\"" },
		{ "a\nb\tc", "x \"a\\u000ab\\u0009c\"" },
		{ "\x7f", "x \"\\u007f\"" },
		{ "f\xc3\xbcr", "x f\xc3\xbcr" },
		{ "f\xc3\xbc r", "x \"f\xc3\xbc r\"" },
		{ "{\"a\":1}", "x \"{\\\"a\\\":1}\"" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf line;
		buf_init(&line, 4096);
		buf_puts(&line, "x");
		link_word(&line, rows[i].word);
		assert_string_equal(buf_cstr(&line), rows[i].sent);
		link_wipe(&line);
	}
}

static void options(void **state)
{
	struct buf line;
	(void)state;
	buf_init(&line, 4096);
	link_option(&line, "url", "https://fleet.example");
	link_option(&line, "all", NULL);
	link_option(&line, "owner", "--all");
	assert_string_equal(buf_cstr(&line), "--url https://fleet.example --all --owner \"--all\"");
	link_wipe(&line);
}

static void a_command_has_a_ceiling(void **state)
{
	struct buf line;
	(void)state;
	buf_init(&line, 64);
	for (int i = 0; i < 20; i++)
		link_word(&line, "word");
	assert_int_equal(line.failed, E_LIMIT);
	link_wipe(&line);
	buf_init(&line, 64);
	mem_fail_at(1, 0);
	link_word(&line, "word");
	mem_fail_at(0, 0);
	assert_int_equal(line.failed, E_NOMEM);
	link_wipe(&line);
}

struct taken {
	char rows[4096];
	size_t count, stop_at;
};

static int take(void *arg, struct slice row)
{
	struct taken *t = arg;
	size_t n = strlen(t->rows);
	snprintf(t->rows + n, sizeof(t->rows) - n, "%.*s;", (int)row.n, row.p);
	return ++t->count == t->stop_at ? E_CANCELLED : OK;
}

static void answers(void **state)
{
	static const struct {
		const char *answer;
		int rc;
		const char *rows, *end, *error;
		bool lost;
	} rows[] = {
		{ "{\"ok\":true}\n", OK, "", "{\"ok\":true}", NULL, false },
		{ "{\"a\":1}\n{\"a\":2}\n{\"ok\":true,\"n\":2}\n", OK, "{\"a\":1};{\"a\":2};",
		  "{\"ok\":true,\"n\":2}", NULL, false },
		{ "{\"a\":1}\n{\"ok\":false,\"error\":\"no \\\"x\\\"\",\"reason\":\"not_found\"}\n",
		  E_NOT_FOUND, "{\"a\":1};",
		  "{\"ok\":false,\"error\":\"no \\\"x\\\"\",\"reason\":\"not_found\"}", "no \"x\"", false },
		{ "{\"ok\":false,\"error\":\"wait\",\"reason\":\"locked\"}\n", E_LOCKED, "", NULL, "wait",
		  false },
		{ "{\"ok\":false,\"error\":\"held\",\"reason\":\"held\"}\n", E_HELD, "", NULL, "held",
		  false },
		{ "{\"ok\":false,\"error\":\"new\",\"reason\":\"of_tomorrow\"}\n", E_INTERNAL, "", NULL,
		  "new", false },
		{ "{\"ok\":false}\n", E_INTERNAL, "", NULL, "the daemon refused the command", false },
		{ "{\"okay\":true}\n{\"ok\":true}\n", OK, "{\"okay\":true};", NULL, NULL, false },
		{ "", E_IO, "", NULL, "went away", true },
		{ "{\"a\":1}\n{\"ok\":true}", E_IO, "{\"a\":1};", NULL, "went away", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t piece = 1; piece < 100; piece += 98) {
			struct taken taken = { { 0 }, 0, 0 };
			struct err e = { 0 };
			struct fake f;
			struct link *l;
			struct buf end;
			buf_init(&end, 4096);
			start(&f, rows[i].answer, piece);
			assert_int_equal(link_open(&l, f.path, &e), OK);
			int rc = link_ask(l, SLICE("tenants --x \"a b\""), take, &taken, &end, &e);
			if (rc != rows[i].rc)
				fail_msg("row %zu: %d (%s)", i, rc, e.text);
			assert_string_equal(taken.rows, rows[i].rows);
			if (rows[i].end)
				assert_string_equal(buf_cstr(&end), rows[i].end);
			if (rows[i].error)
				assert_non_null(strstr(e.text, rows[i].error));
			assert_int_equal(link_lost(l), rows[i].lost);
			link_close(l);
			finish(&f);
			assert_string_equal(f.heard, "tenants --x \"a b\"\n");
			buf_release(&end);
		}
	}
}

static void who_has_seen_enough_stops(void **state)
{
	struct taken taken = { { 0 }, 0, 2 };
	struct err e = { 0 };
	struct fake f;
	struct link *l;
	struct buf end;
	(void)state;
	buf_init(&end, 4096);
	start(&f, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"ok\":true}\n", 4096);
	assert_int_equal(link_open(&l, f.path, &e), OK);
	assert_int_equal(link_ask(l, SLICE("x"), take, &taken, &end, &e), E_CANCELLED);
	assert_int_equal(taken.count, 2);
	link_close(l);
	finish(&f);
	buf_release(&end);
}

static void nobody_listens(void **state)
{
	char longest[200];
	struct err e;
	struct link *l;
	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(link_open(&l, "/nowhere/s", &e), E_NOT_FOUND);
	assert_non_null(strstr(e.text, "no daemon listens at \"/nowhere/s\""));
	assert_null(l);
	assert_int_equal(link_open(&l, longest, &e), E_CONFIG);
	assert_int_equal(link_open(&l, "", &e), E_CONFIG);
	assert_int_equal(link_open(&l, "/dev/null/s", &e), E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(options),
		cmocka_unit_test(a_command_has_a_ceiling),
		cmocka_unit_test(answers),
		cmocka_unit_test(who_has_seen_enough_stops),
		cmocka_unit_test(nobody_listens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
