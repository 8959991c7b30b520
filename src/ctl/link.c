#include "ctl/link.h"

#include "base/mem.h"
#include "query/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 20, READ_BYTES = 64 << 10 };

struct link {
	int fd;
	struct buf in;
	size_t at; /* of `in`, what was handed out */
	bool lost;
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
	if (!*word || *word == '-')
		return false;
	for (; *word; word++)
		if ((unsigned char)*word <= ' ' || *word == '"' || *word == '\\' || *word == 0x7f)
			return false;
	return true;
}

/* buf_reserve() would leave the old bytes behind in freed memory. */
bool link_reserve(struct buf *b, size_t n)
{
	if (b->failed || n <= b->cap - b->len)
		return !b->failed;
	struct buf larger;
	buf_init(&larger, b->ceiling);
	if (!buf_reserve(&larger, b->len + n)) {
		b->failed = larger.failed;
		return false;
	}
	buf_add(&larger, b->data, b->len);
	link_wipe(b);
	*b = larger;
	return true;
}

void link_wipe(struct buf *command)
{
	size_t ceiling = command->ceiling;
	mem_wipe_free(command->data, command->cap);
	buf_init(command, ceiling);
}

static void quote(struct buf *command, const char *word)
{
	buf_putc(command, '"');
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;
		if (c < ' ' || c == 0x7f) {
			buf_printf(command, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			buf_putc(command, '\\');
		buf_putc(command, *word);
	}
	buf_putc(command, '"');
}

void link_word(struct buf *command, const char *word)
{
	if (!link_reserve(command, 6 * strlen(word) + 3))
		return;
	if (command->len)
		buf_putc(command, ' ');
	if (bare(word))
		buf_puts(command, word);
	else
		quote(command, word);
}

void link_option(struct buf *command, const char *name, const char *value)
{
	if (!link_reserve(command, strlen(name) + 3))
		return;
	buf_puts(command, command->len ? " --" : "--");
	buf_puts(command, name);
	if (value)
		link_word(command, value);
}

bool link_lost(const struct link *l)
{
	return l->lost;
}

bool link_pending(const struct link *l)
{
	return l->in.len > l->at && memchr(l->in.data + l->at, '\n', l->in.len - l->at);
}

static int gone(struct link *l, struct err *e)
{
	l->lost = true;
	return err_set(e, E_IO, "the daemon at \"%s\" went away before it had answered", l->path);
}

/* From where it stands: a copy would be one more to wipe. */
static int send_line(struct link *l, struct slice line, struct err *e)
{
	size_t at = 0, all = (size_t)line.n + 1;
	while (at < all) {
		struct iovec parts[] = { { (char *)line.p + at, at < line.n ? line.n - at : 0 },
					 { (char[]){ '\n' }, 1 } };
		bool last = at == line.n;
		struct msghdr m = { .msg_iov = parts + last, .msg_iovlen = last ? 1 : 2 };
		ssize_t n = sendmsg(l->fd, &m, MSG_NOSIGNAL);
		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			return gone(l, e);
	}
	return OK;
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
	struct slice line = SLICE_NONE;
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
