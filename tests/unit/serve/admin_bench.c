#include "unit/serve/admin_bench.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/must.h"
#include "unit/serve/admin_client.h"

static struct bench *bench_of(const struct admin_call *call)
{
	return call->owner;
}

static void ok(struct admin_call *call)
{
	admin_end(call, OK, NULL);
}

static void echo(struct admin_call *call)
{
	struct buf b;
	const char *name;
	buf_init(&b, 1 << 22);
	json_open(&b, '{');
	json_k(&b, "words");
	json_open(&b, '[');
	for (size_t i = 0; i < call->word_count; i++)
		json_text(&b, slice_of(call->words[i]));
	json_close(&b, ']');
	json_k(&b, "names");
	json_open(&b, '[');
	for (size_t i = 0; (name = admin_value_at(call, "name", i)); i++)
		json_text(&b, slice_of(name));
	json_close(&b, ']');
	json_k(&b, "once");
	json_text(&b, slice_of(admin_value(call, "once")));
	json_k(&b, "loud");
	json_bool(&b, admin_flag(call, "loud"));
	json_close(&b, '}');
	admin_row(call, buf_slice(&b));
	buf_release(&b);
	admin_end(call, OK, NULL);
}

static void fail(struct admin_call *call)
{
	admin_end(call, E_CONFLICT, call->word_count ? call->words[0] : NULL);
}

static void members(struct admin_call *call)
{
	struct buf *b = admin_members(call);
	json_k(b, "devices");
	json_int(b, 12);
	json_k(b, "verdict");
	json_text(b, SLICE("warning"));
	admin_end(call, call->word_count ? E_HELD : OK, NULL);
}

static void later_fired(void *arg)
{
	struct admin_call *call = arg;
	timer_free(call->state);
	bench_of(call)->done++;
	admin_end(call, OK, NULL);
}

static void later(struct admin_call *call)
{
	struct timer *t;
	bench_of(call)->begun++;
	must(timer_new(&t, bench_of(call)->loop, later_fired, call) == OK);
	call->state = t;
	timer_arm(t, 30);
}

static void hold_gone(struct admin_call *call)
{
	bench_of(call)->gone++;
	must(admin_gone(call));
	admin_row(call, SLICE("{}")); /* to nobody */
	/* the first half ends at once, the others later */
	if (bench_of(call)->gone % 2)
		admin_end(call, E_CANCELLED, NULL);
	else
		later(call);
}

static void hold(struct admin_call *call)
{
	bench_of(call)->begun++;
	admin_on_gone(call, hold_gone);
}

/* ---- count ---- */

struct counting {
	struct bench *bench;
	unsigned at, end, fail_at;
	bool slow;
};

static int count_slice(void *arg, struct buf *rows, bool *more, struct err *e)
{
	struct counting *c = arg;
	int now = ++c->bench->slices_now, most = c->bench->slices_most;
	while (now > most && !atomic_compare_exchange_weak(&c->bench->slices_most, &most, now))
		;
	c->bench->slices++;
	if (c->slow)
		usleep(2000);
	while (c->at < c->end && rows->len < ADMIN_SLICE_BYTES)
		buf_printf(rows, "{\"row\":%u,\"of\":\"some device with a longer name\"}\n", c->at++);
	*more = c->at < c->end;
	c->bench->slices_now--;
	if (c->fail_at && c->at >= c->fail_at)
		return err_set(e, E_CORRUPT, "the store is damaged at row %u", c->fail_at);
	return rows->failed;
}

static void count_done(struct admin_call *call, void *arg, int rc, const struct err *e)
{
	bench_of(call)->done++;
	bench_of(call)->last_rc = rc;
	mem_free(arg);
	admin_end(call, rc, e->text);
}

static void count(struct admin_call *call)
{
	struct counting *c = mem_zalloc(sizeof(*c));
	must(c != NULL);
	bench_of(call)->begun++;
	c->bench = call->owner;
	c->end = call->word_count ? (unsigned)strtoul(call->words[0], NULL, 10) : 1000000;
	c->fail_at = call->word_count ? 0 : 2000;
	c->slow = strcmp(call->command->name, "count slow") == 0;
	admin_read(call, &(struct admin_read){ count_slice, count_done, c });
}

/* ---- flow ---- */

static void flow_on(struct admin_call *call)
{
	uintptr_t left = (uintptr_t)call->state;
	if (admin_gone(call)) {
		bench_of(call)->done++;
		admin_end(call, E_CANCELLED, NULL);
		return;
	}
	for (; left && !admin_full(call); left--)
		admin_row(call, SLICE("{\"text\":\"0123456789012345678901234567890123456789\"}"));
	call->state = (void *)left;
	if (left) {
		admin_when_drained(call, flow_on);
		return;
	}
	bench_of(call)->done++;
	admin_end(call, OK, NULL);
}

static void flow(struct admin_call *call)
{
	bench_of(call)->begun++;
	call->state = (void *)(uintptr_t)strtoul(call->words[0], NULL, 10);
	flow_on(call);
}

static const struct admin_option echo_options[] = {
	{ "name", "NAME", "a name", true },
	{ "once", "VALUE", "a value", false },
	{ "loud", NULL, "louder", false },
	{ 0 },
};

const struct admin_command bench_commands[] = {
	{ "echo", "[WORD...]", echo_options, 0, 100, "says it again", "All of it.", echo },
	{ "fail", "[TEXT]", NULL, 0, 1, "fails", NULL, fail },
	{ "members", "[FAIL]", NULL, 0, 1, "adds members", NULL, members },
	{ "later", "", NULL, 0, 0, "ends later", NULL, later },
	{ "hold", "", NULL, 0, 0, "waits", NULL, hold },
	{ "count", "N", NULL, 1, 1, "counts", NULL, count },
	{ "count slow", "N", NULL, 1, 1, "counts slowly", NULL, count },
	{ "count wrong", "", NULL, 0, 0, "counts and fails", NULL, count },
	{ "flow", "N", NULL, 1, 1, "flows", NULL, flow },
	{ "tenant", "", NULL, 0, 0, "nothing", NULL, ok },
	{ "tenant add", "T --url URL", echo_options, 1, 2, "adds a tenant", NULL, ok },
	{ "tenant list", "", NULL, 0, 0, "lists tenants", NULL, ok },
	{ "secrets rotate", "", NULL, 0, 0, "rotates", NULL, ok },
};
const size_t bench_command_count = sizeof(bench_commands) / sizeof(*bench_commands);
