#include "daemon/health.h"

#include "base/mem.h"
#include "daemon/service.h"
#include "store/writer.h"

enum { TEXT_MAX = 1024, NOT_READY = 503 };

struct text {
	struct buf buf;
	char memory[TEXT_MAX];
};

static struct text *text_new(void **state, struct err *e)
{
	struct text *t = mem_zalloc(sizeof(*t));
	if (t)
		buf_init_fixed(&t->buf, t->memory, sizeof(t->memory));
	else
		err_set(e, E_NOMEM, "out of memory");
	*state = t;
	return t;
}

int health_begin_live(void *arg, void **state, unsigned *status, struct err *e)
{
	struct text *t = text_new(state, e);
	(void)arg;
	(void)status;
	if (!t)
		return E_NOMEM;
	buf_puts(&t->buf, "ok\n");
	return OK;
}

static bool look_at_store(const struct service *s, struct buf *b)
{
	struct writer_stat writer;
	writer_stat(s->env.writer, &writer);
	if (writer.failing)
		buf_printf(b, "store: the last writing failed: %s\n", err_meaning(writer.failing));
	else
		buf_puts(b, "store: writable\n");
	return !writer.failing;
}

static void tell_of_tenants(const struct service *s, struct buf *b)
{
	struct tenants_load load;
	tenants_load(s->tenants, &load);
	buf_printf(b, "tenants: %zu", load.total);
	for (int i = SCHEDULE_WAITING; i < SCHEDULE_STATES; i++)
		if (load.states[i])
			buf_printf(b, ", %zu %s", load.states[i], schedule_state_name(i));
	buf_putc(b, '\n');
}

int health_begin_ready(void *arg, void **state, unsigned *status, struct err *e)
{
	static const char *const states[] = { "starting", "running", "draining: it is about to end" };
	const struct service *s = arg;
	struct text *t = text_new(state, e);
	char memory[TEXT_MAX / 2];
	struct buf reasons;
	if (!t)
		return E_NOMEM;
	buf_init_fixed(&reasons, memory, sizeof(memory));
	buf_printf(&reasons, "daemon: %s\n", states[s->state]);
	bool ready = look_at_store(s, &reasons) && s->state == SERVICE_READY;
	buf_printf(&reasons, "configuration: %s\n",
		   s->reload_failed ? "refused when it was last read; the one before is in force"
				    : "in force");
	tell_of_tenants(s, &reasons);
	buf_puts(&t->buf, ready ? "ready\n" : "not ready\n");
	buf_add(&t->buf, reasons.data, reasons.len);
	if (!ready)
		*status = NOT_READY;
	return OK;
}

int health_slice(void *state, struct buf *body, size_t bytes, bool *more)
{
	struct text *t = state;
	(void)bytes;
	buf_add(body, t->buf.data, t->buf.len);
	*more = false;
	return body->failed;
}

void health_end(void *state)
{
	mem_free(state);
}
