/* The command line. */
#pragma once

#include "sim.h"

struct options {
	const char *dir, *control_port_file;
	bool exit_with_stdin, help;
};

/* Fills `s` with tenants that have no listeners yet. False after a line on
 * standard error. */
bool options_parse(struct options *o, struct sim *s, int argc, char **argv);
void options_help(void);
