/* Questions to the store, answered by src/query on another thread. */
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/commands.h"
#include "query/query.h"

#include <stdlib.h>

const struct admin_option stale_options[] = {
	{ "stale-after", "SECONDS", "how old the evidence of a device may be", false },
	{ NULL, NULL, NULL, false },
};
const struct admin_option device_options[] = {
	{ "state", "STATE", "only devices of that compliance", false },
	{ "platform", "NAME", "only devices of that system family or platform", false },
	{ "owner", "EMAIL", "only devices of that owner", false },
	{ "group", "NAME", "only devices of that access group", false },
	{ "stale-after", "SECONDS", "how old the evidence of a device may be", false },
	{ NULL, NULL, NULL, false },
};
const struct admin_option changes_options[] = {
	{ "since", "SEQ", "only changes after that sequence number", false },
	{ NULL, NULL, NULL, false },
};

struct reading {
	struct query_request request;
	struct store *store;
	struct query *query;
	uint64_t rows;
};

static int slice(void *arg, struct buf *rows, bool *more, struct err *e)
{
	struct reading *r = arg;
	size_t before = rows->len;
	int rc = r->query ? OK : query_new(&r->query, r->store, &r->request, e);
	if (!rc)
		rc = query_slice(r->query, rows, ADMIN_SLICE_BYTES, more, e);
	r->rows += rows->len > before;
	return rc;
}

static void done(struct admin_call *call, void *arg, int rc, const struct err *e)
{
	struct reading *r = arg;
	struct err none = { 0 };
	if (rc == OK)
		query_end(r->query, admin_members(call));
	if (rc == OK && r->request.kind == QUERY_DEVICE && !r->rows) {
		rc = err_set(&none, E_NOT_FOUND,
			     "no device of tenant \"%s\" has the id, serial or uuid \"%s\": \"devices\" "
			     "lists them",
			     r->request.tenant, r->request.word);
		e = &none;
	}
	query_free(r->query);
	mem_free(r);
	admin_end(call, rc, rc && e ? e->text : NULL);
}

static bool number(const struct admin_call *call, const char *option, uint64_t *out)
{
	const char *text = admin_value(call, option);
	char *end;
	if (!text)
		return true;
	*out = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end;
}

static void ask(struct admin_call *call, const struct query_request *request)
{
	struct service *s = command_service(call);
	struct reading *r = mem_zalloc(sizeof(*r));
	if (!r) {
		admin_end(call, E_NOMEM, NULL);
		return;
	}
	r->request = *request;
	r->request.tenant = call->word_count > 0 ? call->words[0] : NULL;
	r->request.now = clock_unix_s();
	r->store = s->env.store;
	admin_read(call, &(struct admin_read){ .slice = slice, .done = done, .arg = r });
}

static void ask_of_now(struct admin_call *call, struct query_request request)
{
	uint64_t stale = 0;
	if (!number(call, "stale-after", &stale) || stale > INT64_MAX)
		admin_end(call, E_CONFIG, "\"--stale-after\" wants a number of seconds");
	else {
		request.stale_after_s = (int64_t)stale;
		ask(call, &request);
	}
}

void command_tenants(struct admin_call *call)
{
	ask(call, &(struct query_request){ .kind = QUERY_TENANTS });
}

void command_summary(struct admin_call *call)
{
	ask_of_now(call, (struct query_request){ .kind = QUERY_SUMMARY });
}

void command_devices(struct admin_call *call)
{
	ask_of_now(call, (struct query_request){
				 .kind = QUERY_DEVICES,
				 .filter = { admin_value(call, "state"), admin_value(call, "platform"),
					     admin_value(call, "owner"), admin_value(call, "group") },
			 });
}

void command_device(struct admin_call *call)
{
	ask_of_now(call, (struct query_request){ .kind = QUERY_DEVICE, .word = call->words[1] });
}

void command_changes(struct admin_call *call)
{
	struct query_request request = { .kind = QUERY_CHANGES };
	if (!number(call, "since", &request.since))
		admin_end(call, E_CONFIG, "\"--since\" wants a sequence number; \"changes\" shows them");
	else
		ask(call, &request);
}

void command_deletions(struct admin_call *call)
{
	ask(call, &(struct query_request){ .kind = call->word_count ? QUERY_MISSING : QUERY_HELD });
}

void command_rejects(struct admin_call *call)
{
	ask(call, &(struct query_request){ .kind = QUERY_REJECTS });
}

void command_tombstones(struct admin_call *call)
{
	ask(call, &(struct query_request){ .kind = QUERY_TOMBSTONES });
}

void command_verify(struct admin_call *call)
{
	ask(call, &(struct query_request){ .kind = QUERY_VERIFY });
}
