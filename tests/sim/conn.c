#include "conn.h"

#include "base/clock.h"
#include "grab.h"

#include <openssl/err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_timeouts(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };
	int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void release(struct conn *c)
{
	SSL_free(c->ssl);
	mem_free(c->out);
	mem_free(c->in);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct conn){ .fd = -1, .broken = true, .sent_bytes = c->sent_bytes };
}

bool conn_open(struct conn *c, int fd, SSL_CTX *ctx)
{
	*c = (struct conn){ .fd = fd, .out = grab(CONN_OUT_BYTES), .in = grab(CONN_IN_BYTES) };
	set_timeouts(fd, ctx ? 20 : 300);
	if (ctx) {
		c->ssl = SSL_new(ctx);
		if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1 || SSL_accept(c->ssl) != 1) {
			ERR_clear_error();
			release(c);
			return false;
		}
		SSL_set_mode(c->ssl, SSL_MODE_AUTO_RETRY);
		set_timeouts(fd, 300);
	}
	return true;
}

static bool write_all(struct conn *c, const char *p, size_t n)
{
	while (n) {
		ssize_t w;
		if (c->ssl) {
			ERR_clear_error();
			w = SSL_write(c->ssl, p, n > 1 << 30 ? 1 << 30 : (int)n);
		} else {
			w = send(c->fd, p, n, MSG_NOSIGNAL);
		}
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

void conn_flush(struct conn *c)
{
	if (c->broken || !c->out_len)
		return;
	if (!write_all(c, c->out, c->out_len))
		c->broken = true;
	c->sent_bytes += c->out_len;
	c->out_len = 0;
}

void conn_write(struct conn *c, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n && !c->broken) {
		size_t room = CONN_OUT_BYTES - c->out_len;
		size_t part = n < room ? n : room;
		memcpy(c->out + c->out_len, p, part);
		c->out_len += part;
		p += part;
		n -= part;
		if (c->out_len == CONN_OUT_BYTES)
			conn_flush(c);
	}
}

int conn_getc(struct conn *c)
{
	if (c->in_at == c->in_len) {
		if (c->broken)
			return -1;
		ssize_t r = c->ssl ? SSL_read(c->ssl, c->in, CONN_IN_BYTES)
				   : recv(c->fd, c->in, CONN_IN_BYTES, 0);
		if (r <= 0) {
			ERR_clear_error();
			c->broken = true;
			return -1;
		}
		c->in_at = 0;
		c->in_len = (size_t)r;
	}
	return (unsigned char)c->in[c->in_at++];
}

bool conn_sleep(struct conn *c, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;
	for (;;) {
		int64_t left = until - clock_mono_ms();
		if (left <= 0)
			return !c->broken;
		struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) > 0) {
			c->broken = true;
			return false;
		}
	}
}

void conn_close(struct conn *c)
{
	conn_flush(c);
	if (c->ssl && !c->broken)
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	release(c);
}

void conn_drop(struct conn *c)
{
	conn_flush(c);
	if (c->ssl)
		SSL_set_quiet_shutdown(c->ssl, 1);
	release(c);
}

void conn_reset(struct conn *c)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };
	if (c->fd >= 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	release(c);
}
