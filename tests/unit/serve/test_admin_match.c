#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "serve/admin_match.h"
#include "unit/serve/admin_bench.h"

static struct admin_table table(void)
{
	return (struct admin_table){ bench_commands, bench_command_count };
}

static void matched(const char *line, char *out, size_t size)
{
	struct words w;
	struct admin_match m;
	struct err e = { 0 };
	struct admin_table t = table();
	assert_int_equal(words_parse(&w, slice_of(line), &e), OK);
	if (admin_match(&m, &t, &w, &e)) {
		snprintf(out, size, "%s: %s", err_name(e.code), e.text);
	} else {
		size_t n = (size_t)snprintf(out, size, "[%s]", m.command->name);
		for (size_t i = 0; i < m.word_count; i++)
			n += (size_t)snprintf(out + n, size - n, " %s", m.words[i]);
		for (size_t i = 0; i < m.given_count; i++)
			n += (size_t)snprintf(out + n, size - n, " %s=%s", m.given[i].option->name,
					      m.given[i].value ? m.given[i].value : "yes");
		admin_match_release(&m);
	}
	words_release(&w);
}

static const struct {
	const char *line, *out;
} rows[] = {
	{ "tenant", "[tenant]" },
	{ "tenant list", "[tenant list]" },
	{ "tenant add acme --once u --loud", "[tenant add] acme once=u loud=yes" },
	{ "tenant add --loud acme", "[tenant add] acme loud=yes" },
	{ "echo --name a x --name b y", "[echo] x y name=a name=b" },
	/* a value may look like an option, a quoted word never is one */
	{ "echo --once --loud", "[echo] once=--loud" },
	{ "echo \"--loud\" - -x", "[echo] --loud - -x" },
	{ "count 5", "[count] 5" },
	{ "count slow 5", "[count slow] 5" },
	{ "\"tenant\" \"list\"", "[tenant list]" },
	{ "tenat list", "not_found: there is no command \"tenat\": did you mean \"tenant list\"?" },
	{ "ecoh", "not_found: there is no command \"ecoh\": did you mean \"echo\"?" },
	{ "ecoh hi there", "not_found: there is no command \"ecoh\": did you mean \"echo\"?" },
	{ "Xyzzy", "not_found: there is no command \"Xyzzy\": \"help\" lists what there is" },
	{ "tenant ad acme",
	  "config: \"tenant\" wants no word behind it, not 2: did you mean \"tenant add\"?" },
	{ "tenant quux", "config: \"tenant\" wants no word behind it, not 1: it is written tenant" },
	{ "secrets", "not_found: \"secrets\" alone is no command: it goes on with rotate" },
	{ "secrets rotat",
	  "not_found: there is no command \"secrets rotat\": did you mean \"secrets rotate\"?" },
	{ "secrets xyzzy",
	  "not_found: there is no command \"secrets xyzzy\": \"secrets\" goes on with rotate" },
	{ "secretz", "not_found: there is no command \"secretz\": did you mean \"secrets rotate\"?" },
	{ "tenant add", "config: \"tenant add\" wants at least 1 word behind it, not 0: it is written tenant "
			"add T --url URL" },
	{ "tenant add a b c", "config: \"tenant add\" wants at most 2 words behind it, not 3: it is written "
			      "tenant add T --url URL" },
	{ "count", "config: \"count\" wants 1 word behind it, not 0: it is written count N" },
	{ "later x", "config: \"later\" wants no word behind it, not 1: it is written later" },
	{ "echo --lodu", "config: \"echo\" has no option \"--lodu\": did you mean \"--loud\"?" },
	{ "echo --quux", "config: \"echo\" has no option \"--quux\": it is written echo [WORD...]" },
	{ "later --x", "config: \"later\" has no option \"--x\": it is written later" },
	{ "echo --", "config: \"echo\" has no option \"--\": it is written echo [WORD...]" },
	{ "echo --once", "config: \"--once\" has no value: give it as --once VALUE" },
	{ "echo --once a --once b", "config: \"--once\" was given twice: give it once" },
	{ "echo --once=hush", "config: \"--once\" has a \"=\": give the value as the next word" },
	{ "echo --loud=1", "config: \"--loud\" has a \"=\": it takes no value" },
	{ "echo --quux=hush", "config: \"echo\" has no option \"--quux\": it is written echo [WORD...]" },
	{ "\"a\\nb\\u001b\"", "not_found: there is no command \"a b \": \"help\" lists what there is" },
	{ "0123456789012345678901234567890123456789012\xc3\xa9"
	  "90123",
	  "not_found: there is no command \"0123456789012345678901234567890123456789012...\": \"help\" lists "
	  "what "
	  "there is" },
};

static void lines_find_their_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[1024];
		matched(rows[i].line, out, sizeof(out));
		assert_string_equal(out, rows[i].out);
	}
}

static void no_memory(void **state)
{
	(void)state;
	struct words w;
	struct admin_match m;
	struct err e = { 0 };
	struct admin_table t = table();
	assert_int_equal(words_parse(&w, SLICE("echo a"), &e), OK);
	mem_fail_at(1, 0);
	assert_int_equal(admin_match(&m, &t, &w, &e), E_NOMEM);
	mem_fail_at(0, 0);
	words_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_find_their_command),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
