#include "store/env.h"

#include "base/must.h"
#include "store/lmdb_error.h"
#include "store/data_file.h"
#include "store/folder.h"
#include "store/lock.h"
#include "store/vault.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t map_default_bytes = (size_t)256 << 30;

int store_fail(const struct store *s, struct err *e, int rc, const char *what)
{
	return lmdb_fail(s->path, e, rc, what);
}

int read_begin(struct store *s, struct read *r)
{
	r->s = s;
	for (int attempt = 0;; attempt++) {
		pthread_rwlock_rdlock(&s->map_lock);
		int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->mdb);
		if (!rc)
			return OK;
		pthread_rwlock_unlock(&s->map_lock);
		if (rc != MDB_MAP_RESIZED || attempt == 3)
			return store_fail(s, NULL, rc, "reading");
		/* Another process made the map larger: take its size. */
		pthread_rwlock_wrlock(&s->map_lock);
		rc = mdb_env_set_mapsize(s->env, 0);
		pthread_rwlock_unlock(&s->map_lock);
		if (rc)
			return store_fail(s, NULL, rc, "taking the new size of the map");
	}
}

void read_end(struct read *r)
{
	mdb_txn_abort(r->mdb);
	pthread_rwlock_unlock(&r->s->map_lock);
}

int store_grow(struct store *s, struct err *e)
{
	MDB_envinfo info;
	pthread_rwlock_wrlock(&s->map_lock);
	mdb_env_info(s->env, &info);
	int rc = mdb_env_set_mapsize(s->env, info.me_mapsize * 2);
	pthread_rwlock_unlock(&s->map_lock);
	return rc ? store_fail(s, e, rc, "growing the map") : OK;
}

/* ---- opening ---- */

/* Whether the folder holds nothing but what a store would put there, and
 * whether its data file (not an empty one) is among it. */
static int only_store_files(const char *path, bool *only, bool *data)
{
	static const char *const known[] = {
		".",        "..",           DATA_FILE_NAME,    DATA_FILE_BEGUN_NAME,
		"lock.mdb", LOCK_FILE_NAME, VAULT_FOLDER_NAME,
	};
	struct stat st;
	DIR *d = opendir(path);
	if (!d)
		return -1;
	*only = true;
	*data = false;
	for (struct dirent *entry; (entry = readdir(d));) {
		bool found = false;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || !strcmp(entry->d_name, known[i]);
		*only = *only && found;
		if (!strcmp(entry->d_name, DATA_FILE_NAME))
			*data = fstatat(dirfd(d), DATA_FILE_NAME, &st, 0) || st.st_size > 0;
	}
	closedir(d);
	return 0;
}

static int check_folder(struct store *s, bool *fresh, struct err *e)
{
	bool only, data;
	if (!s->read_only && folder_make(s->path) && errno != EEXIST)
		return err_set(
			e, errno == ENOSPC ? E_DISK_FULL : E_IO,
			"the folder of the store \"%s\" could not be made: %s; make it or choose another",
			s->path, strerror(errno));
	if (only_store_files(s->path, &only, &data)) {
		if (errno == ENOENT)
			return err_set(e, E_NOT_FOUND, "there is no store at \"%s\"; run a sync first",
				       s->path);
		return err_set(e, E_IO, "the folder of the store \"%s\" cannot be read: %s", s->path,
			       strerror(errno));
	}
	*fresh = !data;
	if (data)
		return OK;
	if (s->read_only)
		return err_set(e, E_NOT_FOUND, "there is no store at \"%s\"; run a sync first", s->path);
	if (!only)
		return err_set(e, E_CORRUPT,
			       "the folder \"%s\" is not a store: it holds other files; choose an empty one",
			       s->path);
	return OK;
}

static int open_environment(struct store *s, size_t map_bytes, struct err *e)
{
	unsigned flags = MDB_NOTLS | (s->read_only ? MDB_RDONLY : 0);
	int rc = ENOMEM;
	/* Address space costs nothing, but a limit on it may be set; valgrind's is told by EINVAL. */
	for (size_t size = map_bytes; (rc == ENOMEM || rc == EINVAL) && size >= map_bytes / 256; size /= 2) {
		rc = mdb_env_create(&s->env);
		if (rc)
			break;
		mdb_env_set_assert(s->env, lmdb_on_damage);
		rc = mdb_env_set_mapsize(s->env, size);
		if (!rc)
			rc = mdb_env_set_maxdbs(s->env, DB_COUNT);
		if (!rc)
			rc = mdb_env_open(s->env, s->path, flags, 0600);
		if (!rc)
			return OK;
		mdb_env_close(s->env);
		s->env = NULL;
	}
	if (rc == MDB_INVALID)
		return err_set(
			e, E_CORRUPT,
			"\"%s\" is not a store: its data file is something else; choose another folder",
			s->path);
	return store_fail(s, e, rc, "opening the environment");
}

static int check_format(struct store *s, MDB_txn *txn, bool *fresh, struct err *e)
{
	MDB_val key = { 6, (void *)"format" }, value;
	MDB_stat stat;
	MDB_dbi unnamed;
	int rc = mdb_dbi_open(txn, NULL, 0, &unnamed);
	if (!rc)
		rc = mdb_stat(txn, unnamed, &stat);
	if (rc)
		return store_fail(s, e, rc, "reading the format");
	*fresh = stat.ms_entries == 0;
	if (*fresh)
		return s->read_only ? err_set(e, E_NOT_FOUND,
					      "there is no store at \"%s\" yet; run a sync first", s->path)
				    : OK;
	rc = mdb_dbi_open(txn, schema_db_name(DB_META), 0, &s->dbi[DB_META]);
	if (!rc)
		rc = mdb_get(txn, s->dbi[DB_META], &key, &value);
	if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE || (!rc && value.mv_size != 4))
		return err_set(e, E_CORRUPT,
			       "\"%s\" is not a store: it has no format number; choose another folder",
			       s->path);
	if (rc)
		return store_fail(s, e, rc, "reading the format");
	uint32_t format = get_u32(value.mv_data);
	if (format > STORE_FORMAT)
		return err_set(
			e, E_NEWER_FORMAT,
			"the store \"%s\" has format %u, this program knows up to %d; use a newer program",
			s->path, (unsigned)format, STORE_FORMAT);
	if (format < STORE_FORMAT)
		return err_set(
			e, E_CONFIG,
			"the store \"%s\" has format %u, this program needs %d; move it away and sync again",
			s->path, (unsigned)format, STORE_FORMAT);
	return OK;
}

static int open_databases(struct store *s, struct err *e)
{
	MDB_txn *txn;
	bool fresh = false;
	int rc = mdb_txn_begin(s->env, NULL, s->read_only ? MDB_RDONLY : 0, &txn);
	if (rc)
		return store_fail(s, e, rc, "beginning");
	int code = check_format(s, txn, &fresh, e);
	if (code) {
		mdb_txn_abort(txn);
		return code;
	}
	for (int i = 0; i < DB_COUNT && !rc; i++)
		rc = mdb_dbi_open(txn, schema_db_name((enum store_db)i), s->read_only ? 0 : MDB_CREATE,
				  &s->dbi[i]);
	if (!rc && fresh) {
		unsigned char bytes[4];
		MDB_val key = { 6, (void *)"format" }, value = { sizeof(bytes), bytes };
		put_u32(bytes, STORE_FORMAT);
		rc = mdb_put(txn, s->dbi[DB_META], &key, &value, 0);
	}
	if (rc)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	return rc ? store_fail(s, e, rc, "opening the databases") : OK;
}

static int open_steps(struct store *s, const struct store_options *o, struct err *e)
{
	bool fresh = false;
	int rc = check_folder(s, &fresh, e);
	if (!rc && !s->read_only)
		rc = lock_take(s->path, &s->lock_fd, e);
	/* Somebody else may have made it before the lock was ours. */
	if (!rc && fresh)
		rc = check_folder(s, &fresh, e);
	if (!rc && fresh)
		rc = data_file_make(s, e);
	if (!rc)
		rc = open_environment(s, o->map_bytes ? o->map_bytes : map_default_bytes, e);
	if (!rc)
		rc = open_databases(s, e);
	if (!rc && !s->read_only)
		rc = txn_load_tenants(s, e);
	return rc;
}

int store_open(struct store **out, const struct store_options *o, struct err *e)
{
	*out = NULL;
	if (strlen(o->path) >= STORE_PATH_MAX)
		return err_set(e, E_CONFIG, "the path of the store is longer than %d bytes; choose another",
			       STORE_PATH_MAX);
	struct store *s = mem_zalloc(sizeof(*s));
	if (!s)
		return err_set(e, E_NOMEM, "out of memory while opening the store \"%s\"", o->path);
	memcpy(s->path, o->path, strlen(o->path) + 1);
	s->read_only = o->read_only;
	s->lock_fd = -1;
	if (pthread_rwlock_init(&s->map_lock, NULL)) {
		mem_free(s);
		return err_set(e, E_NOMEM, "out of memory while opening the store \"%s\"", o->path);
	}
	txn_init(&s->txn, s);
	int rc = open_steps(s, o, e);
	if (rc) {
		store_close(s);
		return rc;
	}
	*out = s;
	return OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	/* Nothing can be told from here: what lags is repeated by the next walk. */
	txn_write_lagging(s);
	txn_release(&s->txn);
	index_run_release(&s->index_run);
	for (uint32_t i = 0; i < s->tenant_count; i++)
		tenant_free(s->tenants[i]);
	mem_free(s->tenants);
	if (s->env)
		mdb_env_close(s->env);
	lock_drop(s->lock_fd);
	pthread_rwlock_destroy(&s->map_lock);
	mem_free(s);
}
