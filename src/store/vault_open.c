#include "base/mem.h"
#include "store/data_file.h"
#include "store/lmdb_error.h"
#include "store/lock.h"
#include "store/vault_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DBS = 2,
	MAP_BYTES = 16 << 20, /* at first; it is doubled as often as needed */
};

static int file_path(const struct vault *v, const char *name, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/%s", v->folder, name) < PATH_MAX ? 0 : ENAMETOOLONG;
}

static int open_to_others(const struct vault *v, const char *which, mode_t mode, struct err *e)
{
	return err_set(e, E_CONFIG,
		       "the %s of the secrets \"%.200s\" is open to others than its owner (mode %04o); take "
		       "that away with chmod -R go= and rotate the secrets if somebody may have read them",
		       which, v->folder, (unsigned)(mode & 07777));
}

/* E_NOT_FOUND when there is no data file. */
static int check_files(const struct vault *v, struct err *e)
{
	struct stat st;
	char path[PATH_MAX];
	if (lstat(v->folder, &st) && errno != ENOENT)
		return lmdb_fail(v->folder, e, errno, "looking at the secrets");
	else if (lstat(v->folder, &st))
		return err_set(e, E_NOT_FOUND, "there are no secrets at \"%.200s\"", v->folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, E_CONFIG, "\"%.200s\" is not a folder; move it away", v->folder);
	if (st.st_mode & 0077)
		return open_to_others(v, "folder", st.st_mode, e);
	int code = file_path(v, DATA_FILE_NAME, path);
	if (!code && lstat(path, &st))
		code = errno;
	if (code == ENOENT)
		return err_set(e, E_NOT_FOUND, "there are no secrets at \"%.200s\"", v->folder);
	if (code)
		return lmdb_fail(v->folder, e, code, "looking at the data file");
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, E_CORRUPT,
			       "the data file of the secrets \"%.200s\" is %s; check the disk and restore a "
			       "backup",
			       v->folder, S_ISREG(st.st_mode) ? "empty" : "no file");
	if (st.st_mode & 0077)
		return open_to_others(v, "data file", st.st_mode, e);
	return OK;
}

/* The lock is ours, so LMDB needs none. */
static int open_environment(struct vault *v, const char *file_name)
{
	char path[PATH_MAX];
	int rc = file_path(v, file_name, path);
	if (!rc)
		rc = mdb_env_create(&v->env);
	if (rc)
		return rc;
	mdb_env_set_assert(v->env, lmdb_on_damage);
	rc = mdb_env_set_mapsize(v->env, MAP_BYTES);
	if (!rc)
		rc = mdb_env_set_maxdbs(v->env, DBS);
	if (!rc)
		rc = mdb_env_open(v->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, 0600);
	return rc;
}

static int check_format(struct vault *v, MDB_txn *txn, struct err *e)
{
	MDB_val key = val_of("format", 6), value;
	int rc = mdb_get(txn, v->meta, &key, &value);
	if (rc == MDB_NOTFOUND || (!rc && value.mv_size != 4))
		return err_set(e, E_CORRUPT,
			       "the secrets \"%.200s\" have no format number; check the disk and restore a "
			       "backup",
			       v->folder);
	if (rc)
		return lmdb_fail(v->folder, e, rc, "reading the format");
	uint32_t format = get_u32(value.mv_data);
	if (format != VAULT_FORMAT)
		return err_set(e, E_NEWER_FORMAT,
			       "the secrets \"%.200s\" have format %u, this program knows %d; use a newer "
			       "program",
			       v->folder, (unsigned)format, VAULT_FORMAT);
	return OK;
}

static int open_databases(struct vault *v, struct err *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(v->env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return lmdb_fail(v->folder, e, rc, "reading the secrets");
	rc = mdb_dbi_open(txn, "meta", 0, &v->meta);
	if (!rc)
		rc = mdb_dbi_open(txn, "tenants", 0, &v->tenants);
	/* A file without them was not made by us. */
	int code = rc ? lmdb_fail(v->folder, e, rc == MDB_NOTFOUND ? MDB_INVALID : rc, "opening the secrets")
		      : check_format(v, txn, e);
	if (code)
		mdb_txn_abort(txn);
	else if ((rc = mdb_txn_commit(txn)))
		code = lmdb_fail(v->folder, e, rc, "opening the secrets");
	return code;
}

static int open_whole(struct vault *v, struct err *e)
{
	int rc = open_environment(v, DATA_FILE_NAME);
	return rc ? lmdb_fail(v->folder, e, rc, "opening the secrets") : open_databases(v, e);
}

static int vault_new(struct vault **out, const char *store_path, struct err *e)
{
	*out = NULL;
	struct vault *v = mem_zalloc(sizeof(*v));
	if (!v)
		return err_set(e, E_NOMEM, "out of memory while opening the secrets of \"%.200s\"",
			       store_path);
	v->lock_fd = -1;
	buf_init(&v->value, VAULT_VALUE_MAX);
	if (snprintf(v->folder, sizeof(v->folder), "%s/" VAULT_FOLDER_NAME, store_path) >= PATH_MAX) {
		mem_free(v);
		return err_set(e, E_CONFIG, "the path of the store is too long; choose another");
	}
	*out = v;
	return OK;
}

/* Ends an opening: closes it when that failed. */
static int opened(struct vault **v, int rc)
{
	if (rc) {
		vault_close(*v);
		*v = NULL;
	}
	return rc;
}

int vault_open(struct vault **out, const char *store_path, struct err *e)
{
	int rc = vault_new(out, store_path, e);
	if (rc)
		return rc;
	struct vault *v = *out;
	rc = check_files(v, e);
	if (!rc)
		rc = lock_take(v->folder, &v->lock_fd, e);
	if (!rc)
		rc = open_whole(v, e);
	return opened(out, rc);
}

void vault_close(struct vault *v)
{
	if (!v)
		return;
	if (v->env)
		mdb_env_close(v->env);
	buf_release(&v->value);
	lock_drop(v->lock_fd);
	mem_free(v);
}

/* ---- making ---- */

static int write_first(struct vault *v, const unsigned char *key_id)
{
	unsigned char format[4];
	MDB_val key = val_of("format", 6), value = val_of(format, sizeof(format));
	MDB_txn *txn;
	int rc = mdb_txn_begin(v->env, NULL, 0, &txn);
	if (rc)
		return rc;
	put_u32(format, VAULT_FORMAT);
	rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &v->meta);
	if (!rc)
		rc = mdb_dbi_open(txn, "tenants", MDB_CREATE, &v->tenants);
	if (!rc)
		rc = mdb_put(txn, v->meta, &key, &value, 0);
	key = val_of("key", 3);
	value = val_of(key_id, VAULT_KEY_ID_BYTES);
	if (!rc)
		rc = mdb_put(txn, v->meta, &key, &value, 0);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	return rc ? rc : mdb_env_sync(v->env, 1);
}

/* The file is written whole under another name; only then it is a vault. */
static int make_file(struct vault *v, const unsigned char *key_id)
{
	char begun[PATH_MAX], path[PATH_MAX];
	int rc = file_path(v, DATA_FILE_BEGUN_NAME, begun);
	if (!rc)
		rc = file_path(v, DATA_FILE_NAME, path);
	if (!rc && unlink(begun) && errno != ENOENT)
		rc = errno;
	if (!rc)
		rc = open_environment(v, DATA_FILE_BEGUN_NAME);
	if (!rc)
		rc = write_first(v, key_id);
	if (v->env)
		mdb_env_close(v->env);
	v->env = NULL;
	return rc ? rc : data_file_publish(v->folder, begun, path);
}

/* 0 or errno; a folder that is there is fine. */
static int make_folder(const char *path, const char *parent)
{
	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : errno;
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int code = fsync(fd) ? errno : 0;
	close(fd);
	return code;
}

int vault_create(struct vault **out, const char *store_path, const unsigned char key_id[VAULT_KEY_ID_BYTES],
		 struct err *e)
{
	int rc = vault_new(out, store_path, e);
	if (rc)
		return rc;
	struct vault *v = *out;
	int code = mkdir(store_path, 0700) && errno != EEXIST ? errno : 0;
	if (!code)
		code = make_folder(v->folder, store_path);
	if (code)
		return opened(out, lmdb_fail(v->folder, e, code, "making the folder"));
	rc = lock_take(v->folder, &v->lock_fd, e);
	if (rc)
		return opened(out, rc);
	rc = check_files(v, e);
	if (!rc)
		rc = err_set(e, E_CONFLICT, "there are secrets at \"%.200s\" already", v->folder);
	if (rc != E_NOT_FOUND)
		return opened(out, rc);
	code = make_file(v, key_id);
	rc = code ? lmdb_fail(v->folder, e, code, "making the data file") : open_whole(v, e);
	return opened(out, rc);
}
