/* musterctl without its main(): one command line in, one exit code out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What the program's surroundings decide. */
struct ctl_surroundings {
	FILE *out, *complaints;
	bool terminal; /* `out` is one */
	bool colour;
	unsigned width; /* of the terminal */
	int in;         /* descriptor of the standard input */
	/* what the environment names; NULL: nothing */
	const char *store, *socket;
	const char *const *usual_sockets; /* ends with NULL */
	const char *usual_store;
	int64_t now;
};

/* Answers a MUSTER_EXIT_ code. */
int ctl_run(int argc, char *const *argv, const struct ctl_surroundings *s);
