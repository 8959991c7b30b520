#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "ctl/meter.h"

#include <stdlib.h>
#include <string.h>

static void plain_lines_tell_new_phases(void **state)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	struct meter *m = meter_new(out, false, 80);
	(void)state;
	assert_non_null(m);
	assert_int_equal(meter_update(m, "acme", "list", 0, 100, 0), OK);
	assert_int_equal(meter_update(m, "acme", "list", 50, 100, 1000), OK);
	assert_int_equal(meter_update(m, "acme", "sweep", 100, 100, 2000), OK);
	meter_draw(m);
	meter_done(m, "acme", "acme is done");
	meter_free(m);
	fclose(out);
	assert_string_equal(text, "acme                 list       0 hosts\n"
				  "acme                 sweep      100 hosts\n"
				  "acme is done\n");
	free(text);
}

static void a_terminal_shows_bar_rate_and_time_left(void **state)
{
	static const struct {
		unsigned width;
		const char *line;
	} rows[] = {
		{ 100,
		  "\nacme         list     [#####...............] 1000 of 4000 hosts, 500/s, 6 s left\n" },
		{ 60, "\nacme         list     [##......] 1000 of 4000 hosts, 500/s,\n" },
		{ 30, "\nacme         list     [##....\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *text;
		size_t n;
		FILE *out = open_memstream(&text, &n);
		fputc('\n', out);
		struct meter *m = meter_new(out, true, rows[i].width);
		assert_int_equal(meter_update(m, "acme", "list", 0, 4000, 0), OK);
		assert_int_equal(meter_update(m, "acme", "list", 1000, 4000, 2000), OK);
		meter_draw(m);
		fflush(out);
		assert_string_equal(text, rows[i].line);
		meter_done(m, "acme", "over");
		fflush(out);
		assert_non_null(strstr(text, "\033[1A\r\033[Jover\n"));
		meter_draw(m); /* nothing is left to draw */
		meter_free(m);
		fclose(out);
		assert_string_equal(text + strlen(text) - 5, "over\n");
		free(text);
	}
}

static void many_tenants_stay_within_the_screen(void **state)
{
	char *text, name[16];
	size_t n, lines = 0;
	FILE *out = open_memstream(&text, &n);
	struct meter *m = meter_new(out, true, 80);
	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "t%03d", i);
		assert_int_equal(meter_update(m, name, "list", 1, 0, i), OK);
	}
	meter_draw(m);
	fflush(out);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(text, "and 480 more\n"));
	meter_free(m);
	fclose(out);
	free(text);
}

static void memory_runs_out(void **state)
{
	(void)state;
	unsigned long failed = 0;
	for (unsigned long at = 1; at < 20; at++) {
		char *text;
		size_t n;
		FILE *out = open_memstream(&text, &n);
		mem_fail_at(at, 0);
		struct meter *m = meter_new(out, false, 80);
		int rc = m ? meter_update(m, "acme", "list", 1, 2, 3) : E_NOMEM;
		mem_fail_at(0, 0);
		failed += rc == E_NOMEM;
		assert_true(rc == OK || rc == E_NOMEM);
		if (m)
			assert_int_equal(meter_update(m, "acme", "list", 1, 2, 3), OK);
		meter_free(m);
		fclose(out);
		free(text);
	}
	assert_true(failed >= 3 && failed < 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lines_tell_new_phases),
		cmocka_unit_test(a_terminal_shows_bar_rate_and_time_left),
		cmocka_unit_test(many_tenants_stay_within_the_screen),
		cmocka_unit_test(memory_runs_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
