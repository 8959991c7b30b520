/* A power failure for one program: preloaded into it, this library ends the
 * program at a chosen write or sync of its store's data file, and leaves the
 * file as a disk might be found that lost its power at that moment.
 *
 * The model. A write to the file is on the disk for certain once a later
 * fdatasync(), fsync(), msync() or syncfs() of it has returned, or the write itself
 * when its descriptor was opened with O_SYNC or O_DSYNC (LMDB writes its meta
 * page through one). Until then each 512-byte sector of it may be there or
 * not, in any order and whatever was written later: the kernel writes pages
 * back when it likes. A sector is never torn. The file's length is that of the
 * last sync, or as long as the last sector that did arrive. A power failure in
 * the middle of a synchronous write leaves any of its sectors, and any of all
 * other writes that were not synced.
 *
 * What was there before a write is kept in memory when it is made; the failure
 * puts it back, sector by sector. The page cache is therefore right for
 * readers all the time. Stores through a writable mapping would not be seen:
 * LMDB maps the file read-only (invariant: no WRITEMAP), and a writable shared
 * mapping of the file aborts the program.
 *
 *   LOSTWRITES_FILE   end of the file's path (data.mdb)
 *   LOSTWRITES_AT     the number of the write or sync that meets the failure, from 1
 *   LOSTWRITES_SEED   decides which sectors arrive
 *   LOSTWRITES_LIES  "1": a disk that says synced and does nothing, against which
 *                    no store can stand; shows that the failures do harm
 *   LOSTWRITES_COUNT  file that gets the number of writes and syncs at a clean end */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SECTOR = 512, FDS = 1024, SECTORS_MAX = 1 << 20, FILE_SECTORS = 1 << 23 };

/* One sector that was written since the last sync, as it is on the disk. */
struct sector {
	uint64_t number;
	unsigned char before[SECTOR];
};

enum watch { NOT_WATCHED, CACHED, SYNCHRONOUS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watched[FDS];
static struct sector *sectors;
static size_t sector_count, sector_cap;
static unsigned char kept[FILE_SECTORS / 8]; /* a bit for each of `sectors` */
static uint64_t disk_bytes;                  /* the file's length as the disk has it */
static bool disk_known;
static unsigned long calls, fail_at;
static bool lies;
static uint64_t random_state;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fdatasync)(int), (*real_fsync)(int), (*real_syncfs)(int);
static int (*real_msync)(void *, size_t, int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

static const char *setting(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

__attribute__((noreturn)) static void broken(const char *what)
{
	fprintf(stderr, "lostwrites: %s\n", what);
	abort();
}

#define FIND(name)                                                                                           \
	do {                                                                                                 \
		*(void **)&real_##name = dlsym(RTLD_NEXT, #name);                                            \
		if (!real_##name)                                                                            \
			broken("no " #name "()");                                                            \
	} while (0)

static void begin(void)
{
	if (real_mmap)
		return;
	FIND(pwrite);
	FIND(pwritev);
	FIND(write);
	FIND(writev);
	FIND(fdatasync);
	FIND(fsync);
	FIND(syncfs);
	FIND(msync);
	FIND(ftruncate);
	FIND(open);
	FIND(close);
	FIND(mmap);
}

/* Not before: a sanitizer opens files when the environment is not there yet. */
__attribute__((constructor)) static void read_settings(void)
{
	begin();
	fail_at = strtoul(setting("LOSTWRITES_AT"), NULL, 10);
	lies = !strcmp(setting("LOSTWRITES_LIES"), "1");
	random_state = strtoull(setting("LOSTWRITES_SEED"), NULL, 10) * 0x9e3779b97f4a7c15 + 1;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = setting("LOSTWRITES_COUNT");
	FILE *f = *path ? fopen(path, "w") : NULL;
	if (f) {
		fprintf(f, "%lu\n", calls);
		fclose(f);
	}
}

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d >> 16;
}

static enum watch watch_of(int fd)
{
	return fd >= 0 && fd < FDS ? (enum watch)watched[fd] : NOT_WATCHED;
}

/* ---- the disk ---- */

/* Whether the sector was kept already; notes that it is now. */
static bool kept_before(uint64_t number)
{
	unsigned char bit = (unsigned char)(1 << number % 8);
	if (number >= FILE_SECTORS)
		broken("the file is too large");
	bool before = kept[number / 8] & bit;
	kept[number / 8] |= bit;
	return before;
}

/* Keeps what the disk has of the range. The first copy since a sync counts. */
static void keep(int fd, uint64_t offset, size_t n)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int in = real_open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0 || fstat(in, &st))
		broken("the file cannot be read");
	if (!disk_known)
		disk_bytes = (uint64_t)st.st_size;
	disk_known = true;
	for (uint64_t s = offset / SECTOR; n && s <= (offset + n - 1) / SECTOR; s++) {
		if (kept_before(s))
			continue;
		if (sector_count == sector_cap) {
			sector_cap = sector_cap ? 2 * sector_cap : 1024;
			sectors = realloc(sectors, sector_cap * sizeof(*sectors));
			if (!sectors || sector_cap > SECTORS_MAX)
				broken("too much was written between two syncs");
		}
		struct sector *k = &sectors[sector_count++];
		memset(k->before, 0, SECTOR);
		k->number = s;
		if (pread(in, k->before, SECTOR, (off_t)(s * SECTOR)) < 0)
			broken("the file cannot be read");
	}
	real_close(in);
}

/* These sectors are on the disk now. */
static void forget(uint64_t first, uint64_t last)
{
	size_t left = 0;
	for (size_t i = 0; i < sector_count; i++) {
		uint64_t n = sectors[i].number;
		if (n < first || n > last)
			sectors[left++] = sectors[i];
		else
			kept[n / 8] &= (unsigned char)~(1 << n % 8);
	}
	sector_count = left;
}

static void synced(int fd)
{
	struct stat st;
	if (lies)
		return;
	forget(0, UINT64_MAX);
	disk_known = !fstat(fd, &st);
	disk_bytes = (uint64_t)st.st_size;
}

/* Of a synchronous write only its own sectors are on the disk now. */
static void synced_range(uint64_t offset, size_t n)
{
	if (lies)
		return;
	forget(offset / SECTOR, (offset + n - 1) / SECTOR);
	if (disk_bytes < offset + n)
		disk_bytes = offset + n;
}

/* Which part of what was not synced arrives: nothing, all, or per cent. */
static unsigned luck(void)
{
	unsigned n = (unsigned)(draw() % 10);
	return n == 0 ? 0 : n == 1 ? 100 : (unsigned)(draw() % 101);
}

/* `fd` may be write-only, and that is enough. */
__attribute__((noreturn)) static void power_fails(int fd)
{
	struct stat st;
	uint64_t length = disk_bytes;
	unsigned arrives = luck();
	size_t lost = 0;
	if (fstat(fd, &st))
		broken("the file's length is not known");
	for (size_t i = 0; i < sector_count; i++) {
		const struct sector *k = &sectors[i];
		uint64_t from = k->number * SECTOR;
		if (draw() % 100 < arrives) {
			if (length < from + SECTOR)
				length = from + SECTOR;
			continue;
		}
		lost++;
		if (real_pwrite(fd, k->before, SECTOR, (off_t)from) != SECTOR)
			broken("the disk could not be put back");
	}
	if (length > (uint64_t)st.st_size)
		length = (uint64_t)st.st_size;
	if (disk_known && real_ftruncate(fd, (off_t)length))
		broken("the disk could not be put back");
	fprintf(stderr, "lostwrites: power failed at %lu, %zu of %zu sectors lost\n", calls, lost,
		sector_count);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static bool fails_now(void)
{
	return ++calls == fail_at;
}

/* ---- the calls ---- */

static void note_open(int fd, const char *path, int flags)
{
	const char *end_of_path = setting("LOSTWRITES_FILE");
	size_t n = strlen(path), m = strlen(end_of_path);
	if (fd < 0 || !m || n < m || strcmp(path + n - m, end_of_path) != 0 ||
	    (flags & O_ACCMODE) == O_RDONLY)
		return;
	if (fd >= FDS)
		broken("too many descriptors");
	watched[fd] = flags & O_DSYNC ? SYNCHRONOUS : CACHED;
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	begin();
	int fd = real_open(path, flags, mode);
	note_open(fd, path, flags);
	return fd;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
	begin();
	if (fd >= 0 && fd < FDS)
		watched[fd] = NOT_WATCHED;
	return real_close(fd);
}

static size_t bytes_of(const struct iovec *v, int count)
{
	size_t n = 0;
	for (int i = 0; i < count; i++)
		n += v[i].iov_len;
	return n;
}

/* The write is made first: it is among what arrives or not. */
#define WRITTEN(fd, offset, length, call)                                                                    \
	do {                                                                                                 \
		if (watch_of(fd) == NOT_WATCHED)                                                             \
			return (call);                                                                       \
		pthread_mutex_lock(&lock);                                                                   \
		uint64_t at = (uint64_t)(offset);                                                            \
		keep(fd, at, length);                                                                        \
		ssize_t done = (call);                                                                       \
		int code = errno;                                                                            \
		if (fails_now())                                                                             \
			power_fails(fd);                                                                     \
		if (done > 0 && watch_of(fd) == SYNCHRONOUS)                                                 \
			synced_range(at, (size_t)done);                                                      \
		pthread_mutex_unlock(&lock);                                                                 \
		errno = code;                                                                                \
		return done;                                                                                 \
	} while (0)

ssize_t pwrite(int fd, const void *p, size_t n, off_t offset)
{
	begin();
	WRITTEN(fd, offset, n, real_pwrite(fd, p, n, offset));
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t offset) __attribute__((alias("pwrite")));

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t offset)
{
	begin();
	WRITTEN(fd, offset, bytes_of(v, count), real_pwritev(fd, v, count, offset));
}

ssize_t pwritev64(int fd, const struct iovec *v, int count, off_t offset) __attribute__((alias("pwritev")));

ssize_t write(int fd, const void *p, size_t n)
{
	begin();
	WRITTEN(fd, lseek(fd, 0, SEEK_CUR), n, real_write(fd, p, n));
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	begin();
	WRITTEN(fd, lseek(fd, 0, SEEK_CUR), bytes_of(v, count), real_writev(fd, v, count));
}

/* A sync that meets the failure has done nothing for certain yet. */
#define SYNCED(fd, call)                                                                                     \
	do {                                                                                                 \
		if (watch_of(fd) == NOT_WATCHED)                                                             \
			return (call);                                                                       \
		pthread_mutex_lock(&lock);                                                                   \
		if (fails_now())                                                                             \
			power_fails(fd);                                                                     \
		int rc = (call);                                                                             \
		if (!rc)                                                                                     \
			synced(fd);                                                                          \
		pthread_mutex_unlock(&lock);                                                                 \
		return rc;                                                                                   \
	} while (0)

int fdatasync(int fd)
{
	begin();
	SYNCED(fd, real_fdatasync(fd));
}

int fsync(int fd)
{
	begin();
	SYNCED(fd, real_fsync(fd));
}

int syncfs(int fd)
{
	begin();
	SYNCED(fd, real_syncfs(fd));
}

/* Of a read-only mapping it syncs what was written by the other calls. */
int msync(void *p, size_t n, int flags)
{
	begin();
	for (int fd = 0; (flags & MS_SYNC) && fd < FDS; fd++)
		if (watch_of(fd) == CACHED)
			broken("msync() of a store is not modelled");
	return real_msync(p, n, flags);
}

int ftruncate(int fd, off_t length)
{
	begin();
	if (watch_of(fd) != NOT_WATCHED)
		broken("ftruncate() of a store is not modelled");
	return real_ftruncate(fd, length);
}

int ftruncate64(int fd, off_t length) __attribute__((alias("ftruncate")));

void *mmap(void *p, size_t n, int protection, int flags, int fd, off_t offset)
{
	begin();
	if (watch_of(fd) != NOT_WATCHED && (protection & PROT_WRITE) && (flags & MAP_SHARED))
		broken("the store is mapped writable");
	return real_mmap(p, n, protection, flags, fd, offset);
}

void *mmap64(void *p, size_t n, int protection, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));
