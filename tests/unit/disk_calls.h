/* Stands in for the system calls that change files, so that the n-th one can
 * fail or be the last thing the process does. To be included by one source of a
 * test program; LMDB's calls come here too. What the kernel was told before a
 * kill it keeps: this is kill -9, not a power failure. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	unsigned long count;   /* calls since disk_calls_*() */
	unsigned long fail_at; /* this one and all after it fail; 0: none */
	unsigned long kill_at; /* instead of this one SIGKILL comes; 0: never */
	int code;
} disk_calls;

static inline void disk_calls_fail_at(unsigned long n, int code)
{
	disk_calls.count = 0;
	disk_calls.kill_at = 0;
	disk_calls.fail_at = n;
	disk_calls.code = code;
}

static inline void disk_calls_kill_at(unsigned long n)
{
	disk_calls.count = 0;
	disk_calls.kill_at = n;
	disk_calls.fail_at = 0;
}

static inline bool disk_calls_refuse(void)
{
	disk_calls.count++;
	if (disk_calls.count == disk_calls.kill_at) {
		syscall(SYS_kill, getpid(), SIGKILL);
		for (;;)
			pause();
	}
	if (!disk_calls.fail_at || disk_calls.count < disk_calls.fail_at)
		return false;
	errno = disk_calls.code;
	return true;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return disk_calls_refuse() ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return disk_calls_refuse() ? -1 : syscall(SYS_pwritev, fd, v, n, at, 0L);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	return disk_calls_refuse() ? -1 : syscall(SYS_writev, fd, v, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
	return disk_calls_refuse() ? -1 : syscall(SYS_write, fd, p, n);
}

int fsync(int fd)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t n)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int rename(const char *from, const char *to)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int unlink(const char *path)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
	return disk_calls_refuse() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}
