#include "fault.h"
#include "grab.h"
#include "options.h"
#include "prepared.h"
#include "replay.h"
#include "sim.h"
#include "stats.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
	const struct tenant *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static void raise_descriptor_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int take_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void announce(const struct sim *s, const struct tenant *t, int port)
{
	struct buf line;
	struct jout o;
	char url[256];
	const char *scheme = !t->shared && t->tls == PKI_NONE ? "http" : "https";
	buf_init(&line, 8192);
	snprintf(url, sizeof(url), t->shared ? "%s://127.0.0.1:%d/t/%s" : "%s://127.0.0.1:%d", scheme, port,
		 t->name);
	jout_init(&o, &line, false);
	jout_open(&o, '{');
	jout_kt(&o, "tenant", t->name);
	jout_kt(&o, "url", url);
	jout_kt(&o, "token", t->token);
	jout_kt(&o, "ca_file", s->pki.ca_file);
	jout_close(&o, '{');
	puts(buf_cstr(&line));
	buf_release(&line);
}

static bool open_tenants(struct sim *s)
{
	struct listener *shared = NULL;
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		struct tenant *t = s->tenants[i];
		struct listener *l = t->shared ? shared : NULL;
		if (!l)
			l = sim_listen(s, t->port, t->shared ? PKI_GOOD : t->tls, t->shared ? NULL : t);
		if (!l) {
			fprintf(stderr, "fleetsim: cannot listen for \"%s\": %s\n", t->name, strerror(errno));
			return false;
		}
		if (t->shared)
			shared = l;
		announce(s, t, l->port);
	}
	return true;
}

static bool open_control(struct sim *s, const char *port_file)
{
	struct listener *l = sim_listen(s, 0, PKI_NONE, NULL);
	if (!l)
		return false;
	l->control = true;
	printf("{\"control\":\"http://127.0.0.1:%d\"}\n", l->port);
	if (!port_file)
		return true;
	FILE *f = fopen(port_file, "w");
	if (!f) {
		fprintf(stderr, "fleetsim: cannot write \"%s\": %s\n", port_file, strerror(errno));
		return false;
	}
	fprintf(f, "%d\n", l->port);
	return fclose(f) == 0;
}

static void release(struct sim *s)
{
	for (uint32_t i = 0; i < s->tenant_count; i++) {
		struct tenant *t = s->tenants[i];
		fault_clear(t);
		prepared_forget(t);
		stats_free(t->stats);
		replay_free(t->replay);
		fleet_release(t);
		mem_free(t);
	}
	mem_free(s->tenants);
	while (s->listeners) {
		struct listener *l = s->listeners;
		s->listeners = l->next;
		close(l->fd);
		mem_free(l);
	}
	pki_release(&s->pki);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct sim s = { .began_ms = clock_mono_ms(),
			 .lock = PTHREAD_MUTEX_INITIALIZER,
			 .idle = PTHREAD_COND_INITIALIZER };
	int status = 2;
	if (!options_parse(&o, &s, argc, argv))
		goto out;
	if (o.help) {
		options_help();
		status = 0;
		goto out;
	}
	raise_descriptor_limit();
	int signal_fd = take_signals();
	mkdir(o.dir, 0755);
	qsort(s.tenants, s.tenant_count, sizeof(struct tenant *), by_name);
	status = 1;
	if (!pki_make(&s.pki, o.dir) || !open_tenants(&s) || !open_control(&s, o.control_port_file))
		goto out;
	fflush(stdout);
	sim_serve(&s, signal_fd, o.exit_with_stdin);
	close(signal_fd);
	status = 0;
out:
	release(&s);
	return status;
}
