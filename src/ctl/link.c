#include "ctl/link.h"

#include "base/json.h"
#include "base/mem.h"
#include "query/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 20, READ_BYTES = 64 << 10 };

struct link {
	int fd;
	struct buf in;
	size_t at; /* of `in`, what was handed out */
	char path[108];
};

static int no_daemon(struct err *e, const char *path, int why)
{
	if (why == ENOENT || why == ECONNREFUSED)
		return err_set(e, E_NOT_FOUND,
			       "no daemon listens at \"%s\"; is musterd running, and is this its socket?",
			       path);
	return err_set(e, E_IO, "the socket \"%s\" cannot be used: %s%s", path, strerror(why),
		       why == EACCES ? "; be root or the daemon's own user" : "");
}

int link_open(struct link **out, const char *path, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	*out = NULL;
	if (!*path || strlen(path) >= sizeof(a.sun_path))
		return err_set(e, E_CONFIG, "the path of the socket is empty or longer than %zu bytes",
			       sizeof(a.sun_path) - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	struct link *l = mem_zalloc(sizeof(*l));
	if (!l)
		return err_set(e, E_NOMEM, "out of memory");
	memcpy(l->path, a.sun_path, sizeof(l->path));
	buf_init(&l->in, LINE_MAX_BYTES);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&a, sizeof(a))) {
		int rc = no_daemon(e, path, errno);
		link_close(l);
		return rc;
	}
	*out = l;
	return OK;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	buf_release(&l->in);
	mem_free(l);
}

static bool bare(const char *word)
{
	if (!*word)
		return false;
	for (; *word; word++)
		if ((unsigned char)*word <= ' ' || *word == '"' || *word == '\\' || *word == 0x7f)
			return false;
	return true;
}

void link_word(struct buf *command, const char *word)
{
	if (command->len)
		buf_putc(command, ' ');
	if (bare(word)) {
		buf_puts(command, word);
		return;
	}
	/* json_text() would put a comma in front of it */
	struct buf quoted;
	buf_init(&quoted, command->ceiling);
	json_text(&quoted, slice_of(word));
	if (quoted.failed)
		command->failed = quoted.failed;
	buf_add(command, quoted.data, quoted.len);
	buf_release(&quoted);
}

static int gone(const struct link *l, struct err *e)
{
	return err_set(e, E_IO, "the daemon at \"%s\" went away before it had answered", l->path);
}

static int send_line(struct link *l, struct slice line, struct err *e)
{
	struct buf out;
	buf_init(&out, LINE_MAX_BYTES);
	buf_add(&out, line.p, line.n);
	buf_putc(&out, '\n');
	int rc = out.failed ? err_set(e, out.failed, "the command is too long, or there is no memory") : OK;
	for (size_t at = 0; !rc && at < out.len;) {
		ssize_t n = send(l->fd, out.data + at, out.len - at, MSG_NOSIGNAL);
		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			rc = gone(l, e);
	}
	if (out.data)
		explicit_bzero(out.data, out.len); /* it may hold a token */
	buf_release(&out);
	return rc;
}

/* The next line, valid until the next call. */
static int next_line(struct link *l, struct slice *line, struct err *e)
{
	size_t looked = l->at;
	for (;;) {
		char *end = l->in.len > looked ? memchr(l->in.data + looked, '\n', l->in.len - looked) : NULL;
		if (end) {
			*line = (struct slice){ l->in.data + l->at, (uint32_t)(end - l->in.data - l->at) };
			l->at = (size_t)(end - l->in.data) + 1;
			return OK;
		}
		if (l->at) {
			memmove(l->in.data, l->in.data + l->at, l->in.len - l->at);
			l->in.len -= l->at;
			l->at = 0;
		}
		looked = l->in.len;
		if (!buf_reserve(&l->in, READ_BYTES))
			return err_set(e, l->in.failed, "a line of the daemon's answer is too long");
		ssize_t n = read(l->fd, l->in.data + l->in.len, READ_BYTES);
		if (n > 0)
			l->in.len += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return gone(l, e);
	}
}

static int code_named(struct slice reason)
{
	static const int codes[] = {
#define X(name, class, text) E_##name,
		ERR_TABLE(X)
#undef X
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (slice_is(reason, err_name(codes[i])))
			return codes[i];
	return E_INTERNAL;
}

static int refused(struct slice last, struct err *e)
{
	struct buf text, reason;
	buf_init(&text, sizeof(e->text));
	buf_init(&reason, 64);
	value_text(&text, value_at(last, "error"));
	value_text(&reason, value_at(last, "reason"));
	int code = code_named(buf_slice(&reason));
	err_set(e, code, "%s", text.len ? buf_cstr(&text) : "the daemon refused the command");
	buf_release(&text);
	buf_release(&reason);
	return code;
}

int link_ask(struct link *l, struct slice command, int (*each)(void *arg, struct slice row), void *arg,
	     struct buf *end, struct err *e)
{
	static const char yes[] = "{\"ok\":true", no[] = "{\"ok\":false";
	struct slice line;
	int rc = send_line(l, command, e);
	buf_reset(end);
	while (!rc && !(rc = next_line(l, &line, e))) {
		bool ok = line.n >= sizeof(yes) && !memcmp(line.p, yes, sizeof(yes) - 1);
		if (ok || (line.n >= sizeof(no) && !memcmp(line.p, no, sizeof(no) - 1))) {
			buf_add(end, line.p, line.n);
			return ok ? end->failed : refused(line, e);
		}
		rc = each(arg, line);
	}
	return rc;
}
