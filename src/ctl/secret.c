#include "ctl/secret.h"

#include "base/utf8.h"
#include "ctl/link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { READ_BYTES = 4096 };

/* To the end, or to the end of the line; 0 or an errno value. */
static int read_all(int fd, struct buf *out, bool line)
{
	while (out->len <= SECRET_MAX_BYTES) {
		if (!link_reserve(out, READ_BYTES))
			return ENOMEM;
		ssize_t n = read(fd, out->data + out->len, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : 0;
		out->len += (size_t)n;
		if (line && memchr(out->data + out->len - n, '\n', (size_t)n))
			return 0;
	}
	return EFBIG;
}

static int check(struct buf *out, int why, const char *name, struct err *e)
{
	while (!why && out->len && strchr("\r\n\t ", out->data[out->len - 1]))
		out->len--;
	if (why == ENOMEM)
		return err_set(e, E_NOMEM, "out of memory");
	if (why == EFBIG)
		return err_set(e, E_CONFIG, "%s is longer than %d bytes", name, SECRET_MAX_BYTES);
	if (why)
		return err_set(e, E_CONFIG, "%s cannot be read: %s", name, strerror(why));
	if (!out->len)
		return err_set(e, E_CONFIG, "%s is empty", name);
	if (memchr(out->data, 0, out->len) || !utf8_valid(out->data, out->len))
		return err_set(e, E_CONFIG, "%s is no text", name);
	return OK;
}

int secret_read_file(struct buf *out, const char *path, struct err *e)
{
	char name[300];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	snprintf(name, sizeof(name), "the file \"%.280s\"", path);
	int why = fd < 0 ? errno : read_all(fd, out, false);
	if (fd >= 0)
		close(fd);
	return check(out, why, name, e);
}

int secret_read_input(struct buf *out, int fd, FILE *complaints, const char *prompt, struct err *e)
{
	struct termios before, silent;
	bool terminal = tcgetattr(fd, &before) == 0;
	if (terminal) {
		fprintf(complaints, "%s: ", prompt);
		fflush(complaints);
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(fd, TCSAFLUSH, &silent);
	}
	int why = read_all(fd, out, terminal);
	if (terminal) {
		tcsetattr(fd, TCSAFLUSH, &before);
		fputc('\n', complaints);
	}
	return check(out, why, "the standard input", e);
}
