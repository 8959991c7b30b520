#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "serve/exposition.h"

static struct buf out;

static int begin(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_release(&out);
	return 0;
}

static const struct {
	double value;
	const char *text;
} numbers[] = {
	{ 0, "0" },
	{ -0.0, "-0" },
	{ 1, "1" },
	{ -17, "-17" },
	{ 0.1, "0.1" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 2.5e-3, "0.0025" },
	{ 1e-9, "1e-09" },
	{ 1700000000, "1700000000" },
	{ 1700000000.25, "1700000000.25" },
	{ 9007199254740992.0, "9007199254740992" },
	{ 1e21, "1e+21" },
	{ DBL_MAX, "1.7976931348623157e+308" },
	{ INFINITY, "+Inf" },
	{ -INFINITY, "-Inf" },
	{ NAN, "NaN" },
};

static void numbers_are_short_and_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char line[64];
		buf_reset(&out);
		exposition_sample(&out, "m", NULL, 0, numbers[i].value);
		snprintf(line, sizeof(line), "m %s\n", numbers[i].text);
		assert_string_equal(buf_cstr(&out), line);
	}
	buf_reset(&out);
	exposition_count(&out, "m_total", NULL, 0, UINT64_MAX);
	assert_string_equal(buf_cstr(&out), "m_total 18446744073709551615\n");
}

static const struct {
	const char *value, *text;
} labels[] = {
	{ "", "" },
	{ "plain text", "plain text" },
	{ "a\"b", "a\\\"b" },
	{ "a\\b", "a\\\\b" },
	{ "a\nb\n", "a\\nb\\n" },
	{ "{,}=", "{,}=" },
	{ "caf\xc3\xa9", "caf\xc3\xa9" },
	{ "\"\xff\"", "\\\"\xef\xbf\xbd\\\"" },
};

static void labels_are_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		struct exposition_label l[] = { { "tenant", labels[i].value }, { "b", "{" }, { "c", "2" } };
		char line[128];
		buf_reset(&out);
		exposition_sample(&out, "m", l, 3, 5);
		snprintf(line, sizeof(line), "m{tenant=\"%s\",b=\"{\",c=\"2\"} 5\n", labels[i].text);
		assert_string_equal(buf_cstr(&out), line);
	}
}

static void a_family_has_its_heading(void **state)
{
	(void)state;
	exposition_family(&out, "up", EXPOSITION_GAUGE, "a \"b\"\\\nc");
	assert_string_equal(buf_cstr(&out), "# HELP up a \"b\"\\\\\\nc\n# TYPE up gauge\n");
}

static const double bounds[] = { 0.005, 0.25, 1, 10 };

static void a_histogram_is_cumulative(void **state)
{
	(void)state;
	struct histogram h;
	struct exposition_label l = { "tenant", "acme" };
	histogram_init(&h, bounds, 4);
	static const double seen[] = { 0.001, 0.25, 0.5, 0.75, 1, 99 };
	for (size_t i = 0; i < 6; i++)
		histogram_observe(&h, seen[i]);
	exposition_histogram(&out, "took", &l, 1, &h);
	assert_string_equal(buf_cstr(&out), "took_bucket{tenant=\"acme\",le=\"0.005\"} 1\n"
					    "took_bucket{tenant=\"acme\",le=\"0.25\"} 2\n"
					    "took_bucket{tenant=\"acme\",le=\"1\"} 5\n"
					    "took_bucket{tenant=\"acme\",le=\"10\"} 5\n"
					    "took_bucket{tenant=\"acme\",le=\"+Inf\"} 6\n"
					    "took_sum{tenant=\"acme\"} 101.501\n"
					    "took_count{tenant=\"acme\"} 6\n");
	buf_reset(&out);
	histogram_init(&h, bounds, 1);
	exposition_histogram(&out, "took", NULL, 0, &h);
	assert_string_equal(buf_cstr(&out), "took_bucket{le=\"0.005\"} 0\ntook_bucket{le=\"+Inf\"} 0\n"
					    "took_sum 0\ntook_count 0\n");
}

/* ---- the walk ---- */

enum { TENANTS = 5000 };
struct fleet {
	bool gone[TENANTS + 1];
	unsigned writes;
};

static uint64_t next_tenant(const struct exposition_row *row, void *arg, uint64_t after)
{
	struct fleet *f = arg;
	(void)row;
	while (++after <= TENANTS)
		if (!f->gone[after])
			return after;
	return 0;
}

static uint64_t next_never(const struct exposition_row *row, void *arg, uint64_t after)
{
	(void)row;
	(void)arg;
	(void)after;
	return 0;
}

static void write_tenant(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	char name[32];
	struct exposition_label l = { "tenant", name };
	((struct fleet *)arg)->writes++;
	snprintf(name, sizeof(name), "t%05u", (unsigned)part);
	exposition_sample(b, row->name, &l, 1, (double)part);
}

static void write_one(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	static const struct exposition_label l[] = { { "version", "0.1.0" }, { "commit", "a\"b" } };
	((struct fleet *)arg)->writes++;
	assert_int_equal(part, 1);
	exposition_sample(b, row->name, l, 2, 1);
}

static void write_took(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	struct histogram h;
	(void)arg;
	(void)part;
	histogram_init(&h, bounds, 4);
	histogram_observe(&h, 0.3);
	histogram_observe(&h, 30);
	exposition_histogram(b, row->name, NULL, 0, &h);
}

static void write_nothing(const struct exposition_row *row, void *arg, uint64_t part, struct buf *b)
{
	(void)row;
	(void)part;
	(void)b;
	((struct fleet *)arg)->writes++;
}

static const struct exposition_row rows[] = {
	{ "muster_build_info", EXPOSITION_GAUGE, "What runs, always 1.", write_one, NULL, 0 },
	{ "muster_absent", EXPOSITION_GAUGE, "Left out.", write_one, next_never, 0 },
	{ "muster_tenant_up", EXPOSITION_GAUGE, "Whether the last sync succeeded.", write_tenant, next_tenant,
	  0 },
	{ "muster_syncs_total", EXPOSITION_COUNTER, "Syncs by tenant.", write_tenant, next_tenant, 1 },
	{ "muster_sync_seconds", EXPOSITION_HISTOGRAM, "How long syncs took.", write_took, NULL, 0 },
};

static void walk(struct fleet *f, struct buf *all, size_t bytes, unsigned *slices)
{
	struct exposition x = { .rows = rows, .count = sizeof(rows) / sizeof(*rows), .arg = f };
	bool more = true;
	for (*slices = 0; more; ++*slices) {
		size_t before = all->len;
		more = exposition_slice(&x, all, bytes);
		assert_in_range(all->len - before, 0, bytes + 1024);
		assert_true(*slices < 1000000);
	}
	assert_int_equal(all->failed, 0);
	assert_false(exposition_slice(&x, all, bytes));
}

static void slices_make_the_same_text(void **state)
{
	(void)state;
	struct fleet f = { 0 };
	unsigned slices;
	struct buf whole;
	buf_init(&whole, 1 << 20);
	walk(&f, &whole, 1 << 20, &slices);
	/* a slice looks at so many parts at most, whatever they weigh */
	assert_in_range(slices, 10, 12);
	assert_int_equal(f.writes, 1 + 2 * TENANTS);
	assert_null(strstr(buf_cstr(&whole), "muster_absent"));
	for (size_t bytes = 1; bytes < 100000; bytes = bytes * 7 + 1) {
		buf_reset(&out);
		walk(&f, &out, bytes, &slices);
		assert_string_equal(buf_cstr(&out), buf_cstr(&whole));
	}
	buf_release(&whole);
}

static unsigned lines_with(const char *text, const char *what)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* Tenants that leave during the walk, before and behind it: none comes twice. */
static void tenants_leave_between_slices(void **state)
{
	(void)state;
	struct fleet f = { 0 };
	struct exposition x = { .rows = rows, .count = 3, .arg = &f };
	f.gone[3000] = true;
	while (exposition_slice(&x, &out, 5000))
		if (x.part > 1000) {
			f.gone[1] = f.gone[x.part] = f.gone[4000] = true;
			f.gone[3000] = false;
		}
	const char *text = buf_cstr(&out);
	assert_int_equal(lines_with(text, "# TYPE muster_tenant_up"), 1);
	assert_int_equal(lines_with(text, "\"t00001\""), 1);
	assert_int_equal(lines_with(text, "\"t03000\""), 1);
	assert_int_equal(lines_with(text, "\"t04000\""), 0);
	for (unsigned i = 1; i <= TENANTS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "\"t%05u\"", i);
		assert_in_range(lines_with(text, name), i == 4000 ? 0 : 1, 1);
	}
}

static void a_slice_of_empty_parts_ends(void **state)
{
	(void)state;
	struct fleet f = { 0 };
	struct exposition_row row = rows[2];
	row.write = write_nothing;
	struct exposition x = { .rows = &row, .count = 1, .arg = &f };
	assert_true(exposition_slice(&x, &out, 4096));
	assert_in_range(f.writes, 1, 2000);
	while (exposition_slice(&x, &out, 4096))
		;
	assert_int_equal(f.writes, TENANTS);
}

static void a_full_buffer_ends_it(void **state)
{
	(void)state;
	struct fleet f = { 0 };
	struct buf small;
	struct exposition x = { .rows = rows, .count = 3, .arg = &f };
	buf_init(&small, 1000);
	assert_false(exposition_slice(&x, &small, 100000));
	assert_int_equal(small.failed, E_LIMIT);
	buf_release(&small);
}

/* What promtool says of the text on its standard input; -1: it is not there. */
static int promtool(const char *text, size_t n)
{
	char program[] = "promtool", verb[] = "check", what[] = "metrics";
	char *const words[] = { program, verb, what, NULL };
	posix_spawn_file_actions_t files;
	int ends[2], status = -1;
	pid_t pid;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, ends[0], 0);
	int missing = posix_spawnp(&pid, words[0], &files, NULL, words, environ);
	posix_spawn_file_actions_destroy(&files);
	close(ends[0]);
	for (size_t at = 0; !missing && at < n;) {
		ssize_t k = write(ends[1], text + at, n - at);
		assert_true(k > 0);
		at += (size_t)k;
	}
	close(ends[1]);
	if (missing)
		return -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void promtool_accepts_it(void **state)
{
	(void)state;
	struct fleet f = { 0 };
	unsigned slices;
	if (promtool("", 0) < 0) {
		print_message("promtool (package prometheus) is not installed: not asked\n");
		skip();
	}
	assert_int_not_equal(promtool("muster_up{ 1\n", 13), 0);
	walk(&f, &out, 4096, &slices);
	exposition_family(&out, "muster_odd_labels", EXPOSITION_GAUGE,
			  "Every label \\ that\nhas to be escaped.");
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		struct exposition_label l = { "tenant", labels[i].value };
		exposition_sample(&out, "muster_odd_labels", &l, 1, numbers[i].value);
	}
	exposition_family(&out, "muster_odd_numbers", EXPOSITION_GAUGE, "Every number.");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char at[8];
		struct exposition_label l = { "row", at };
		snprintf(at, sizeof(at), "%zu", i);
		exposition_sample(&out, "muster_odd_numbers", &l, 1, numbers[i].value);
	}
	assert_int_equal(out.failed, 0);
	assert_int_equal(promtool(out.data, out.len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_are_short_and_exact, begin, end),
		cmocka_unit_test_setup_teardown(labels_are_escaped, begin, end),
		cmocka_unit_test_setup_teardown(a_family_has_its_heading, begin, end),
		cmocka_unit_test_setup_teardown(a_histogram_is_cumulative, begin, end),
		cmocka_unit_test_setup_teardown(slices_make_the_same_text, begin, end),
		cmocka_unit_test_setup_teardown(tenants_leave_between_slices, begin, end),
		cmocka_unit_test_setup_teardown(a_slice_of_empty_parts_ends, begin, end),
		cmocka_unit_test_setup_teardown(a_full_buffer_ends_it, begin, end),
		cmocka_unit_test_setup_teardown(promtool_accepts_it, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
