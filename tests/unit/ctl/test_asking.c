#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ctl/ctl.h"
#include "muster/exit.h"
#include "unit/ctl/fake_daemon.h"

enum { ARGS_MAX = 12 };

struct ran {
	char *out, *complaints;
	int code;
};

static struct ran run(const char *const *args, const struct fake *f, int in, unsigned width)
{
	static const char *const none[] = { NULL };
	struct ran r;
	size_t out_n, complaints_n;
	char *argv[ARGS_MAX + 1] = { (char *)"musterctl" };
	int argc = 1;
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	struct ctl_surroundings s = {
		.out = open_memstream(&r.out, &out_n),
		.complaints = open_memstream(&r.complaints, &complaints_n),
		.terminal = width > 0,
		.width = width,
		.in = in,
		.socket = f->path,
		.usual_sockets = none,
		.usual_store = "/nowhere",
		.now = 1700000000,
	};
	r.code = ctl_run(argc, argv, &s);
	fclose(s.out);
	fclose(s.complaints);
	return r;
}

static void ran_free(struct ran *r)
{
	free(r->out);
	free(r->complaints);
}

static int full_pipe(const char *text)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	return ends[0];
}

#define OKAY "{\"ok\":true}\n"

/* What goes to the daemon, what comes out, and the exit code. */
static void command_lines(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *heard, *answer;
		int code;
		const char *says, *complains;
	} rows[] = {
		{ { "tenants" }, "tenants\n", OKAY, 0, "", NULL },
		{ { "--json", "device", "acme", "--yes and no" }, NULL, OKAY, 2, NULL, "unknown option" },
		{ { "device", "acme", "--json", "--", "--all" },
		  "device acme \"--all\"\n",
		  "{\"id\":1}\n" OKAY,
		  0,
		  "{\"id\":1}",
		  NULL },
		{ { "devices", "acme", "--stale-after", "2d", "--owner", "a b" },
		  "devices acme --owner \"a b\" --stale-after 172800\n",
		  OKAY,
		  0,
		  "",
		  NULL },
		{ { "changes", "acme", "--since=7", "--follow" },
		  "changes acme --follow --since 7\n",
		  "{\"seq\":8,\"kind\":\"created\",\"id\":5,\"hostname\":\"h\"}\n" OKAY,
		  0,
		  "created",
		  NULL },
		{ { "tenant", "pause", "acme" },
		  "tenant pause acme\n",
		  "{\"tenant\":\"acme\",\"state\":\"paused\"}\n" OKAY,
		  0,
		  "paused",
		  NULL },
		{ { "tenant", "remove", "acme", "--yes", "--keep-devices" },
		  "tenant remove acme --yes --keep-devices\n",
		  "{\"removed\":3}\n{\"ok\":true,\"devices\":3}\n",
		  0,
		  "its devices stay",
		  NULL },
		{ { "sync", "--all", "--wait" },
		  "sync --all --wait\n",
		  "{\"progress\":\"acme\",\"phase\":\"list\",\"hosts\":1,\"expected\":2}\n"
		  "{\"done\":\"acme\",\"result\":\"token\",\"text\":\"refused\"}\n"
		  "{\"ok\":false,\"error\":\"not every sync succeeded\",\"reason\":\"server\"}\n",
		  1,
		  "refused",
		  "not every sync succeeded" },
		{ { "deletions", "accept", "acme", "--count", "3" },
		  "deletions accept acme --count 3\n",
		  "{\"tenant\":\"acme\",\"accepted\":3}\n" OKAY,
		  0,
		  "3 deletions of \"acme\" are accepted",
		  NULL },
		{ { "log", "debug", "http" },
		  "log debug http\n",
		  "{\"level\":\"debug\",\"group\":\"http\"}\n" OKAY,
		  0,
		  "debug",
		  NULL },
		{ { "backup", "/x y" },
		  "backup \"/x y\"\n",
		  "{\"ok\":false,\"error\":\"no room\",\"reason\":\"disk_full\"}\n",
		  4,
		  NULL,
		  "no room" },
		{ { "reload" },
		  "reload\n",
		  "{\"what\":\"complaint\",\"text\":\"line 3\"}\n"
		  "{\"ok\":false,\"error\":\"errors\",\"reason\":\"config\"}\n",
		  3,
		  "line 3",
		  "errors" },
		{ { "doctor", "acme" },
		  "doctor acme\n",
		  "{\"step\":\"tls\",\"verdict\":\"failed\"}\n{\"ok\":true,\"verdict\":\"failed\"}\n",
		  1,
		  "tls",
		  NULL },
		{ { "doctor", "acme" }, NULL, "{\"ok\":true,\"verdict\":\"ok\"}\n", 0, "", NULL },
		{ { "shutdown" }, "shutdown\n", OKAY, 0, "the daemon ends", NULL },
		{ { "shutdown" }, "shutdown\n", "", 7, NULL, "went away" },
		{ { "deletions" },
		  "deletions\n",
		  "{\"tenant\":\"acme\",\"missing\":4,\"deletions\":\"held\",\"hold\":{\"count\":4}}\n" OKAY,
		  0,
		  "musterctl deletions accept acme --count 4",
		  NULL },
		{ { "tenant", "show", "acme" },
		  "tenant show acme\n",
		  "{\"ok\":false,\"error\":\"no tenant \\u001b[31m\",\"reason\":\"not_found\"}\n",
		  1,
		  NULL,
		  "no tenant \xef\xbf\xbd[31m" },
		{ { "tenant", "pause", "acme" },
		  NULL,
		  "{\"ok\":false,\"error\":\"busy\",\"reason\":\"locked\"}\n",
		  6,
		  NULL,
		  "busy" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake f;
		start(&f, rows[i].answer, 4096);
		struct ran r = run(rows[i].args, &f, -1, 0);
		if (rows[i].code == 2) /* nothing was asked: the fake daemon need not wait */
			shutdown(f.listener, SHUT_RDWR);
		finish(&f);
		if (r.code != rows[i].code)
			fail_msg("row %zu: exit code %d\n%s%s", i, r.code, r.out, r.complaints);
		if (rows[i].heard)
			assert_string_equal(f.heard, rows[i].heard);
		if (rows[i].says && !strstr(r.out, rows[i].says))
			fail_msg("row %zu: no \"%s\" in %s", i, rows[i].says, r.out);
		if (rows[i].complains && !strstr(r.complaints, rows[i].complains))
			fail_msg("row %zu: no \"%s\" in %s", i, rows[i].complains, r.complaints);
		if (!rows[i].complains)
			assert_string_equal(r.complaints, "");
		ran_free(&r);
	}
}

static void put_file(char path[96], const struct fake *f, const char *name, const char *text)
{
	snprintf(path, 96, "%s/%s", f->folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void contents_of_files_are_sent(void **state)
{
	char token[96], ca[96], headers[96], at[100];
	struct fake f;
	(void)state;
	start(&f, "{\"tenant\":\"acme\",\"version\":\"4.76.0\",\"hosts\":5}\n" OKAY, 4096);
	put_file(token, &f, "token", "to \"ken\n");
	put_file(ca, &f, "ca", "-----BEGIN\nabc\n-----END\n");
	put_file(headers, &f, "headers", "A: 1\r\n\nB: 2 3\n");
	snprintf(at, sizeof(at), "@%s", headers);
	const char *const args[] = { "tenant",       "add", "acme",          "--url=https://f",
				     "--token-file", token, "--ca-file",     ca,
				     "--header",     at,    "--interval=1h", NULL };
	struct ran r = run(args, &f, -1, 0);
	unlink(token);
	unlink(ca);
	unlink(headers);
	finish(&f);
	assert_int_equal(r.code, MUSTER_EXIT_OK);
	assert_non_null(strstr(r.out, "4.76.0"));
	assert_string_equal(
		f.heard, "tenant add acme --url https://f --token \"to \\\"ken\" "
			 "--ca \"-----BEGIN\\u000aabc\\u000a-----END\" --header \"A: 1\" --header \"B: 2 3\" "
			 "--set \"{\\\"interval\\\":\\\"1h\\\"}\"\n");
	ran_free(&r);
}

static void tokens_come_from_the_input(void **state)
{
	struct fake f;
	(void)state;
	start(&f, "{\"tenant\":\"acme\"}\n" OKAY, 4096);
	int in = full_pipe("secret token\n");
	struct ran r =
		run((const char *[]){ "tenant", "rotate-token", "acme", "--token-stdin", NULL }, &f, in, 0);
	close(in);
	finish(&f);
	assert_int_equal(r.code, MUSTER_EXIT_OK);
	assert_string_equal(f.heard, "tenant rotate-token acme --token \"secret token\"\n");
	ran_free(&r);
}

static void settings_are_one_object(void **state)
{
	struct fake f;
	(void)state;
	start(&f, "{\"tenant\":\"acme\",\"changed\":[\"url\",\"interval\"],\"new_baseline\":true}\n" OKAY,
	      4096);
	struct ran r = run((const char *[]){ "tenant", "set", "acme", "--set", " {\"page_size\": 9 } ",
					     "--url=https://g", "--allow-private", NULL },
			   &f, -1, 0);
	finish(&f);
	assert_int_equal(r.code, MUSTER_EXIT_OK);
	assert_non_null(strstr(r.out, "url, interval"));
	assert_string_equal(
		f.heard,
		"tenant set acme --set "
		"\"{\\\"page_size\\\": 9,\\\"url\\\":\\\"https://g\\\",\\\"allow_private\\\":true}\"\n");
	ran_free(&r);
}

static void refused_before_anything_is_sent(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *input, *says;
	} rows[] = {
		{ { "tenant", "add", "acme", "--url=u" }, "", "no token is given" },
		{ { "tenant", "add", "acme", "--token-stdin" }, "t", "no address is given" },
		{ { "tenant", "add", "acme", "--url=u", "--token-stdin" },
		  "\n",
		  "the standard input is empty" },
		{ { "tenant", "add", "acme", "--url=u", "--token-stdin" }, "\xff", "is no text" },
		{ { "tenant", "add", "acme", "--url=u", "--token-file=/nowhere" },
		  "",
		  "\"/nowhere\" cannot be read" },
		{ { "tenant", "add", "acme", "--url=u", "--token-file=/dev/zero" }, "", "is longer than" },
		{ { "tenant", "rotate-token", "acme", "--token-file=x", "--token-stdin" },
		  "",
		  "exclude each other" },
		{ { "tenant", "set", "acme" }, "", "nothing is to be set" },
		{ { "tenant", "set", "acme", "--set", "[1]" }, "", "wants an object" },
		{ { "tenant", "set", "acme", "--set", "{\"a\":1" }, "", "wants an object" },
		{ { "tenant", "show", "\xff\xfe" }, "", "is not UTF-8" },
		{ { "tenant", "add", "acme", "--token", "secret" }, "", "unknown option \"--token\"" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake f;
		start(&f, OKAY, 4096);
		int in = full_pipe(rows[i].input);
		struct ran r = run(rows[i].args, &f, in, 0);
		close(in);
		shutdown(f.listener, SHUT_RDWR);
		finish(&f);
		if (r.code != MUSTER_EXIT_USAGE || !strstr(r.complaints, rows[i].says))
			fail_msg("row %zu: exit code %d\n%s%s", i, r.code, r.out, r.complaints);
		assert_string_equal(f.heard, "");
		assert_null(strstr(r.complaints, "secret"));
		ran_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
		cmocka_unit_test(contents_of_files_are_sent),
		cmocka_unit_test(tokens_come_from_the_input),
		cmocka_unit_test(settings_are_one_object),
		cmocka_unit_test(refused_before_anything_is_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
