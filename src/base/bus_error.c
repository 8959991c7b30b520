#include "base/bus_error.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *said_by;
static int ends_with;

/* Nothing but calls that a signal handler may make. */
static void on_bus_error(int signal_number)
{
	static const char text[] =
		": a part of the store cannot be read: its data file was cut short, or the "
		"disk fails; check the disk and restore a backup\n";
	(void)signal_number;
	ssize_t said = write(STDERR_FILENO, said_by, strlen(said_by));
	if (said >= 0)
		said = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)said;
	_exit(ends_with);
}

void bus_error_ends(const char *program, int exit_code)
{
	struct sigaction action = { .sa_handler = on_bus_error };
	said_by = program;
	ends_with = exit_code;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
