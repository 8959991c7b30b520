#include "net/reach_lookup.h"

#include "base/mem.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>

enum { STACK_BYTES = 512 * 1024 };

struct reach_lookup {
	pthread_mutex_t lock; /* for the next four */
	bool answered, abandoned;
	struct waker *waker;
	struct addrinfo *all;
	char *host;
	char port[8];
	void (*done)(void *arg, const struct addrinfo *all);
	void *arg;
};

static void destroy(struct reach_lookup *k)
{
	if (k->all)
		freeaddrinfo(k->all);
	pthread_mutex_destroy(&k->lock);
	mem_free(k->host);
	mem_free(k);
}

static void *look_up(void *arg)
{
	struct reach_lookup *k = arg;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int rc = getaddrinfo(k->host, k->port, &hints, &all);

	pthread_mutex_lock(&k->lock);
	k->all = rc ? NULL : all;
	k->answered = true;
	bool abandoned = k->abandoned;
	/* Under the lock, so that the waker is not freed meanwhile. */
	if (!abandoned)
		waker_wake(k->waker);
	pthread_mutex_unlock(&k->lock);
	if (abandoned)
		destroy(k);
	return NULL;
}

static void woken(void *arg)
{
	struct reach_lookup *k = arg;
	k->done(k->arg, k->all);
}

static int thread_start(struct reach_lookup *k)
{
	pthread_t thread;
	pthread_attr_t a;
	if (pthread_attr_init(&a))
		return E_NOMEM;
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, STACK_BYTES);
	int rc = pthread_create(&thread, &a, look_up, k);
	pthread_attr_destroy(&a);
	return rc ? E_NOMEM : OK;
}

int reach_lookup_new(struct reach_lookup **out, struct loop *l, const char *host, unsigned port,
		     void (*done)(void *arg, const struct addrinfo *all), void *arg)
{
	struct reach_lookup *k = mem_zalloc(sizeof(*k));
	if (!k)
		return E_NOMEM;
	pthread_mutex_init(&k->lock, NULL);
	snprintf(k->port, sizeof(k->port), "%u", port);
	k->done = done;
	k->arg = arg;
	k->host = mem_strdup(host);
	if (!k->host || waker_new(&k->waker, l, woken, k) || thread_start(k)) {
		waker_free(k->waker);
		destroy(k);
		return E_NOMEM;
	}
	*out = k;
	return OK;
}

bool reach_lookup_free(struct reach_lookup *k)
{
	if (!k)
		return false;
	pthread_mutex_lock(&k->lock);
	k->abandoned = true;
	bool goes_on = !k->answered;
	waker_free(k->waker);
	pthread_mutex_unlock(&k->lock);
	if (!goes_on)
		destroy(k);
	return goes_on;
}
