#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "query/query.h"
#include "unit/query/small_store.h"

static struct store *store;

static int open_store(void **state)
{
	struct err e;
	if (set_up(state))
		return -1;
	return store_open(&store, &(struct store_options){ .path = folder, .read_only = true }, &e);
}

static int close_store(void **state)
{
	store_close(store);
	return tear_down(state);
}

static struct query_request request(enum query_kind kind, const char *tenant)
{
	return (struct query_request){ .kind = kind, .tenant = tenant, .now = NOW };
}

/* All rows, and the object about the whole as last line. */
static char *ask(const struct query_request *r, size_t slice_bytes)
{
	struct query *q;
	struct buf rows;
	struct err e = { 0 };
	bool more = true;
	int steps = 0;
	buf_init(&rows, 1 << 20);
	assert_int_equal(query_new(&q, store, r, &e), OK);
	while (more) {
		assert_true(++steps < 1000);
		assert_int_equal(query_slice(q, &rows, slice_bytes, &more, &e), OK);
	}
	buf_puts(&rows, "{\"end\":true");
	query_end(q, &rows);
	buf_puts(&rows, "}\n");
	query_free(q);
	char *text = strdup(buf_cstr(&rows));
	buf_release(&rows);
	return text;
}

static size_t lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void answers(void **state)
{
	(void)state;
	static const struct {
		struct query_request request;
		size_t lines; /* rows, and one for the end */
		const char *says[4];
	} rows[] = {
		{ { .kind = QUERY_TENANTS }, 3, { "\"tenant\":\"acme\",\"devices\":3", "\"tenants\":2}" } },
		{ { .kind = QUERY_TENANTS, .tenant = "globex" }, 2, { "globex", "\"tenants\":1}" } },
		{ { .kind = QUERY_SUMMARY },
		  3,
		  { "\"compliant\":2", "\"all\":{\"tenant\":\"(all)\",\"devices\":3" } },
		{ { .kind = QUERY_SUMMARY, .tenant = "acme" }, 2, { "\"missing\":1", "\"held\":1" } },
		{ { .kind = QUERY_DEVICES, .tenant = "acme" },
		  4,
		  { "\"id\":11", "\"id\":12", "\"id\":13", "\"end\":true,\"tenant\":{\"tenant\":\"acme\"" } },
		{ { .kind = QUERY_DEVICES, .tenant = "acme", .filter.state = "COMPLIANT" },
		  3,
		  { "\"id\":11" } },
		{ { .kind = QUERY_DEVICES, .tenant = "acme", .filter.owner = "Jane@acme.example" },
		  2,
		  { "\"id\":11" } },
		{ { .kind = QUERY_DEVICES, .tenant = "acme", .filter.group = "work stations" },
		  2,
		  { "\"id\":11" } },
		{ { .kind = QUERY_DEVICES, .tenant = "acme", .filter.platform = "linux" },
		  2,
		  { "\"id\":13" } },
		{ { .kind = QUERY_DEVICES, .tenant = "globex" }, 1, { "\"devices\":0" } },
		{ { .kind = QUERY_DEVICE, .tenant = "acme", .word = "12" },
		  2,
		  { "\"name\":\"Firewall on\"" } },
		{ { .kind = QUERY_DEVICE, .tenant = "acme", .word = "c02xa1" }, 2, { "\"id\":11" } },
		{ { .kind = QUERY_DEVICE, .tenant = "acme", .word = "aaaaaaaa-0000-4000-8000-000000000001" },
		  2,
		  { "\"id\":11" } },
		{ { .kind = QUERY_DEVICE, .tenant = "acme", .word = "nobody" }, 1, { NULL } },
		{ { .kind = QUERY_CHANGES, .tenant = "acme" }, 3, { "\"baseline\"", "\"changed\"" } },
		{ { .kind = QUERY_CHANGES, .tenant = "acme", .since = 1 }, 2, { "\"changed\"" } },
		{ { .kind = QUERY_CHANGES, .tenant = "acme", .since = UINT64_MAX }, 1, { NULL } },
		{ { .kind = QUERY_HELD }, 2, { "\"deletions\":\"held\"", "\"count\":1" } },
		{ { .kind = QUERY_MISSING, .tenant = "acme" },
		  2,
		  { "\"id\":13", "\"device\":{\"name\":\"linux-3\",\"serial\":\"S3\",\"owner\":null}" } },
		{ { .kind = QUERY_REJECTS, .tenant = "acme" }, 2, { "the id is no number" } },
		{ { .kind = QUERY_TOMBSTONES, .tenant = "acme" }, 1, { NULL } },
		{ { .kind = QUERY_VERIFY }, 1, { "\"tenants\":2,\"devices\":3,\"findings\":0" } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct query_request r = rows[i].request;
		r.now = NOW;
		char *whole = ask(&r, 1 << 20), *sliced = ask(&r, 1);
		if (lines(whole) != rows[i].lines)
			fail_msg("row %zu: %zu lines:\n%s", i, lines(whole), whole);
		for (int k = 0; k < 4 && rows[i].says[k]; k++)
			if (!strstr(whole, rows[i].says[k]))
				fail_msg("row %zu: no %s in:\n%s", i, rows[i].says[k], whole);
		assert_string_equal(whole, sliced);
		free(whole);
		free(sliced);
	}
}

static void unknown_tenants_are_suggested(void **state)
{
	(void)state;
	struct query *q;
	struct err e = { 0 };
	struct query_request r = request(QUERY_DEVICES, "acne");
	assert_int_equal(query_new(&q, store, &r, &e), E_NOT_FOUND);
	assert_non_null(strstr(e.text, "did you mean \"acme\"?"));
	assert_null(q);
	r = request(QUERY_CHANGES, NULL);
	assert_int_equal(query_new(&q, store, &r, &e), E_CONFIG);
}

/* Whichever allocation fails, the answer is E_NOMEM and rows stay whole. */
static void no_memory(void **state)
{
	(void)state;
	for (int kind = 0; kind < QUERY_KINDS; kind++) {
		bool done = false;
		for (unsigned long n = 1; !done; n++) {
			struct query_request r =
				request(kind, kind == QUERY_VERIFY || kind == QUERY_HELD ? NULL : "acme");
			struct query *q;
			struct buf rows;
			struct err e = { 0 };
			bool more = true;
			assert_true(n < 2000);
			r.word = "C02XA1";
			buf_init(&rows, 1 << 20);
			mem_fail_at(n, 0);
			int rc = query_new(&q, store, &r, &e);
			while (!rc && more)
				rc = query_slice(q, &rows, 1 << 16, &more, &e);
			done = mem_count() < n;
			mem_fail_at(0, 0);
			if (rc)
				assert_int_equal(rc, E_NOMEM);
			if (rows.len)
				assert_int_equal(rows.data[rows.len - 1], '\n');
			query_free(q);
			buf_release(&rows);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(unknown_tenants_are_suggested),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, open_store, close_store);
}
