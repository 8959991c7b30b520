#include "serve/admin_state.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/utf8.h"

#include <unistd.h>
#include <utlist.h>

enum { SWEEP_MS = 100, MEMBERS_MAX = 1 << 20 };

static struct call *call_of(const struct admin_call *call)
{
	return (struct call *)(uintptr_t)call;
}

/* ---- the last object of an answer ---- */

static void last_object(struct buf *out, int rc, const char *text, const struct buf *members)
{
	struct buf sentence;
	json_open(out, '{');
	json_k(out, "ok");
	json_bool(out, rc == OK);
	if (rc) {
		buf_init(&sentence, 1 << 16);
		utf8_repair(&sentence, text, strlen(text));
		json_k(out, "error");
		json_text(out, buf_slice(&sentence));
		json_k(out, "reason");
		json_text(out, slice_of(err_name(rc)));
		buf_release(&sentence);
	}
	/* they begin with the brace that made them members */
	if (members && members->len > 1) {
		buf_putc(out, ',');
		buf_add(out, members->data + 1, members->len - 1);
	}
	json_close(out, '}');
	buf_putc(out, '\n');
}

static void write_last(struct stream *s, int rc, const char *text, const struct buf *members)
{
	static const char no_memory[] = "{\"ok\":false,\"error\":\"out of memory\",\"reason\":\"nomem\"}\n";
	struct buf out;
	buf_init(&out, MEMBERS_MAX + (1 << 18));
	if (members && members->failed)
		last_object(&out, members->failed, err_meaning(members->failed), NULL);
	else
		last_object(&out, rc, text ? text : err_meaning(rc), members);
	if (out.failed)
		stream_write(s, no_memory, sizeof(no_memory) - 1);
	else
		stream_write(s, out.data, out.len);
	buf_release(&out);
}

/* ---- calls ---- */

static void call_free(struct call *c)
{
	struct admin *a = c->admin;
	if (c->connection)
		c->connection->call = NULL;
	DL_DELETE(a->calls, c);
	a->call_count--;
	admin_match_release(&c->match);
	words_release(&c->line);
	buf_release(&c->members);
	mem_free(c);
	if (a->closed && !a->calls)
		timer_arm(a->turn, 0);
}

static void call_gone(struct call *c)
{
	void (*gone)(struct admin_call *) = c->on_gone ? c->on_gone : c->on_drained;
	c->connection = NULL;
	c->on_gone = c->on_drained = NULL;
	if (c->reader.state != READER_NONE)
		reader_cancel(&c->reader);
	else if (gone)
		gone(&c->pub);
}

static struct call *call_new(struct connection *peer)
{
	struct call *c = mem_zalloc(sizeof(*c));
	if (!c)
		return NULL;
	c->admin = peer->admin;
	c->connection = peer;
	buf_init(&c->members, MEMBERS_MAX);
	DL_APPEND(c->admin->calls, c);
	c->admin->call_count++;
	return c;
}

/* Lines wait while a command runs, and while its answer is not taken. */
static void next_line(struct connection *peer)
{
	stream_pause(peer->stream, stream_full(peer->stream));
}

/* OK without a command: the line was empty. */
static int prepare(struct call *c, struct slice line, struct err *e)
{
	int rc = words_parse(&c->line, line, e);
	if (rc || c->line.count == 0)
		return rc;
	rc = admin_match(&c->match, &c->admin->table, &c->line, e);
	if (rc)
		return rc;
	c->pub.command = c->match.command;
	c->pub.words = c->match.words;
	c->pub.word_count = c->match.word_count;
	c->pub.owner = c->admin->options.arg;
	return OK;
}

static void line_came(void *arg, struct slice line)
{
	struct connection *peer = arg;
	struct err e = { 0 };
	struct call *c = call_new(peer);
	int rc = c ? prepare(c, line, &e) : err_set(&e, E_NOMEM, "out of memory for a command");
	if (rc || c->line.count == 0) {
		if (rc)
			write_last(peer->stream, rc, e.text, NULL);
		if (c)
			call_free(c);
		next_line(peer);
		return;
	}
	log_event(LOG_INFO, "admin", "command", "name", LOG_S(c->pub.command->name), "pid", LOG_I(peer->pid));
	peer->call = c;
	stream_pause(peer->stream, true);
	c->pub.command->run(&c->pub);
	/* the call, and the connection too, may be gone */
}

/* ---- connections ---- */

static void connection_free(struct connection *peer)
{
	struct admin *a = peer->admin;
	struct call *c = peer->call;
	DL_DELETE(a->connections, peer);
	a->connection_count--;
	stream_free(peer->stream);
	mem_free(peer);
	if (c)
		call_gone(c);
}

static void peer_gone(void *arg, const char *why)
{
	struct connection *peer = arg;
	log_event(LOG_DEBUG, "admin", "peer gone", "why", LOG_S(why), "pid", LOG_I(peer->pid));
	connection_free(peer);
}

/* No line comes any more, and no command is under way: a slow reader still gets
 * all of its answers. */
static void peer_ended(void *arg)
{
	struct connection *peer = arg;
	peer->ending = true;
	if (stream_queued(peer->stream) == 0)
		connection_free(peer);
	else
		timer_arm(peer->admin->sweep, SWEEP_MS);
}

static void sweep(void *arg)
{
	struct admin *a = arg;
	bool again = false;
	for (struct connection *peer = a->connections, *next; peer; peer = next) {
		next = peer->next;
		if (!peer->ending)
			continue;
		if (stream_queued(peer->stream) == 0)
			connection_free(peer);
		else
			again = true;
	}
	if (again)
		timer_arm(a->sweep, SWEEP_MS);
}

static void drained(void *arg)
{
	struct connection *peer = arg;
	struct call *c = peer->call;
	if (!c) {
		next_line(peer);
	} else if (c->reader.state == READER_DRAINS) {
		reader_drained(&c->reader);
	} else if (c->on_drained) {
		void (*fn)(struct admin_call *) = c->on_drained;
		c->on_drained = NULL;
		fn(&c->pub);
	}
}

static void refuse(struct stream *s, int rc, const char *text)
{
	write_last(s, rc, text, NULL);
	stream_free(s);
}

static void accepted(void *arg, struct stream *s)
{
	struct admin *a = arg;
	uid_t uid;
	pid_t pid;
	if (!stream_peer(s, &uid, &pid) || (uid != 0 && uid != geteuid())) {
		log_event(LOG_WARNING, "admin", "peer refused: it is neither root nor this user");
		refuse(s, E_FORBIDDEN,
		       "this user may not give commands: be root, or the user that musterd runs as");
		return;
	}
	struct connection *peer = mem_zalloc(sizeof(*peer));
	if (!peer) {
		refuse(s, E_NOMEM, NULL);
		return;
	}
	peer->admin = a;
	peer->stream = s;
	peer->pid = pid;
	DL_APPEND(a->connections, peer);
	a->connection_count++;
	stream_start(s, &(struct stream_events){ line_came, drained, peer_gone, peer_ended, peer });
}

/* ---- the engine's life ---- */

static void turn(void *arg)
{
	struct admin *a = arg;
	readers_settle(a);
	if (a->closed && !a->calls) {
		void (*closed)(void *) = a->closed;
		a->closed = NULL;
		closed(a->closed_arg);
	}
}

static int copy_commands(struct admin *a)
{
	size_t n = a->options.count;
	a->commands = mem_alloc((n + 1) * sizeof(*a->commands));
	if (!a->commands)
		return E_NOMEM;
	if (n)
		memcpy(a->commands, a->options.commands, n * sizeof(*a->commands));
	a->commands[n] = admin_help;
	a->table = (struct admin_table){ a->commands, n + 1 };
	return OK;
}

int admin_new(struct admin **out, struct loop *l, const struct admin_options *o, struct err *e)
{
	struct admin *a = mem_zalloc(sizeof(*a));
	if (!a)
		return err_set(e, E_NOMEM, "out of memory for the admin socket");
	a->options = *o;
	int rc = copy_commands(a);
	if (!rc)
		rc = timer_new(&a->turn, l, turn, a);
	if (!rc)
		rc = timer_new(&a->sweep, l, sweep, a);
	if (rc)
		err_set(e, rc, "out of memory for the admin socket");
	else
		rc = listener_new(&a->listener, l, o->path, accepted, a, e);
	a->options.path = NULL; /* not ours */
	if (rc)
		admin_free(a);
	else
		*out = a;
	return rc;
}

void admin_close(struct admin *a, void (*closed)(void *arg), void *arg)
{
	listener_free(a->listener);
	a->listener = NULL;
	a->closed = closed;
	a->closed_arg = arg;
	while (a->connections)
		connection_free(a->connections);
	timer_arm(a->turn, 0);
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	must(!a->calls && !a->connections && !a->running);
	listener_free(a->listener);
	timer_free(a->turn);
	timer_free(a->sweep);
	mem_free(a->commands);
	mem_free(a);
}

size_t admin_calls(const struct admin *a)
{
	return a->call_count;
}

size_t admin_connections(const struct admin *a)
{
	return a->connection_count;
}

/* ---- what commands use ---- */

const char *admin_value_at(const struct admin_call *call, const char *option, size_t i)
{
	const struct admin_match *m = &call_of(call)->match;
	const struct admin_option *o = call->command->options;
	while (o && o->name && strcmp(o->name, option) != 0)
		o++;
	must(o && o->name);
	for (size_t k = 0; k < m->given_count; k++)
		if (m->given[k].option == o && i-- == 0)
			return o->value ? m->given[k].value : "";
	return NULL;
}

const char *admin_value(const struct admin_call *call, const char *option)
{
	return admin_value_at(call, option, 0);
}

bool admin_flag(const struct admin_call *call, const char *option)
{
	return admin_value_at(call, option, 0) != NULL;
}

void admin_rows(struct admin_call *call, struct slice lines)
{
	struct connection *peer = call_of(call)->connection;
	if (peer)
		stream_write(peer->stream, lines.p, lines.n);
}

/* In one piece, because each may be a call of the kernel. */
void admin_row(struct admin_call *call, struct slice row)
{
	char line[2048];
	if (row.n < sizeof(line)) {
		memcpy(line, row.p, row.n);
		line[row.n] = '\n';
		admin_rows(call, (struct slice){ line, row.n + 1 });
	} else {
		admin_rows(call, row);
		admin_rows(call, SLICE("\n"));
	}
}

struct buf *admin_members(struct admin_call *call)
{
	struct buf *b = &call_of(call)->members;
	if (!b->len)
		buf_putc(b, '{');
	return b;
}

bool admin_gone(const struct admin_call *call)
{
	return !call_of(call)->connection;
}

bool admin_full(const struct admin_call *call)
{
	const struct connection *peer = call_of(call)->connection;
	return peer && stream_full(peer->stream);
}

void admin_when_drained(struct admin_call *call, void (*fn)(struct admin_call *call))
{
	must(admin_full(call));
	call_of(call)->on_drained = fn;
}

void admin_on_gone(struct admin_call *call, void (*fn)(struct admin_call *call))
{
	call_of(call)->on_gone = fn;
}

void admin_end(struct admin_call *call, int rc, const char *text)
{
	struct call *c = call_of(call);
	struct connection *peer = c->connection;
	must(c->reader.state == READER_NONE);
	if (peer)
		write_last(peer->stream, rc, text, &c->members);
	call_free(c);
	if (peer)
		next_line(peer);
}
