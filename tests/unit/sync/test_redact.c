#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/redact.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "Zm9vYmFyYmF6+/=="

static const struct row {
	const char *name, *secret, *text, *want;
} rows[] = {
	{ "not there", TOKEN, "the token was refused", "the token was refused" },
	{ "in the middle", TOKEN, "bad token " TOKEN " here", "bad token **************** here" },
	{ "twice, side by side", TOKEN, TOKEN TOKEN, "********************************" },
	{ "cut at the end", TOKEN, "Bearer Zm9vYmFyYm", "Bearer **********" },
	{ "only a little of it", TOKEN, "Zm9vYmF", "Zm9vYmF" },
	{ "a false start", TOKEN, "Zm9Zm9vYmFyYmF6", "Zm9************" },
	{ "a word that is no secret", "true", "is not true", "is not true" },
	{ "an empty secret", "", "text", "text" },
	{ "no secret", NULL, "text", "text" },
	{ "no text", TOKEN, "", "" },
};

static void table(void **state)
{
	int wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[120];
		snprintf(text, sizeof(text), "%s", rows[i].text);
		redact(text, rows[i].secret);
		if (strcmp(text, rows[i].want) != 0) {
			print_error("%s: \"%s\"\n", rows[i].name, text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
