#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { HOSTS = 600, PAGE_HOSTS = 50, ROUNDS = 25 };

/* Walks for ever; each walk changes a third of the hosts and loses and finds
 * some, as its number says. */
static void walk_for_ever(struct fixture *f, uint64_t walks)
{
	bool resume = true;
	struct row rows[PAGE_HOSTS];
	while (walks--) {
		fixture_walk_begin_mode(f, WALK_CURSOR_ID, resume);
		resume = false;
		for (uint64_t first = f->cursor + 1; first <= HOSTS; first += PAGE_HOSTS) {
			size_t n = 0;
			for (uint64_t id = first; id < first + PAGE_HOSTS && id <= HOSTS; id++)
				if (f->walk == 1 || (id + f->walk) % 7)
					rows[n++] = (struct row){ .id = id,
								  .variant = (int)((id + f->walk) % 3) };
			fixture_page(f, rows, n, first + PAGE_HOSTS > HOSTS);
		}
		fixture_walk_end(f);
		for (uint64_t id = 1; id <= HOSTS; id += 2)
			if (f->walk > 1 && (id + f->walk) % 7 == 0)
				fixture_sweep(f, id, SWEEP_GONE);
	}
}

/* Every event stands for what the one before it left: no two deletions of a
 * host without its return between them, and the reverse. */
struct lives {
	bool alive[HOSTS + 1];
	uint64_t count, seq;
};

static int live(void *arg, uint64_t seq, struct slice json)
{
	struct lives *l = arg;
	char text[4096], kind[32];
	unsigned id;
	snprintf(text, sizeof(text), "%.*s", (int)json.n, json.p);
	if (seq != ++l->seq)
		return E_CORRUPT;
	if (sscanf(strstr(text, "\"kind\":\""), "\"kind\":\"%31[a-z_]\",\"id\":%u", kind, &id) != 2) {
		memset(l->alive, true, sizeof(l->alive));
		l->count = HOSTS;
		return OK;
	}
	bool dies = !strcmp(kind, "deleted"), comes = !strcmp(kind, "created") || !strcmp(kind, "revived");
	if (id > HOSTS || l->alive[id] != (!comes))
		return E_CORRUPT;
	l->alive[id] = !dies;
	l->count += comes;
	l->count -= dies;
	return OK;
}

static void killed_at_any_time(void **state)
{
	struct fixture f;
	struct random r = { 11 };
	struct lives lives = { 0 };
	(void)state;
	fixture_folder(&f);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t child = fork();
		if (!child) {
			if (fixture_open_map(&f, 1 << 20))
				_exit(1);
			f.tenant = fixture_tenant(&f, "acme");
			walk_for_ever(&f, UINT64_MAX);
		}
		struct timespec pause = { 0, (long)random_below(&r, 60000000) };
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		int status;
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
		assert_int_equal(store_verify(f.s, fixture_finding, NULL), OK);
		store_close(f.s);
		f.s = NULL;
	}
	assert_int_equal(fixture_open_map(&f, 64 << 20), OK);
	f.tenant = fixture_tenant(&f, "acme");
	walk_for_ever(&f, 3);
	assert_int_equal(store_rows(f.s, f.tenant, ROWS_CHANGES, 0, live, &lives), OK);
	assert_int_equal(lives.count, fixture_row(&f).devices);
	assert_int_equal(lives.seq, fixture_row(&f).seq);
	assert_true(lives.seq > 100);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_any_time) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
