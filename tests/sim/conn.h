/* One accepted connection, plain or TLS, with a write buffer. Owned by the
 * thread that serves it. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONN_OUT_BYTES = 64 * 1024, CONN_IN_BYTES = 16 * 1024 };

struct conn {
	int fd;
	SSL *ssl;
	bool broken;         /* nothing more can be sent or read */
	uint64_t sent_bytes; /* stays after a close */
	size_t out_len, in_at, in_len;
	char *out, *in;
};

/* Does the TLS handshake when ctx is not NULL; false leaves c released. */
bool conn_open(struct conn *c, int fd, SSL_CTX *ctx);
/* Sends what is buffered, says goodbye and closes. */
void conn_close(struct conn *c);
/* Closes with RST; what is buffered is dropped. */
void conn_reset(struct conn *c);
/* Closes the socket without a TLS goodbye, after what is buffered. */
void conn_drop(struct conn *c);
void conn_write(struct conn *c, const void *p, size_t n);
void conn_flush(struct conn *c);
/* One byte, or -1 at the end, on an error or after a minute's silence. */
int conn_getc(struct conn *c);
/* Waits; false when the peer (or a stop of the program) closed it meanwhile. */
bool conn_sleep(struct conn *c, int64_t ms);
