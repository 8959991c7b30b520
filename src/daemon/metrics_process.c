/* What the kernel says of this process. */
#include "daemon/metrics_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of proc_pid_stat(5), counted from the state, which follows the name. */
enum { FIELD_STARTED = 19, FIELD_VIRTUAL = 20, FIELD_RESIDENT = 21, FIELDS = 22 };

/* The name may hold blanks and parentheses: the last one of these ends it. */
static bool read_fields(unsigned long long fields[FIELDS])
{
	char text[1024], *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (!(at = strrchr(text, ')')) || at[1] != ' ')
		return false;
	at += 2;
	for (int i = 0; i < FIELDS; i++) {
		fields[i] = 0;
		sscanf(at, "%llu", &fields[i]); /* the state is a letter, and stays 0 */
		if (!(at = strchr(at, ' ')))
			return false;
		at++;
	}
	return true;
}

static double seconds_of(clockid_t clock)
{
	struct timespec t = { 0 };
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double metrics_process_started(void)
{
	unsigned long long fields[FIELDS];
	if (!read_fields(fields))
		return 0;
	double since_boot = (double)fields[FIELD_STARTED] / (double)sysconf(_SC_CLK_TCK);
	return seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) + since_boot;
}

static double open_descriptors(void)
{
	struct stat st;
	double count = 0;
	DIR *d;
	/* newer kernels say it in the size; it costs little whatever the number */
	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (double)st.st_size;
	if (!(d = opendir("/proc/self/fd")))
		return 0;
	for (struct dirent *e; (e = readdir(d));)
		count += e->d_name[0] != '.';
	closedir(d);
	return count - 1; /* that of the reading itself */
}

void metrics_measure_process(double values[METRICS_VALUES])
{
	unsigned long long fields[FIELDS];
	struct rlimit limit;
	struct rusage usage;
	if (read_fields(fields)) {
		values[VALUE_VIRTUAL] = (double)fields[FIELD_VIRTUAL];
		values[VALUE_RESIDENT] = (double)fields[FIELD_RESIDENT] * (double)sysconf(_SC_PAGESIZE);
	}
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		values[VALUE_CPU] = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		values[VALUE_MAX_FDS] = (double)limit.rlim_cur;
	values[VALUE_OPEN_FDS] = open_descriptors();
}
