/* The whole simulator: its tenants, listeners and certificates. */
#pragma once

#include "fleet.h"
#include "pki.h"

#include <stdatomic.h>

struct listener {
	struct listener *next;
	int fd;
	int tls;               /* enum pki_kind */
	struct tenant *tenant; /* NULL: shared or control */
	bool control;
	int port;
};

struct connection {
	struct connection *next, **link;
	int fd;
};

struct sim {
	struct tenant **tenants; /* sorted by name once started */
	uint32_t tenant_count;
	struct listener *listeners;
	struct pki pki;
	const char *dir;
	int64_t began_ms;
	/* connections that are being served */
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct connection *open;
	uint32_t open_count;
	bool stopping;
};

struct tenant *sim_tenant(struct sim *s, const char *name, size_t n);
/* Opens a listener on 127.0.0.1; port 0 takes any. NULL when that failed. */
struct listener *sim_listen(struct sim *s, int port, int tls, struct tenant *t);
/* Serves until a signal arrives on `signal_fd`, or standard input ends when
 * `with_stdin`; then ends every connection. */
void sim_serve(struct sim *s, int signal_fd, bool with_stdin);
