#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ctl/output.h"
#include "query/policy_names.h"
#include "ctl/table.h"
#include "unit/ctl/lines.h"

#include <locale.h>
#include <stdlib.h>

static const int64_t NOW = 1700000000;

static const struct column columns[] = {
	{ "ID", "id", COLUMN_COUNT, FIT_WHOLE },       { "LAST NAME", "name", COLUMN_TEXT, FIT_CUT },
	{ "STATE", "state", COLUMN_STATE, FIT_WHOLE }, { "SEEN", "seen", COLUMN_TIME, FIT_WHOLE },
	{ "STALE", "stale", COLUMN_YES, FIT_WHOLE },
};

struct printed {
	struct output o;
	char *text;
	size_t n;
};

static void printed_begin(struct printed *p, enum output_format format, unsigned width)
{
	p->text = NULL;
	output_init(&p->o, open_memstream(&p->text, &p->n));
	p->o.format = format;
	p->o.now = NOW;
	p->o.terminal = p->o.colour = width > 0;
	p->o.width = width;
	assert_int_equal(output_begin(&p->o, VIEW(columns)), OK);
}

static void printed_end(struct printed *p, const char *expected)
{
	assert_int_equal(output_end(&p->o), OK);
	fclose(p->o.stream);
	output_release(&p->o);
	if (expected)
		assert_string_equal(p->text, expected);
}

static void row(struct printed *p, const char *json)
{
	assert_int_equal(output_row(&p->o, slice_of(json)), OK);
}

#define GOOD                                                                                                 \
	"{\"id\":7,\"name\":\"J\xc3\xbcrgen\",\"state\":\"not_evaluated\",\"seen\":1699996400,\"stale\":"    \
	"false}"
#define EVIL   "{\"id\":8,\"name\":\"=x\\u001b[2J\xc2\x9b\",\"state\":null,\"seen\":null}"
#define STRING "{\"id\":9,\"name\":[\"a\",\"b\"],\"seen\":\"2023-11-14T22:13:20Z\",\"stale\":true}"

static void formats(void **state)
{
	struct printed p;
	(void)state;
	printed_begin(&p, OUTPUT_JSON, 0);
	row(&p, GOOD);
	row(&p, EVIL);
	printed_end(&p, GOOD "\n{\"id\":8,\"name\":\"=x\\u001b[2J\\u009b\",\"state\":null,\"seen\":null}\n");
	free(p.text);

	printed_begin(&p, OUTPUT_CSV, 0);
	row(&p, GOOD);
	row(&p, EVIL);
	row(&p, STRING);
	printed_end(&p, "id,last_name,state,seen,stale\r\n"
			"7,J\xc3\xbcrgen,not_evaluated,2023-11-14T21:13:20Z,false\r\n"
			"8,'=x\xef\xbf\xbd[2J\xef\xbf\xbd,,,\r\n"
			"9,\"a, b\",,2023-11-14T22:13:20Z,true\r\n");
	free(p.text);

	printed_begin(&p, OUTPUT_TABLE, 0);
	row(&p, GOOD);
	row(&p, EVIL);
	row(&p, STRING);
	printed_end(&p, "ID LAST NAME STATE         SEEN    STALE\n"
			" 7 J\xc3\xbcrgen    not evaluated 1 h ago no\n"
			" 8 =x\xef\xbf\xbd[2J\xef\xbf\xbd   -             -       -\n"
			" 9 a, b      -             now     yes\n");
	free(p.text);
}

static void nothing_to_print(void **state)
{
	struct printed p;
	(void)state;
	printed_begin(&p, OUTPUT_TABLE, 0);
	printed_end(&p, "");
	free(p.text);
	printed_begin(&p, OUTPUT_CSV, 0);
	printed_end(&p, "id,last_name,state,seen,stale\r\n");
	free(p.text);
}

/* No line may be wider than the terminal, whatever a host is called. */
static void fits_the_terminal(void **state)
{
	static const unsigned widths[] = { 40, 60, 80, 200 };
	char json[1600], name[1024];
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(json, sizeof(json), "{\"id\":1,\"name\":\"%s\",\"state\":\"on\"}", name);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		struct printed p;
		printed_begin(&p, OUTPUT_TABLE, widths[i]);
		p.o.colour = false;
		assert_int_equal(output_begin(&p.o, VIEW(columns)), OK);
		row(&p, json);
		row(&p, GOOD);
		printed_end(&p, NULL);
		assert_true(widest_line(p.text) > widths[i] / 2);
		assert_true(widest_line(p.text) <= widths[i]);
		free(p.text);
	}
}

static void colours_only_on_a_terminal(void **state)
{
	struct printed p;
	(void)state;
	printed_begin(&p, OUTPUT_TABLE, 80);
	row(&p, "{\"id\":1,\"state\":\"off\"}");
	printed_end(&p, NULL);
	assert_non_null(strstr(p.text, "\x1b["));
	free(p.text);
	printed_begin(&p, OUTPUT_TABLE, 0);
	row(&p, "{\"id\":1,\"state\":\"off\"}");
	printed_end(&p, NULL);
	assert_null(strchr(p.text, '\x1b'));
	free(p.text);
}

static size_t count_lines(const char *text, const char *begin)
{
	size_t n = 0;
	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		n += strncmp(p, begin, strlen(begin)) == 0;
	return n;
}

static void long_lists_come_in_blocks(void **state)
{
	struct printed p;
	(void)state;
	for (unsigned width = 0; width <= 80; width += 80) {
		printed_begin(&p, OUTPUT_TABLE, width);
		for (size_t i = 0; i < TABLE_BLOCK * 2 + 5; i++)
			row(&p, GOOD);
		fflush(p.o.stream);
		/* the full blocks are out already, only the rest is held back */
		assert_int_equal(count_lines(p.text, " 7"), TABLE_BLOCK * 2);
		printed_end(&p, NULL);
		assert_int_equal(count_lines(p.text, " 7"), TABLE_BLOCK * 2 + 5);
		assert_int_equal(count_lines(p.text, "ID"), width ? 3 : 1);
		free(p.text);
	}
}

static void a_full_stream_is_told(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct output o;
	int rc;
	(void)state;
	if (!full)
		skip();
	output_init(&o, full);
	o.format = OUTPUT_CSV;
	rc = output_begin(&o, VIEW(columns));
	for (int i = 0; i < 10000 && !rc; i++)
		rc = output_row(&o, slice_of(GOOD));
	assert_int_equal(rc, E_IO);
	assert_int_equal(output_end(&o), E_IO);
	assert_int_not_equal(o.why, 0);
	output_release(&o);
	fclose(full);
}

static void notes_are_visible_text(void **state)
{
	struct printed p;
	(void)state;
	printed_begin(&p, OUTPUT_TABLE, 0);
	output_note(&p.o, "\nevil: %s", "\x1b[2J\nnext");
	output_notes(&p.o, "one\ntwo\n");
	output_notes(&p.o, "");
	printed_end(&p, "\nevil: \xef\xbf\xbd[2J next\n\none\ntwo\n");
	free(p.text);
	printed_begin(&p, OUTPUT_JSON, 0);
	output_note(&p.o, "for people");
	printed_end(&p, "");
	free(p.text);
}

static void reports(void **state)
{
	struct printed p;
	struct table *t;
	(void)state;
	printed_begin(&p, OUTPUT_TABLE, 0);
	t = report_new(&p.o);
	assert_non_null(t);
	assert_int_equal(report_section(t, "Owner"), OK);
	assert_int_equal(report_line(t, "Owner", "a@b.example", false), OK);
	assert_int_equal(table_flush(t), OK);
	table_free(t);
	printed_end(&p, "Owner   \n  Owner a@b.example\n");
	free(p.text);
}

static void policy_names(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{\"id\":1,\"compliance\":{\"state\":\"noncompliant\",\"policies\":[{\"id\":3,\"result\":"
		  "\"fail\"},{\"id\":4}]},\"x\":[]}",
		  "{\"id\":1,\"compliance\":{\"state\":\"noncompliant\",\"policies\":[{\"id\":3,\"result\":"
		  "\"fail\",\"name\":\"Disk \\\"on\\\"\"},{\"id\":4}]},\"x\":[]}" },
		{ "{\"compliance\":{\"policies\":null},\"id\":1}",
		  "{\"compliance\":{\"policies\":null},\"id\":1}" },
		{ "{\"compliance\":null}", "{\"compliance\":null}" },
		{ "{}", "{}" },
	};
	struct policy_table names;
	(void)state;
	policy_table_init(&names);
	assert_int_equal(policy_table_set(&names, 3, SLICE("Disk \"on\""), true), 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf out;
		buf_init(&out, 4096);
		policy_names_join(&out, slice_of(rows[i].in), &names);
		assert_string_equal(buf_cstr(&out), rows[i].out);
		buf_release(&out);
	}
	policy_table_release(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(nothing_to_print),
		cmocka_unit_test(fits_the_terminal),
		cmocka_unit_test(colours_only_on_a_terminal),
		cmocka_unit_test(long_lists_come_in_blocks),
		cmocka_unit_test(a_full_stream_is_told),
		cmocka_unit_test(notes_are_visible_text),
		cmocka_unit_test(reports),
		cmocka_unit_test(policy_names),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
