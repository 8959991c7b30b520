/* One error space for the whole program: zero is success, every failure is one
 * of the negative codes below. The class of a code decides behaviour (try
 * again, stop, ask the operator); the text is for people. Foreign codes (curl,
 * LMDB, errno) are translated in the one file that may see them. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum err_class {
	ERR_CLASS_NONE,
	ERR_CLASS_RETRY,    /* transient: the same request may work later */
	ERR_CLASS_AUTH,     /* the token or the role has to change */
	ERR_CLASS_DATA,     /* the peer sent something that cannot be used */
	ERR_CLASS_LIMIT,    /* a ceiling was hit */
	ERR_CLASS_GONE,     /* the thing asked for is not there */
	ERR_CLASS_BUSY,     /* somebody else holds it, or asks us to wait */
	ERR_CLASS_SYSTEM,   /* disk, memory, descriptors */
	ERR_CLASS_CONFIG,   /* the operator has to change a setting */
	ERR_CLASS_INTERNAL, /* a bug */
};

/* name, class, what it means */
#define ERR_TABLE(X)                                                                                         \
	X(NOMEM, SYSTEM, "out of memory")                                                                    \
	X(IO, SYSTEM, "input or output failed")                                                              \
	X(DISK_FULL, SYSTEM, "no space left on the device")                                                  \
	X(MAP_FULL, SYSTEM, "the store's map is full")                                                       \
	X(CORRUPT, SYSTEM, "the store is damaged")                                                           \
	X(NEWER_FORMAT, CONFIG, "the store has a newer format")                                              \
	X(LOCKED, BUSY, "another process holds it")                                                          \
	X(NOT_FOUND, GONE, "not found")                                                                      \
	X(CONFIG, CONFIG, "the configuration is not usable")                                                 \
	X(LIMIT, LIMIT, "a ceiling was exceeded")                                                            \
	X(SYNTAX, DATA, "not well-formed")                                                                   \
	X(TRUNCATED, RETRY, "cut short")                                                                     \
	X(INBAND, RETRY, "the server reported an error inside a 200 answer")                                 \
	X(ORDER, DATA, "host ids do not ascend")                                                             \
	X(NOT_FLEET, DATA, "not a Fleet server")                                                             \
	X(REDIRECT, DATA, "redirected")                                                                      \
	X(DNS, RETRY, "the name could not be resolved")                                                      \
	X(CONNECT, RETRY, "the connection failed")                                                           \
	X(TLS, CONFIG, "the TLS handshake failed")                                                           \
	X(TIMEOUT, RETRY, "timed out")                                                                       \
	X(ADDRESS, CONFIG, "the address is not allowed")                                                     \
	X(TOKEN, AUTH, "the token was refused")                                                              \
	X(FORBIDDEN, AUTH, "the role does not allow it")                                                     \
	X(LICENCE, AUTH, "needs Fleet Premium")                                                              \
	X(GONE, GONE, "the server does not know it")                                                         \
	X(THROTTLED, BUSY, "the server asks to wait")                                                        \
	X(SERVER, RETRY, "the server failed")                                                                \
	X(REJECTED, DATA, "the server rejected the request")                                                 \
	X(CONFLICT, DATA, "conflicts with the present state")                                                \
	X(HELD, CONFIG, "held until an operator accepts")                                                    \
	X(CANCELLED, NONE, "cancelled")                                                                      \
	X(DEADLINE, RETRY, "no time left")                                                                   \
	X(INTERNAL, INTERNAL, "internal error")

enum {
	OK = 0,
	ERR_FIRST_ = -1000,
#define X(name, class, text) E_##name,
	ERR_TABLE(X)
#undef X
		ERR_LAST_
};

/* A sentence for people: lower case, the failure first, the subject quoted,
 * what to do about it last. Truncated, never overflowed. */
struct err {
	int code;
	char text[480];
};

/* Fills `e` (may be NULL) and returns `code`, so that it can end a function. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts words in front of the text that is already there: "<prefix>: <text>". */
void err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "E_NOMEM" is "nomem": stable lower-case names for logs, metrics and records. */
const char *err_name(int code);
const char *err_meaning(int code);
enum err_class err_class(int code);
const char *err_class_name(enum err_class c);
