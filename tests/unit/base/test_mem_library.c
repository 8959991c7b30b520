/* Memory given to libraries: contents go with it, what was kept stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The sanitizers put freed memory aside unread; there only the rest is tested. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CAN_LOOK = 0 };
#else
enum { CAN_LOOK = 1 };
#endif

static void contents_are_kept(void **state)
{
	(void)state;
	char *p = NULL;
	for (size_t n = 1; n < 100000; n = n * 3 / 2 + 1) {
		p = mem_library_realloc(p, n);
		assert_non_null(p);
		memset(p, 'a', n);
		char *q = mem_library_realloc(p, n + n / 2 + 1);
		assert_non_null(q);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(q[i], 'a');
		p = mem_library_realloc(q, n / 3 + 1);
		for (size_t i = 0; i < n / 3 + 1; i++)
			assert_int_equal(p[i], 'a');
	}
	mem_library_free(p);
	mem_library_free(NULL);
	p = mem_library_zalloc(7, 9);
	for (int i = 0; i < 63; i++)
		assert_int_equal(p[i], 0);
	mem_library_free(p);
	p = mem_library_strdup("word");
	assert_string_equal(p, "word");
	mem_library_free(p);
}

/* Memory of the same size comes back from the allocator as it was left, but for
 * the first bytes, where it keeps its links. */
static void contents_are_wiped(void **state)
{
	(void)state;
	if (!CAN_LOOK)
		skip();
	enum { N = 600, LINKS = 32 };
	for (int moved = 0; moved < 2; moved++) {
		char *p = mem_library_alloc(N);
		uintptr_t was = (uintptr_t)p;
		memset(p, 'S', N);
		char *big = moved ? mem_library_realloc(p, 50 * N) : NULL;
		if (!moved)
			mem_library_free(p);
		char *again = mem_library_alloc(N);
		assert_true((uintptr_t)again == was);
		for (int i = LINKS; i < N; i++)
			assert_int_not_equal(again[i], 'S');
		mem_library_free(again);
		mem_library_free(big);
	}
}

static void not_counted(void **state)
{
	(void)state;
	mem_fail_at(1, 1);
	void *p = mem_library_alloc(10);
	assert_non_null(p);
	assert_int_equal(mem_count(), 0);
	mem_fail_at(0, 0);
	mem_library_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_kept),
		cmocka_unit_test(contents_are_wiped),
		cmocka_unit_test(not_counted),
	};
	return cmocka_run_group_tests_name("base/mem_library", tests, NULL, NULL);
}
