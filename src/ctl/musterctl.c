#include "base/bus_error.h"
#include "base/clock.h"
#include "base/standard_files.h"
#include "ctl/ctl.h"
#include "muster/exit.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* $COLUMNS wins, as with other programs that print tables. */
static unsigned terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	unsigned long said = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;
	if (said >= 20 && said <= 10000)
		return (unsigned)said;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

/* Outside of a UTF-8 locale the table library would print every other letter as
 * an escape, so the C locale is taken as UTF-8. */
static void set_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

int main(int argc, char **argv)
{
	static const char *const sockets[] = { "./var/admin.sock", "/run/muster/admin.sock", NULL };
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	bool terminal = isatty(STDOUT_FILENO);
	struct ctl_surroundings s = {
		.out = stdout,
		.complaints = stderr,
		.terminal = terminal,
		.colour = terminal && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0,
		.width = terminal_width(),
		.in = STDIN_FILENO,
		.store = environment("MUSTER_STORE"),
		.socket = environment("MUSTER_SOCKET"),
		.usual_sockets = sockets,
		.usual_store = "./var/store",
		.now = clock_unix_s(),
	};
	standard_files_fill();
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* a token may be in memory */
	set_locale();
	signal(SIGPIPE, SIG_IGN);
	bus_error_ends("musterctl", MUSTER_EXIT_STORE);
	return ctl_run(argc, argv, &s);
}
