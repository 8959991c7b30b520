#include "unit/sync/small_fleet.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, HEAD_MAX = 256, BODY_MAX = 16384, PAGE_HOSTS = 2, CONNECTIONS_MAX = 64 };

struct small_fleet {
	int fd;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock;
	int open[CONNECTIONS_MAX]; /* descriptors of the connections, -1: free */
	pthread_cond_t closed;
	unsigned connections;
	atomic_uint variant, strays;
	atomic_ullong gone;
};

struct connection {
	struct small_fleet *f;
	int fd, place;
};

static size_t host_text(const struct small_fleet *f, char *out, size_t size, unsigned id)
{
	unsigned v = atomic_load(&f->variant);
	return (size_t)snprintf(
		out, size,
		"{\"created_at\":\"2025-10-20T10:20:18Z\",\"id\":%u,\"seen_time\":\"2026-01-02T03:04:05Z\","
		"\"uuid\":\"00000000-0000-4000-8000-%012u\",\"hardware_serial\":\"SN%06u\","
		"\"hostname\":\"host-%u-%u\",\"platform\":\"darwin\",\"os_version\":\"macOS 15.%u\","
		"\"uptime\":9223372036854775000,\"team_id\":1,\"team_name\":\"Workstations\","
		"\"disk_encryption_enabled\":true,\"mdm\":{\"enrollment_status\":\"On (automatic)\"},"
		"\"device_mapping\":[{\"email\":\"user%u@example.com\",\"source\":\"custom\"},"
		"{\"email\":\"user%u@example.com\",\"source\":\"google_chrome_profiles\"}],"
		"\"issues\":{\"failing_policies_count\":%u,\"total_issues_count\":%u},"
		"\"policies\":[{\"id\":1,\"name\":\"Firewall is on\",\"critical\":true,\"response\":\"%s\"},"
		"{\"id\":2,\"name\":\"Screen locks \\u0026 asks\",\"critical\":false,\"response\":\"\"}],"
		"\"orbit_version\":\"1.48.1\",\"labels\":[{\"id\":7,\"name\":\"All Hosts\"}],"
		"\"end_users\":[{\"idp_username\":\"user%u@example.com\"}]}",
		id, id, id, id, v, v % 7, id, id, v % 2, v % 2, v % 2 ? "fail" : "pass", id);
}

static size_t list_text(const struct small_fleet *f, char *out, size_t size, unsigned after)
{
	size_t n = (size_t)snprintf(out, size, "{\"hosts\": [");
	unsigned listed = 0;
	for (unsigned id = after + 1; id <= SMALL_FLEET_HOSTS && listed < PAGE_HOSTS; id++) {
		if (id == atomic_load(&f->gone))
			continue;
		if (listed++)
			out[n++] = ',';
		n += host_text(f, out + n, size - n, id);
	}
	return n + (size_t)snprintf(out + n, size - n, "]}");
}

/* The answer's body; sets the status. */
static size_t respond(struct small_fleet *f, const char *target, char *out, size_t size, int *status)
{
	const char *after = strstr(target, "after=");
	unsigned id = 0;
	*status = 200;
	if (strstr(target, "/version"))
		return (size_t)snprintf(out, size, "{\"version\":\"4.93.0\",\"branch\":\"\"}");
	if (strstr(target, "/me"))
		return (size_t)snprintf(
			out, size,
			"{\"user\":{\"id\":3,\"name\":\"muster\",\"email\":\"muster@example.com\","
			"\"global_role\":\"observer\",\"api_only\":true,\"teams\":[]},\"available_teams\":[]"
			"}");
	if (strstr(target, "/config"))
		return (size_t)snprintf(out, size, "{\"license\":{\"tier\":\"premium\"}}");
	if (strstr(target, "/hosts/count"))
		return (size_t)snprintf(out, size, "{\"count\":%d}", SMALL_FLEET_HOSTS);
	if (strstr(target, "/hosts?"))
		return list_text(f, out, size, after ? (unsigned)strtoul(after + 6, NULL, 10) : 0);
	int known = sscanf(target, "/api/v1/fleet/hosts/%u", &id) == 1;
	if (known && id && id <= SMALL_FLEET_HOSTS && id != atomic_load(&f->gone)) {
		size_t n = (size_t)snprintf(out, size, "{\"host\": ");
		n += host_text(f, out + n, size - n, id);
		return n + (size_t)snprintf(out + n, size - n, "}");
	}
	if (!known)
		atomic_fetch_add(&f->strays, 1);
	*status = 404;
	return (size_t)snprintf(out, size,
				"{\"message\":\"Resource Not Found\",\"errors\":[{\"name\":\"base\","
				"\"reason\":\"Host was not found in the datastore\"}],\"uuid\":\"x\"}");
}

static int put(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int answer(struct small_fleet *f, int fd, char *request)
{
	char text[HEAD_MAX + BODY_MAX], *body = text + HEAD_MAX;
	char *target = strchr(request, ' ');
	int status;
	if (!target)
		return -1;
	target[1 + strcspn(target + 1, " ")] = '\0';
	size_t n = respond(f, target + 1, body, BODY_MAX, &status);
	int m = snprintf(text, HEAD_MAX,
			 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			 status, n);
	/* in one piece: the second of two would wait for the first one's receipt */
	memmove(text + m, body, n);
	return put(fd, text, (size_t)m + n);
}

/* One request at a time: no client of ours sends the next before the answer. */
static void *serve(void *arg)
{
	struct connection *c = arg;
	char request[REQUEST_MAX];
	size_t held = 0;
	for (;;) {
		ssize_t n = recv(c->fd, request + held, sizeof(request) - 1 - held, 0);
		if (n <= 0)
			break;
		held += (size_t)n;
		request[held] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		if (answer(c->f, c->fd, request))
			break;
		held = 0;
	}
	pthread_mutex_lock(&c->f->lock);
	c->f->open[c->place] = -1;
	close(c->fd);
	c->f->connections--;
	pthread_cond_signal(&c->f->closed);
	pthread_mutex_unlock(&c->f->lock);
	free(c);
	return NULL;
}

static void begin(struct small_fleet *f, int fd)
{
	struct connection *c = malloc(sizeof(*c));
	pthread_attr_t detached;
	pthread_t thread;
	int place = 0;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&f->lock);
	while (place < CONNECTIONS_MAX && f->open[place] >= 0)
		place++;
	if (!c || place == CONNECTIONS_MAX)
		abort();
	*c = (struct connection){ f, fd, place };
	f->open[place] = fd;
	f->connections++;
	pthread_mutex_unlock(&f->lock);
	if (pthread_create(&thread, &detached, serve, c))
		abort();
	pthread_attr_destroy(&detached);
}

static void *listen_on(void *arg)
{
	struct small_fleet *f = arg;
	for (int fd; (fd = accept(f->fd, NULL, NULL)) >= 0;)
		begin(f, fd);
	return NULL;
}

struct small_fleet *small_fleet_start(void)
{
	struct small_fleet *f = calloc(1, sizeof(*f));
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	if (!f)
		abort();
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		f->open[i] = -1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->closed, NULL);
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&a, sizeof(a)) || listen(f->fd, 16) ||
	    getsockname(f->fd, (struct sockaddr *)&a, &n))
		abort();
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", ntohs(a.sin_port));
	if (pthread_create(&f->thread, NULL, listen_on, f))
		abort();
	return f;
}

void small_fleet_stop(struct small_fleet *f)
{
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (f->open[i] >= 0)
			shutdown(f->open[i], SHUT_RDWR);
	while (f->connections)
		pthread_cond_wait(&f->closed, &f->lock);
	pthread_mutex_unlock(&f->lock);
	pthread_cond_destroy(&f->closed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

const char *small_fleet_url(const struct small_fleet *f)
{
	return f->url;
}

void small_fleet_set(struct small_fleet *f, unsigned variant, uint64_t gone)
{
	atomic_store(&f->variant, variant);
	atomic_store(&f->gone, gone);
}

unsigned small_fleet_strays(const struct small_fleet *f)
{
	return atomic_load(&f->strays);
}
