#include "base/bus_error.h"
#include "base/standard_files.h"
#include "conf/conf.h"
#include "daemon/once.h"
#include "daemon/options.h"
#include "daemon/service.h"
#include "muster/exit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void complain(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "%s\n", text);
}

/* A core would hold the tokens (invariant 11). */
static void forbid_cores(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
}

/* A configuration may have no tenants where a daemon can be given some. */
static int run_once(const struct conf *conf, const struct options *o)
{
	if (conf->tenant_count)
		return once_run(conf, o);
	fprintf(stderr, "musterd: --once finds no tenants in \"%s\"; give at least one under \"tenants\"\n",
		conf->file);
	return MUSTER_EXIT_CONFIG;
}

/* Takes the configuration over. What the command line says of the log wins. */
static int run_daemon(struct conf *conf, const struct options *o)
{
	log_configure(o->log_given ? o->log_level : (enum log_level)conf->log.level,
		      o->log_json || conf->log.json);
	for (size_t i = 0; i < conf->log.group_count; i++)
		log_set_level(conf->log.groups[i].group, (enum log_level)conf->log.groups[i].level, NULL);
	return service_run(conf, o);
}

int main(int argc, char **argv)
{
	struct options o;
	struct conf *conf = NULL;
	struct err e;
	forbid_cores();
	standard_files_fill();
	bus_error_ends("musterd", MUSTER_EXIT_STORE);
	if (options_parse(&o, argc, argv, &e) != OK) {
		fprintf(stderr, "musterd: %s\n", e.text);
		return MUSTER_EXIT_USAGE;
	}
	if (o.help || o.version) {
		if (o.help)
			options_print_help();
		else
			printf("musterd %s\n", MUSTER_VERSION);
		return MUSTER_EXIT_OK;
	}
	log_configure(o.log_level, o.log_json);
	int rc = conf_load(&conf, o.config, complain, NULL);
	if (rc != OK)
		return rc == E_NOMEM ? MUSTER_EXIT_SYSTEM : MUSTER_EXIT_CONFIG;
	int code = MUSTER_EXIT_OK;
	if (o.check_config)
		printf("%s: %zu tenant%s, no errors\n", o.config, conf->tenant_count,
		       conf->tenant_count == 1 ? "" : "s");
	else if (o.once)
		code = run_once(conf, &o);
	else
		return run_daemon(conf, &o);
	conf_free(conf);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "musterd: the output could not be written: %s\n", strerror(errno));
		return code ? code : MUSTER_EXIT_SYSTEM;
	}
	return code;
}
