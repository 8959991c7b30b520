/* What the store takes up, and who reads it. */
#include "base/must.h"
#include "store/env.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Entries of LMDB's list of free pages that are looked at: a snapshot that is
 * kept lets it grow without end, and the pages of the rest then count as used. */
enum { FREE_ENTRIES = 4096, FREE_DBI = 0 };

/* One line of mdb_reader_list(): "pid thread snapshot", in decimal, hexadecimal
 * and decimal; "-" in place of the snapshot of a thread that reads nothing now. */
static int count_reader(const char *line, void *arg)
{
	struct store_stat *out = arg;
	unsigned long thread, snapshot;
	int pid;
	if (sscanf(line, "%d %lx %lu", &pid, &thread, &snapshot) != 3)
		return 0;
	out->readers++;
	if (!out->oldest.pid || snapshot < out->oldest.snapshot)
		out->oldest = (struct store_reader){ pid, thread, snapshot };
	return 0;
}

static uint64_t free_pages(struct read *r)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t pages = 0;
	if (mdb_cursor_open(r->mdb, FREE_DBI, &cursor))
		return 0;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (int i = 0; !rc && i < FREE_ENTRIES; i++) {
		size_t n; /* what an entry begins with */
		must(value.mv_size >= sizeof(n));
		memcpy(&n, value.mv_data, sizeof(n));
		pages += n;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return pages;
}

static int measure_pages(struct store *s, struct store_stat *out)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct read r;
	int code = read_begin(s, &r);
	if (code)
		return code;
	int rc = mdb_env_info(s->env, &info);
	if (!rc)
		rc = mdb_env_stat(s->env, &stat);
	if (!rc) {
		uint64_t free = free_pages(&r), pages = info.me_last_pgno + 1;
		out->used_bytes = (pages > free ? pages - free : 0) * (uint64_t)stat.ms_psize;
		out->map_bytes = info.me_mapsize;
	}
	read_end(&r);
	return rc ? store_fail(s, NULL, rc, "counting") : OK;
}

static void measure_disk(struct store *s, struct store_stat *out)
{
	struct statvfs disk;
	struct stat file;
	int fd;
	if (statvfs(s->path, &disk) == 0) {
		out->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
		out->disk_size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
	}
	if (mdb_env_get_fd(s->env, &fd) == 0 && fstat(fd, &file) == 0)
		out->file_bytes = (uint64_t)file.st_size;
}

int store_stat(struct store *s, struct store_stat *out)
{
	*out = (struct store_stat){ 0 };
	/* before this becomes a reader itself */
	mdb_reader_list(s->env, count_reader, out);
	measure_disk(s, out);
	return measure_pages(s, out);
}
