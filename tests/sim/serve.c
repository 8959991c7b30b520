#include "api.h"
#include "control.h"
#include "grab.h"
#include "sim.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enough for OpenSSL and the facts of one host, also under a sanitizer. */
enum { STACK_BYTES = 512 * 1024, CONNECTIONS_MAX = 2000, STOP_WAIT_S = 5 };

struct job {
	struct sim *sim;
	struct listener *listener;
	struct connection link;
};

static int by_name(const void *key, const void *element)
{
	const struct tenant *const *t = element;
	return strcmp(key, (*t)->name);
}

struct tenant *sim_tenant(struct sim *s, const char *name, size_t n)
{
	char key[NAME_BYTES];
	if (n >= sizeof(key))
		return NULL;
	memcpy(key, name, n);
	key[n] = '\0';
	struct tenant **found = bsearch(key, s->tenants, s->tenant_count, sizeof(struct tenant *), by_name);
	return found ? *found : NULL;
}

struct listener *sim_listen(struct sim *s, int port, int tls, struct tenant *t)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024) ||
	    getsockname(fd, (struct sockaddr *)&a, &n)) {
		close(fd);
		return NULL;
	}
	struct listener *l = grab(sizeof(*l));
	*l = (struct listener){
		.next = s->listeners, .fd = fd, .tls = tls, .tenant = t, .port = ntohs(a.sin_port)
	};
	s->listeners = l;
	return l;
}

/* The tenant of a request on the shared listener: /t/NAME in front of the path. */
static struct tenant *shared_tenant(struct sim *s, struct request *r)
{
	if (strncmp(r->path, "/t/", 3) != 0)
		return NULL;
	char *name = r->path + 3;
	size_t n = strcspn(name, "/");
	r->path = name + n;
	return sim_tenant(s, name, n);
}

static void serve_tenant(struct sim *s, struct tenant *t, struct conn *c, const struct request *r, bool first,
			 bool *open)
{
	const char *rest;
	struct reply reply;
	struct effect e;
	reply_init(&reply);
	int64_t began = clock_mono_ms();
	uint64_t sent = c->sent_bytes;
	pthread_mutex_lock(&t->lock);
	enum endpoint ep = api_endpoint(t, r->path, &rest);
	t->stats->connections += first;
	stats_begin(t->stats, ep);
	effect_collect(&e, t, ep, r);
	pthread_mutex_unlock(&t->lock);
	api_answer(t, ep, rest, r, &e, &reply);
	*open = reply_send(&reply, c, !r->close);
	sent = c->sent_bytes - sent;
	pthread_mutex_lock(&t->lock);
	stats_end(t->stats, ep, r->method, r->target, reply.status, began - s->began_ms,
		  clock_mono_ms() - s->began_ms);
	t->stats->bytes += sent;
	pthread_mutex_unlock(&t->lock);
	effect_release(&e);
	reply_release(&reply);
}

static void serve_other(struct sim *s, const struct listener *l, struct conn *c, struct request *r,
			bool *open)
{
	struct reply reply;
	reply_init(&reply);
	if (l->control) {
		control_answer(s, r, &reply);
	} else {
		reply.status = 404;
		reply.type = "text/plain; charset=utf-8";
		buf_puts(&reply.body, "404 page not found\n");
	}
	*open = reply_send(&reply, c, !r->close);
	reply_release(&reply);
}

static void serve_requests(struct job *j, struct conn *c)
{
	struct request r;
	bool open = true;
	for (bool first = true; open && request_read(&r, c); first = false) {
		struct tenant *t = j->listener->tenant;
		if (!t && !j->listener->control)
			t = shared_tenant(j->sim, &r);
		if (t)
			serve_tenant(j->sim, t, c, &r, first, &open);
		else
			serve_other(j->sim, j->listener, c, &r, &open);
		request_release(&r);
	}
	if (open)
		conn_close(c);
}

static void forget(struct job *j)
{
	struct sim *s = j->sim;
	pthread_mutex_lock(&s->lock);
	*j->link.link = j->link.next;
	if (j->link.next)
		j->link.next->link = j->link.link;
	if (--s->open_count == 0)
		pthread_cond_signal(&s->idle);
	pthread_mutex_unlock(&s->lock);
	mem_free(j);
}

static void *serve_connection(void *arg)
{
	struct job *j = arg;
	struct conn c;
	/* a second descriptor, so that a stop can shut down the socket at any
	 * time without racing the close of the first */
	int fd = dup(j->link.fd);
	if (fd >= 0 && conn_open(&c, fd, j->sim->pki.ctx[j->listener->tls]))
		serve_requests(j, &c);
	OPENSSL_thread_stop();
	int own = j->link.fd;
	forget(j);
	close(own);
	return NULL;
}

static void accept_one(struct sim *s, struct listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct job *j = grab(sizeof(*j));
	*j = (struct job){ .sim = s, .listener = l, .link.fd = fd };
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_mutex_lock(&s->lock);
	j->link.next = s->open;
	j->link.link = &s->open;
	if (s->open)
		s->open->link = &j->link.next;
	s->open = &j->link;
	bool full = s->open_count++ >= CONNECTIONS_MAX;
	pthread_mutex_unlock(&s->lock);
	if (full || pthread_create(&thread, &attr, serve_connection, j)) {
		forget(j);
		close(fd);
	}
	pthread_attr_destroy(&attr);
}

static void stop_all(struct sim *s)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_WAIT_S;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (struct connection *c = s->open; c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	while (s->open_count && !pthread_cond_timedwait(&s->idle, &s->lock, &until))
		;
	bool quiet = s->open_count == 0;
	pthread_mutex_unlock(&s->lock);
	if (!quiet)
		_exit(0);
}

static bool stdin_ended(void)
{
	char c[64];
	return read(STDIN_FILENO, c, sizeof(c)) <= 0;
}

void sim_serve(struct sim *s, int signal_fd, bool with_stdin)
{
	size_t n = 2;
	for (struct listener *l = s->listeners; l; l = l->next)
		n++;
	struct pollfd *p = grab(n * sizeof(*p));
	struct listener **owner = grab(n * sizeof(struct listener *));
	p[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = with_stdin ? STDIN_FILENO : -1, .events = POLLIN };
	n = 2;
	for (struct listener *l = s->listeners; l; l = l->next, n++) {
		p[n] = (struct pollfd){ .fd = l->fd, .events = POLLIN };
		owner[n] = l;
	}
	for (;;) {
		if (poll(p, n, -1) < 0)
			continue;
		if (p[0].revents || (p[1].revents && stdin_ended()))
			break;
		for (size_t i = 2; i < n; i++)
			if (p[i].revents)
				accept_one(s, owner[i]);
	}
	stop_all(s);
	mem_free(owner);
	mem_free(p);
}
